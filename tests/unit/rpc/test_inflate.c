/*
 * tests/unit/rpc/test_inflate.c - what is taken for a compressed message, and how large it may be.
 */
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <zlib.h>

#include "base/buf.h"
#include "rpc/inflate.h"
#include "tests/harness/test.h"

enum { GZIP_BITS = MAX_WBITS + 16, DEFLATE_BITS = MAX_WBITS };

/* Compresses as zlib does for the bits of a window. */
static void compress_to(struct buf *out, struct str text, int window_bits)
{
    z_stream zlib = {.next_in = (unsigned char *)(uintptr_t)text.data,
                     .avail_in = (unsigned)text.len};

    check_int(
        deflateInit2(&zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY),
        Z_OK);
    size_t size = deflateBound(&zlib, text.len);
    buf_clear(out);
    zlib.next_out = buf_reserve(out, size);
    zlib.avail_out = (unsigned)size;
    check_int(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    out->len += zlib.total_out;
    check_int(deflateEnd(&zlib), Z_OK);
}

/* A message as core hands it over, in pieces of piece_bytes. */
static grpc_byte_buffer *make_message(struct str bytes, size_t piece_bytes,
                                      grpc_compression_algorithm algorithm)
{
    grpc_byte_buffer *made = grpc_raw_compressed_byte_buffer_create(NULL, 0, algorithm);

    for (size_t i = 0; i < bytes.len; i += piece_bytes) {
        size_t len = bytes.len - i < piece_bytes ? bytes.len - i : piece_bytes;
        grpc_slice_buffer_add_indexed(&made->data.raw.slice_buffer,
                                      grpc_slice_from_copied_buffer(bytes.data + i, len));
    }
    return made;
}

/* Inflates; *ret is what came out, if that went well. */
static struct status inflate_in(struct str bytes, size_t piece_bytes,
                                grpc_compression_algorithm algorithm, size_t max_bytes,
                                struct buf *ret)
{
    grpc_byte_buffer *message = make_message(bytes, piece_bytes, algorithm);
    grpc_byte_buffer_reader reader;

    check(rpc_inflate_is_due(message));
    struct status st = rpc_inflate(&message, max_bytes);
    if (st.code == STATUS_OK) {
        check(!rpc_inflate_is_due(message));
        check(grpc_byte_buffer_reader_init(&reader, message));
        grpc_slice slice = grpc_byte_buffer_reader_readall(&reader);
        buf_clear(ret);
        buf_append(ret, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
        grpc_slice_unref(slice);
        grpc_byte_buffer_reader_destroy(&reader);
    }
    grpc_byte_buffer_destroy(message);
    return st;
}

static struct status inflate_gzip(struct str bytes, size_t max_bytes, struct buf *ret)
{
    return inflate_in(bytes, bytes.len + 1, GRPC_COMPRESS_GZIP, max_bytes, ret);
}

/* 10000 bytes that compress by some half. */
static void make_text(struct buf *out)
{
    uint32_t state = 1;

    for (size_t i = 0; i < 10000; i++) {
        state = state * 1664525 + 1013904223;
        buf_append_char(out, "0123456789abcdef"[state >> 28]);
    }
}

test(both_encodings_are_inflated_in_pieces_of_any_size)
{
    static const struct {
        grpc_compression_algorithm algorithm;
        int window_bits;
    } cases[] = {{GRPC_COMPRESS_GZIP, GZIP_BITS}, {GRPC_COMPRESS_DEFLATE, DEFLATE_BITS}};
    static const size_t pieces[] = {1, 7, 1000, 100000};
    struct buf text = {0};
    struct buf packed = {0};
    struct buf found = {0};

    make_text(&text);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        compress_to(&packed, buf_get(&text), cases[i].window_bits);
        for (size_t k = 0; k < ARRAY_LEN(pieces); k++) {
            check_status(inflate_in(buf_get(&packed), pieces[k], cases[i].algorithm, 10000, &found),
                         STATUS_OK);
            check(found.len == text.len && memcmp(found.data, text.data, text.len) == 0);
        }
    }
    buf_deinit(&text);
    buf_deinit(&packed);
    buf_deinit(&found);
}

test(an_empty_message_is_inflated)
{
    struct buf packed = {0};
    struct buf found = {0};

    compress_to(&packed, str_from(""), GZIP_BITS);
    check_status(inflate_gzip(buf_get(&packed), 0, &found), STATUS_OK);
    check_int(found.len, 0);
    buf_deinit(&packed);
    buf_deinit(&found);
}

test(a_message_over_the_limit_is_refused)
{
    struct buf text = {0};
    struct buf packed = {0};
    struct buf found = {0};

    make_text(&text);
    compress_to(&packed, buf_get(&text), GZIP_BITS);
    check_status(inflate_gzip(buf_get(&packed), 10000, &found), STATUS_OK);
    struct status st = inflate_gzip(buf_get(&packed), 9999, &found);
    check_status(st, STATUS_RESOURCE_EXHAUSTED);
    check_str(st.text, "the message is larger than 9999 bytes when it is inflated");
    buf_deinit(&text);
    buf_deinit(&packed);
    buf_deinit(&found);
}

test(nothing_inflates_to_more_than_its_bound)
{
    enum { BOMB_BYTES = 20 << 20 };
    char *zeros = calloc(1, BOMB_BYTES);
    struct buf packed = {0};
    struct buf found = {0};

    compress_to(&packed, str_from_bytes(zeros, BOMB_BYTES), GZIP_BITS);
    grpc_byte_buffer *message = make_message(buf_get(&packed), packed.len, GRPC_COMPRESS_GZIP);
    check(rpc_inflate_get_bound(message, SIZE_MAX) >= BOMB_BYTES);
    check_int(rpc_inflate_get_bound(message, 1 << 20), 1 << 20);
    grpc_byte_buffer_destroy(message);
    check_status(inflate_gzip(buf_get(&packed), 1 << 20, &found), STATUS_RESOURCE_EXHAUSTED);
    check_status(inflate_gzip(buf_get(&packed), BOMB_BYTES, &found), STATUS_OK);
    buf_deinit(&packed);
    buf_deinit(&found);
    free(zeros);
}

test(a_stream_that_ends_early_is_refused_at_any_byte)
{
    struct buf packed = {0};
    struct buf found = {0};

    compress_to(&packed, str_from("what a message holds"), GZIP_BITS);
    for (size_t len = 0; len < packed.len; len++) {
        struct status st = inflate_gzip(str_from_bytes(packed.data, len), 1000, &found);
        check_status(st, STATUS_INVALID_ARGUMENT);
        check_str(st.text, "the message is not one whole gzip stream");
    }
    buf_deinit(&packed);
    buf_deinit(&found);
}

test(what_follows_the_end_is_refused)
{
    static const size_t pieces[] = {1, 100000};
    struct buf packed = {0};
    struct buf found = {0};

    compress_to(&packed, str_from("what a message holds"), DEFLATE_BITS);
    buf_append_char(&packed, 'x');
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct status st =
            inflate_in(buf_get(&packed), pieces[i], GRPC_COMPRESS_DEFLATE, 1000, &found);
        check_status(st, STATUS_INVALID_ARGUMENT);
        check_str(st.text, "the message is not one whole deflate stream");
    }
    buf_deinit(&packed);
    buf_deinit(&found);
}

test(other_encodings_and_wrong_checksums_are_refused)
{
    struct buf packed = {0};
    struct buf found = {0};

    compress_to(&packed, str_from("what a message holds"), DEFLATE_BITS);
    check_status(inflate_gzip(buf_get(&packed), 1000, &found), STATUS_INVALID_ARGUMENT);
    check_status(inflate_gzip(str_from("not compressed at all"), 1000, &found),
                 STATUS_INVALID_ARGUMENT);
    compress_to(&packed, str_from("what a message holds"), GZIP_BITS);
    packed.data[packed.len - 8] ^= 1;
    check_status(inflate_gzip(buf_get(&packed), 1000, &found), STATUS_INVALID_ARGUMENT);
    buf_deinit(&packed);
    buf_deinit(&found);
}
