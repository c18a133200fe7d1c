#include "rpc/calling.h"

#include "rpc/client_error.h"

void rpc_calling_init(struct rpc_calling *calling, struct rpc_channel *channel, const char *method,
                      unsigned timeout_ms)
{
    grpc_slice path = grpc_slice_from_copied_string(method);
    gpr_timespec deadline =
        timeout_ms == 0 ? gpr_inf_future(GPR_CLOCK_MONOTONIC) : rpc_deadline_from_ms(timeout_ms);

    *calling = (struct rpc_calling){.channel = channel, .timeout_ms = timeout_ms};
    grpc_metadata_array_init(&calling->header);
    grpc_metadata_array_init(&calling->trailer);
    calling->text = grpc_empty_slice();
    calling->core = grpc_channel_create_call(channel->core, NULL, GRPC_PROPAGATE_DEFAULTS,
                                             channel->queue, path, NULL, deadline, NULL);
    grpc_slice_unref(path);
}

void rpc_calling_deinit(struct rpc_calling *calling)
{
    grpc_call_unref(calling->core);
    grpc_metadata_array_destroy(&calling->header);
    grpc_metadata_array_destroy(&calling->trailer);
    grpc_slice_unref(calling->text);
}

void rpc_calling_add_sends(struct rpc_batch *batch, grpc_byte_buffer *request, bool waits_for_ready)
{
    grpc_op *header = rpc_batch_add(batch, GRPC_OP_SEND_INITIAL_METADATA);

    if (waits_for_ready)
        header->flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY |
                        GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET;
    rpc_batch_add_message(batch, request);
    (void)rpc_batch_add(batch, GRPC_OP_SEND_CLOSE_FROM_CLIENT);
}

void rpc_calling_add_end(struct rpc_batch *batch, struct rpc_calling *calling)
{
    grpc_op *header = rpc_batch_add(batch, GRPC_OP_RECV_INITIAL_METADATA);
    header->data.recv_initial_metadata.recv_initial_metadata = &calling->header;
    grpc_op *end = rpc_batch_add(batch, GRPC_OP_RECV_STATUS_ON_CLIENT);
    end->data.recv_status_on_client.trailing_metadata = &calling->trailer;
    end->data.recv_status_on_client.status = &calling->code;
    end->data.recv_status_on_client.status_details = &calling->text;
}

static struct str get_bytes(const grpc_slice *slice)
{
    return str_from_bytes(GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice));
}

struct str rpc_calling_find_details(const struct rpc_calling *calling)
{
    for (size_t i = 0; i < calling->trailer.count; i++) {
        const grpc_metadata *row = &calling->trailer.metadata[i];
        if (grpc_slice_str_cmp(row->key, "grpc-status-details-bin") == 0)
            return get_bytes(&row->value);
    }
    return (struct str){NULL, 0};
}

struct status rpc_calling_read_end(const struct rpc_calling *calling, bool was_cancelled)
{
    if (calling->code == GRPC_STATUS_OK)
        return status_ok();

    struct rpc_failure failure = {
        .code = (int)calling->code,
        .text = get_bytes(&calling->text),
        .is_of_server = rpc_calling_find_details(calling).len > 0,
        .is_wanted = was_cancelled,
        .target = calling->channel->target,
        .timeout_ms = calling->timeout_ms,
    };
    return rpc_failure_describe(&failure);
}
