/*
 * rpc/call_details.c - what handlers say of an error to come.
 */
#include "base/arena.h"
#include "rpc/call.h"
#include "rpc/serving.h"

enum {
    STOPPING_RETRY_MS = 1000, /* for who comes to a server that stops */
};

void rpc_call_add_violation(struct rpc_call *call, const char *field, const char *description)
{
    struct rpc_details *details = &call->details;

    if (!details->violations)
        details->violations =
            arena_alloc(call->arena, RPC_DETAILS_MAX_VIOLATIONS * sizeof(*details->violations));
    if (details->nviolations == RPC_DETAILS_MAX_VIOLATIONS)
        return;
    details->violations[details->nviolations++] = (struct rpc_violation){
        arena_copy_str(call->arena, str_from(field)),
        arena_copy_str(call->arena, str_from(description)),
    };
}

void rpc_call_set_reason(struct rpc_call *call, const char *reason, const char *metadata_key,
                         const char *metadata_value)
{
    struct rpc_details *details = &call->details;

    details->reason = arena_copy_str(call->arena, str_from(reason));
    details->metadata_key = NULL;
    if (!metadata_key)
        return;
    details->metadata_key = arena_copy_str(call->arena, str_from(metadata_key));
    details->metadata_value = arena_copy_str(call->arena, str_from(metadata_value));
}

void rpc_call_set_lasting(struct rpc_call *call)
{
    call->details.is_lasting = true;
}

void rpc_call_set_retry_ms(struct rpc_call *call, unsigned retry_ms)
{
    call->details.retry_ms = retry_ms;
}

void rpc_call_set_resource(struct rpc_call *call, const char *type, const char *name)
{
    call->details.resource_type = arena_copy_str(call->arena, str_from(type));
    call->details.resource_name = arena_copy_str(call->arena, str_from(name));
}

struct status rpc_call_set_stopping(struct rpc_call *call)
{
    rpc_call_set_reason(call, "STOPPING", NULL, NULL);
    rpc_call_set_retry_ms(call, STOPPING_RETRY_MS);
    return status_error(STATUS_UNAVAILABLE, "the server is stopping");
}
