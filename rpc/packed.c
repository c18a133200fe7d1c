#include "rpc/packed.h"

#include <stdatomic.h>

#include <grpc/byte_buffer.h>
#include <grpc/slice.h>

#include "base/mem.h"

struct rpc_packed {
    grpc_slice slice;
    atomic_uint nrefs;
};

struct rpc_packed *rpc_packed_create(const ProtobufCMessage *message)
{
    struct rpc_packed *packed = mem_alloc(sizeof(*packed));

    packed->slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(message));
    (void)protobuf_c_message_pack(message, GRPC_SLICE_START_PTR(packed->slice));
    atomic_init(&packed->nrefs, 1);
    return packed;
}

struct rpc_packed *rpc_packed_ref(struct rpc_packed *packed)
{
    (void)atomic_fetch_add_explicit(&packed->nrefs, 1, memory_order_relaxed);
    return packed;
}

void rpc_packed_unref(struct rpc_packed *packed)
{
    if (!packed || atomic_fetch_sub_explicit(&packed->nrefs, 1, memory_order_acq_rel) != 1)
        return;
    grpc_slice_unref(packed->slice);
    mem_free(packed);
}

size_t rpc_packed_get_size_bytes(const struct rpc_packed *packed)
{
    return sizeof(*packed) + GRPC_SLICE_LENGTH(packed->slice);
}

struct grpc_byte_buffer *rpc_packed_write(const struct rpc_packed *packed)
{
    grpc_slice slice = packed->slice; /* the buffer takes a reference to the same bytes */

    return grpc_raw_byte_buffer_create(&slice, 1);
}
