#include "rpc/calling.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/token_file.h"
#include "rpc/client_error.h"
#include "rpc/slice.h"

const char rpc_calling_authorization[] = "authorization";

static void create_core(struct rpc_calling *calling, const char *method)
{
    grpc_slice path = grpc_slice_from_copied_string(method);

    grpc_metadata_array_init(&calling->header);
    grpc_metadata_array_init(&calling->trailer);
    calling->text = grpc_empty_slice();
    calling->core =
        grpc_channel_create_call(calling->link->core, NULL, GRPC_PROPAGATE_DEFAULTS,
                                 calling->channel->queue, path, NULL, calling->deadline, NULL);
    grpc_slice_unref(path);
}

static void destroy_core(struct rpc_calling *calling)
{
    grpc_call_unref(calling->core);
    grpc_metadata_array_destroy(&calling->header);
    grpc_metadata_array_destroy(&calling->trailer);
    grpc_slice_unref(calling->text);
}

void rpc_calling_init(struct rpc_calling *calling, struct rpc_channel *channel,
                      struct rpc_channel_link *link, const char *method, gpr_timespec deadline)
{
    *calling = (struct rpc_calling){.channel = channel, .link = link, .deadline = deadline};
    create_core(calling, method);
}

gpr_timespec rpc_calling_make_deadline(unsigned timeout_ms)
{
    return timeout_ms == 0 ? gpr_inf_future(GPR_CLOCK_MONOTONIC) : rpc_deadline_from_ms(timeout_ms);
}

void rpc_calling_reset(struct rpc_calling *calling, const char *method)
{
    destroy_core(calling);
    create_core(calling, method);
}

static void add_header(struct rpc_calling *calling, const char *key, struct str value)
{
    calling->sent[calling->nsent++] = (grpc_metadata){
        .key = grpc_slice_from_static_string(key),
        .value = grpc_slice_from_copied_buffer(value.data, value.len),
    };
}

bool rpc_calling_write_token(const struct rpc_channel *channel, const struct rpc_header *headers,
                             size_t nheaders, char ret[RPC_CALLING_TOKEN_BYTES])
{
    char token[TOKEN_FILE_MAX_BYTES];

    for (size_t i = 0; i < nheaders; i++)
        if (strcmp(headers[i].key, rpc_calling_authorization) == 0)
            return false;
    if (!channel->token)
        return false;
    token_file_get(channel->token, token);
    (void)snprintf(ret, RPC_CALLING_TOKEN_BYTES, "Bearer %s", token);
    mem_wipe(token, sizeof(token));
    return true;
}

void rpc_calling_set_headers(struct rpc_calling *calling, const struct rpc_header *headers,
                             size_t nheaders)
{
    char value[RPC_CALLING_TOKEN_BYTES];

    assert(nheaders <= RPC_CALLING_MAX_HEADERS);
    for (size_t i = 0; i < nheaders; i++)
        add_header(calling, headers[i].key, headers[i].value);
    if (rpc_calling_write_token(calling->channel, headers, nheaders, value)) {
        add_header(calling, rpc_calling_authorization, str_from(value));
        mem_wipe(value, sizeof(value));
    }
}

void rpc_calling_leave(struct rpc_calling *calling)
{
    rpc_channel_leave(calling->channel, calling->link);
    calling->channel = NULL;
}

void rpc_calling_deinit(struct rpc_calling *calling)
{
    destroy_core(calling);
    for (size_t i = 0; i < calling->nsent; i++)
        grpc_slice_unref(calling->sent[i].value);
}

void rpc_calling_add_sends(struct rpc_batch *batch, struct rpc_calling *calling,
                           grpc_byte_buffer *request, bool waits_for_ready)
{
    grpc_op *header = rpc_batch_add(batch, GRPC_OP_SEND_INITIAL_METADATA);

    header->data.send_initial_metadata.metadata = calling->sent;
    header->data.send_initial_metadata.count = calling->nsent;
    if (waits_for_ready)
        header->flags = GRPC_INITIAL_METADATA_WAIT_FOR_READY |
                        GRPC_INITIAL_METADATA_WAIT_FOR_READY_EXPLICITLY_SET;
    rpc_batch_add_message(batch, request);
    (void)rpc_batch_add(batch, GRPC_OP_SEND_CLOSE_FROM_CLIENT);
}

void rpc_calling_add_header(struct rpc_batch *batch, struct rpc_calling *calling)
{
    grpc_op *header = rpc_batch_add(batch, GRPC_OP_RECV_INITIAL_METADATA);
    header->data.recv_initial_metadata.recv_initial_metadata = &calling->header;
}

void rpc_calling_add_status(struct rpc_batch *batch, struct rpc_calling *calling)
{
    grpc_op *end = rpc_batch_add(batch, GRPC_OP_RECV_STATUS_ON_CLIENT);
    end->data.recv_status_on_client.trailing_metadata = &calling->trailer;
    end->data.recv_status_on_client.status = &calling->code;
    end->data.recv_status_on_client.status_details = &calling->text;
}

void rpc_calling_add_end(struct rpc_batch *batch, struct rpc_calling *calling)
{
    rpc_calling_add_header(batch, calling);
    rpc_calling_add_status(batch, calling);
}

static struct str find_trailer(const struct rpc_calling *calling, const char *key)
{
    for (size_t i = 0; i < calling->trailer.count; i++) {
        const grpc_metadata *row = &calling->trailer.metadata[i];
        if (grpc_slice_str_cmp(row->key, key) == 0)
            return rpc_slice_get_bytes(&row->value);
    }
    return (struct str){NULL, 0};
}

struct rpc_outcome rpc_calling_get_outcome(const struct rpc_calling *calling)
{
    return (struct rpc_outcome){
        .code = (int)calling->code,
        .text = rpc_slice_get_bytes(&calling->text),
        .details = find_trailer(calling, "grpc-status-details-bin"),
        .pushback = find_trailer(calling, "grpc-retry-pushback-ms"),
    };
}

struct status rpc_outcome_read(const struct rpc_outcome *outcome, const struct rpc_channel *channel,
                               unsigned timeout_ms, bool was_cancelled)
{
    if (outcome->code == GRPC_STATUS_OK)
        return status_ok();

    struct rpc_failure failure = {
        .code = outcome->code,
        .text = outcome->text,
        .is_of_server = outcome->details.len > 0,
        .is_wanted = was_cancelled,
        .target = channel->target,
        .timeout_ms = timeout_ms,
    };
    return rpc_failure_describe(&failure);
}
