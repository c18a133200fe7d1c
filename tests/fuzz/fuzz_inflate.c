/*
 * tests/fuzz/fuzz_inflate.c - compressed messages: what comes out keeps the limit, and does not depend on the pieces
 * that came in. The first byte says which encoding it is, the second how long a piece is.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>

#include "base/status.h"
#include "rpc/inflate.h"

enum { MAX_BYTES = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static grpc_byte_buffer *make_message(const uint8_t *data, size_t size, size_t piece_bytes,
                                      grpc_compression_algorithm algorithm)
{
    grpc_byte_buffer *made = grpc_raw_compressed_byte_buffer_create(NULL, 0, algorithm);

    for (size_t i = 0; i < size; i += piece_bytes) {
        size_t len = size - i < piece_bytes ? size - i : piece_bytes;
        grpc_slice_buffer_add_indexed(&made->data.raw.slice_buffer,
                                      grpc_slice_from_copied_buffer((const char *)data + i, len));
    }
    return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    grpc_compression_algorithm algorithm = data[0] % 2 ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_DEFLATE;
    grpc_byte_buffer *whole = make_message(data + 2, size - 2, size, algorithm);
    grpc_byte_buffer *pieces = make_message(data + 2, size - 2, data[1] + 1u, algorithm);
    size_t bound_bytes = rpc_inflate_get_bound(whole, MAX_BYTES);

    struct status first = rpc_inflate(&whole, MAX_BYTES);
    struct status second = rpc_inflate(&pieces, MAX_BYTES);
    assert(first.code == second.code && strcmp(first.text, second.text) == 0);
    if (first.code == STATUS_OK) {
        assert(grpc_byte_buffer_length(whole) <= bound_bytes);
        assert(grpc_byte_buffer_length(whole) == grpc_byte_buffer_length(pieces));
    }
    grpc_byte_buffer_destroy(whole);
    grpc_byte_buffer_destroy(pieces);
    return 0;
}
