/*
 * rpc/inflate.h - messages that came compressed.
 *
 * Core inflates a message before it looks at its size: 320 KiB of gzip took 330 MiB. So a server has core hand messages
 * over as they came (GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION) and inflates them here, under a limit.
 */
#ifndef RPC_INFLATE_H
#define RPC_INFLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

struct grpc_byte_buffer;

/* Whether a message came compressed. */
bool rpc_inflate_is_due(const struct grpc_byte_buffer *bytes);

/* How large a message that came compressed can be once it is inflated, if it may have max_bytes. */
size_t rpc_inflate_get_bound(const struct grpc_byte_buffer *bytes, size_t max_bytes);

/*
 * Puts what *bytes holds in its place. It is due; its encoding is "gzip" (RFC 1952, one member) or "deflate" (which in
 * gRPC is RFC 1950). Takes max_bytes + 1 of memory at most, and some 40 KiB of zlib's own while it runs.
 * INVALID_ARGUMENT: *bytes is not one whole stream of its encoding. RESOURCE_EXHAUSTED: it holds more than max_bytes.
 */
struct status rpc_inflate(struct grpc_byte_buffer **bytes, size_t max_bytes) MUST_CHECK;

#endif
