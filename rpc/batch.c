#include "rpc/batch.h"

#include <assert.h>

#include <grpc/byte_buffer.h>
#include <grpc/compression.h>

#include "base/compiler.h"

grpc_op *rpc_batch_add(struct rpc_batch *batch, grpc_op_type type)
{
    assert(batch->nops < RPC_BATCH_MAX_OPS);

    grpc_op *op = &batch->ops[batch->nops++];
    *op = (grpc_op){.op = type};
    return op;
}

void rpc_batch_add_gzip_header(struct rpc_batch *batch)
{
    grpc_op *op = rpc_batch_add(batch, GRPC_OP_SEND_INITIAL_METADATA);

    /* Of the levels the lowest is gzip, where the client takes it. */
    op->data.send_initial_metadata.maybe_compression_level.is_set = 1;
    op->data.send_initial_metadata.maybe_compression_level.level = GRPC_COMPRESS_LEVEL_LOW;
}

void rpc_batch_add_message(struct rpc_batch *batch, grpc_byte_buffer *bytes)
{
    grpc_op *op = rpc_batch_add(batch, GRPC_OP_SEND_MESSAGE);

    op->data.send_message.send_message = bytes;
    if (grpc_byte_buffer_length(bytes) < RPC_BATCH_MIN_GZIP_BYTES)
        op->flags = GRPC_WRITE_NO_COMPRESS;
}

void rpc_batch_add_receive(struct rpc_batch *batch, grpc_byte_buffer **ret)
{
    *ret = NULL;
    rpc_batch_add(batch, GRPC_OP_RECV_MESSAGE)->data.recv_message.recv_message = ret;
}

void rpc_batch_start(const struct rpc_batch *batch, grpc_call *call, struct rpc_tag *tag)
{
    HANDOFF_GIVE(tag);
    grpc_call_error error = grpc_call_start_batch(call, batch->ops, batch->nops, tag, NULL);
    assert(error == GRPC_CALL_OK);
}

gpr_timespec rpc_deadline_from_ms(unsigned delay_ms)
{
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(delay_ms, GPR_TIMESPAN));
}

unsigned rpc_deadline_get_left_ms(gpr_timespec deadline, unsigned max_ms)
{
    gpr_timespec end = gpr_convert_clock_type(deadline, GPR_CLOCK_MONOTONIC);
    int32_t left_ms = gpr_time_to_millis(gpr_time_sub(end, gpr_now(GPR_CLOCK_MONOTONIC)));

    if (left_ms <= 0)
        return 0;
    return (unsigned)left_ms < max_ms ? (unsigned)left_ms : max_ms;
}
