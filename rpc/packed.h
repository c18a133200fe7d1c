/*
 * rpc/packed.h - a message that was packed once, to be sent on many streams.
 *
 * It is counted, since streams let go of it in any order and on any thread.
 */
#ifndef RPC_PACKED_H
#define RPC_PACKED_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "base/compiler.h"

struct grpc_byte_buffer;
struct rpc_packed;

/* Packs message before it returns. The caller has the first reference. */
struct rpc_packed *rpc_packed_create(const ProtobufCMessage *message) MUST_CHECK;

/* Any thread. */
struct rpc_packed *rpc_packed_ref(struct rpc_packed *packed);

/* The last one frees. Any thread. NULL is allowed. */
void rpc_packed_unref(struct rpc_packed *packed);

/* What it takes of memory, about. */
size_t rpc_packed_get_size_bytes(const struct rpc_packed *packed);

/* For call.c: a buffer that shares the bytes; owned by the caller, to be destroyed by grpc_byte_buffer_destroy. */
struct grpc_byte_buffer *rpc_packed_write(const struct rpc_packed *packed) MUST_CHECK;

#endif
