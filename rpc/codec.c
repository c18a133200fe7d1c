#include "rpc/codec.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>

#include "rpc/message_wire.h"
#include "rpc/slice.h"

grpc_slice rpc_codec_pack(const ProtobufCMessage *message)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));

    (void)protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(slice));
    return slice;
}

struct grpc_byte_buffer *rpc_codec_write(const ProtobufCMessage *message)
{
    grpc_slice slice = rpc_codec_pack(message);
    grpc_byte_buffer *bytes = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return bytes;
}

/* *ret is the caller's to unref. */
static struct status join(struct grpc_byte_buffer *bytes, grpc_slice *ret)
{
    grpc_byte_buffer_reader reader;

    if (!grpc_byte_buffer_reader_init(&reader, bytes))
        return status_error(STATUS_INTERNAL, "the message cannot be decompressed");
    *ret = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    return status_ok();
}

struct status rpc_codec_read(struct grpc_byte_buffer *bytes, const ProtobufCMessageDescriptor *type,
                             struct arena *arena, struct message_wire_fault *ret_fault,
                             ProtobufCMessage **ret)
{
    grpc_slice slice;
    struct status st = join(bytes, &slice);

    if (st.code != STATUS_OK)
        return st;
    st = message_wire_read(rpc_slice_get_bytes(&slice), type, arena, ret_fault, ret);
    grpc_slice_unref(slice);
    return st;
}

struct status rpc_codec_read_field(struct grpc_byte_buffer *bytes,
                                   const ProtobufCMessageDescriptor *type,
                                   const ProtobufCFieldDescriptor *field, struct arena *arena,
                                   ProtobufCMessage **ret)
{
    grpc_slice slice;
    struct status st = join(bytes, &slice);

    if (st.code != STATUS_OK)
        return st;
    st = message_wire_read_field(rpc_slice_get_bytes(&slice), type, field, arena, NULL, ret);
    grpc_slice_unref(slice);
    return st;
}
