#include "rpc/inflate.h"

#include <assert.h>
#include <stdint.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <zlib.h>

#include "base/mem.h"

enum {
    MAX_RATIO = 1032, /* two bits are the shortest code for 258 bytes (RFC 1951, section 3.2.5) */
    FIRST_RATIO = 4,  /* what the first piece of memory is for */
    GZIP_FORMAT = 16, /* added to the bits of the window: zlib.h, inflateInit2 */
};

struct inflating {
    z_stream zlib;
    int result; /* of zlib's last step */
    size_t max_bytes;
    unsigned char *out;
    size_t size_bytes; /* of out; max_bytes and one more at most, for a byte too many to show */
};

/* zlib asks for its memory as everyone does here: what there is not, aborts. */
static void *alloc(void *opaque, unsigned count, unsigned size)
{
    (void)opaque;
    return mem_alloc_array(count, size);
}

static void release(void *opaque, void *memory)
{
    (void)opaque;
    mem_free(memory);
}

static bool is_gzip(const struct grpc_byte_buffer *bytes)
{
    return bytes->data.raw.compression == GRPC_COMPRESS_GZIP;
}

bool rpc_inflate_is_due(const struct grpc_byte_buffer *bytes)
{
    return bytes->data.raw.compression != GRPC_COMPRESS_NONE;
}

static size_t get_product(size_t size_bytes, size_t factor, size_t max_bytes)
{
    return size_bytes > max_bytes / factor ? max_bytes : size_bytes * factor;
}

size_t rpc_inflate_get_bound(const struct grpc_byte_buffer *bytes, size_t max_bytes)
{
    return get_product(bytes->data.raw.slice_buffer.length, MAX_RATIO, max_bytes);
}

static void resize(struct inflating *it, size_t size_bytes)
{
    it->out = mem_realloc_array(it->out, size_bytes, 1);
    it->zlib.next_out = it->out + it->zlib.total_out;
    it->zlib.avail_out = (unsigned)(size_bytes - it->zlib.total_out);
    it->size_bytes = size_bytes;
}

static void start(struct inflating *it, const struct grpc_byte_buffer *bytes, size_t max_bytes)
{
    *it = (struct inflating){.zlib = {.zalloc = alloc, .zfree = release}, .max_bytes = max_bytes};
    it->result = inflateInit2(&it->zlib, MAX_WBITS + (is_gzip(bytes) ? GZIP_FORMAT : 0));
    assert(it->result == Z_OK);
    resize(it, get_product(bytes->data.raw.slice_buffer.length, FIRST_RATIO, max_bytes) + 1);
}

/* Inflates one more piece. A stream that has ended takes none. */
static struct status feed(struct inflating *it, grpc_slice piece)
{
    z_stream *zlib = &it->zlib;

    zlib->next_in = GRPC_SLICE_START_PTR(piece);
    zlib->avail_in = (unsigned)GRPC_SLICE_LENGTH(piece);
    while (it->result == Z_OK && (zlib->avail_in > 0 || zlib->avail_out == 0)) {
        if (zlib->avail_out == 0)
            resize(it, get_product(it->size_bytes, 2, it->max_bytes) + 1);
        it->result = inflate(zlib, Z_NO_FLUSH);
        if (zlib->total_out > it->max_bytes)
            return status_error(STATUS_RESOURCE_EXHAUSTED,
                                "the message is larger than %zu bytes when it is inflated",
                                it->max_bytes);
        if (it->result == Z_BUF_ERROR) /* it could do nothing without the next piece */
            it->result = Z_OK;
    }
    return status_ok();
}

static struct status feed_all(struct inflating *it, struct grpc_byte_buffer *bytes)
{
    struct status st = status_ok();
    grpc_byte_buffer_reader reader;
    grpc_slice *piece;

    int is_readable = grpc_byte_buffer_reader_init(&reader, bytes);
    assert(is_readable);
    while (st.code == STATUS_OK && grpc_byte_buffer_reader_peek(&reader, &piece)) {
        st = feed(it, *piece);
        /* What follows the end is as wrong as what ends before it. */
        if (it->result == Z_STREAM_END && it->zlib.avail_in > 0)
            it->result = Z_DATA_ERROR;
    }
    grpc_byte_buffer_reader_destroy(&reader);
    if (st.code == STATUS_OK && it->result != Z_STREAM_END)
        st = status_error(STATUS_INVALID_ARGUMENT, "the message is not one whole %s stream",
                          is_gzip(bytes) ? "gzip" : "deflate");
    return st;
}

struct status rpc_inflate(struct grpc_byte_buffer **bytes, size_t max_bytes)
{
    struct inflating it;

    assert(rpc_inflate_is_due(*bytes));
    start(&it, *bytes, max_bytes);
    struct status st = feed_all(&it, *bytes);
    size_t len = it.zlib.total_out;
    (void)inflateEnd(&it.zlib);
    if (st.code != STATUS_OK) {
        mem_free(it.out);
        return st;
    }
    grpc_slice slice = grpc_slice_new(it.out, len, mem_free);
    grpc_byte_buffer_destroy(*bytes);
    *bytes = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return status_ok();
}
