/*
 * rpc/codec.h - messages to and from the buffers that core carries.
 */
#ifndef RPC_CODEC_H
#define RPC_CODEC_H

#include <grpc/slice.h>
#include <protobuf-c/protobuf-c.h>

#include "base/status.h"

struct arena;
struct grpc_byte_buffer;
struct message_wire_fault;

/* Packs message; the caller's, to be unreferenced. */
grpc_slice rpc_codec_pack(const ProtobufCMessage *message) MUST_CHECK;

/* Packs message; owned by the caller, to be destroyed by grpc_byte_buffer_destroy. */
struct grpc_byte_buffer *rpc_codec_write(const ProtobufCMessage *message) MUST_CHECK;

/* Reads a whole buffer as message_wire_read does, with its errors. */
struct status rpc_codec_read(struct grpc_byte_buffer *bytes, const ProtobufCMessageDescriptor *type,
                             struct arena *arena, struct message_wire_fault *ret_fault,
                             ProtobufCMessage **ret) MUST_CHECK;

/* As rpc_codec_read, but of one field alone: see message_wire_read_field. */
struct status rpc_codec_read_field(struct grpc_byte_buffer *bytes,
                                   const ProtobufCMessageDescriptor *type,
                                   const ProtobufCFieldDescriptor *field, struct arena *arena,
                                   ProtobufCMessage **ret) MUST_CHECK;

#endif
