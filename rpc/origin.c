#include "rpc/origin.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "rpc/caller.h"
#include "rpc/serving.h"

const char *rpc_origin_get_request_id(struct rpc_call *call)
{
    struct str given = rpc_caller_find_metadata(call, "x-request-id");
    char made[ID_HEX_BYTES];

    if (call->request_id)
        return call->request_id;
    if (!request_id_is_valid(given)) {
        id_make_hex(made);
        given = str_from(made);
    }
    call->request_id = arena_copy_str(call->arena, given);
    return call->request_id;
}

struct span *rpc_origin_get_span(struct rpc_call *call)
{
    struct trace_context parent = {.is_sampled = false};

    if (call->span)
        return call->span;
    bool has_parent =
        trace_context_read(rpc_caller_find_only_metadata(call, "traceparent"), &parent);
    bool is_traced = call->route && (has_parent || call->route->begins_traces);
    call->span = arena_alloc(call->arena, sizeof(*call->span));
    span_begin(is_traced ? call->server->tracer : NULL, &parent, SPAN_SERVER,
               call->route ? call->route->path + 1 : "", call->span);
    return call->span;
}

struct span *rpc_origin_find_recorded(const struct rpc_call *call)
{
    return call->span && span_is_recorded(call->span) ? call->span : NULL;
}

struct str rpc_origin_get_trace_state(const struct rpc_call *call)
{
    struct str state = rpc_caller_find_metadata(call, "tracestate");
    struct trace_context parent;
    bool has_parent =
        trace_context_read(rpc_caller_find_only_metadata(call, "traceparent"), &parent);

    return has_parent && trace_state_is_valid(state) ? state : (struct str){NULL, 0};
}

void rpc_origin_set_actor(struct rpc_call *call, const char *actor)
{
    call->actor = actor;
}

void rpc_origin_set_task(struct rpc_call *call, const char *task_id)
{
    call->task_id = task_id;
}

/* Life of a call. */

void rpc_origin_begin(struct rpc_call *call)
{
    if (call->server->tracer)
        (void)rpc_origin_get_span(call);
    if (log_is_on(LOG_DEBUG))
        call->start_us = clock_get_monotonic_us();
}

/* Whether it is a fault of this side (opentelemetry.io, "Semantic conventions for gRPC", status of server spans). */
static bool is_our_fault(enum status_code code)
{
    return code == STATUS_UNKNOWN || code == STATUS_DEADLINE_EXCEEDED ||
           code == STATUS_UNIMPLEMENTED || code == STATUS_INTERNAL || code == STATUS_UNAVAILABLE ||
           code == STATUS_DATA_LOSS;
}

static void end_span(struct rpc_call *call, struct status st)
{
    struct span *span = call->span;

    if (!span_is_recorded(span))
        return;
    struct str method = str_from(call->route->path + 1);
    struct str service = str_cut(&method, '/');
    span_set_text(span, "rpc.system", str_from("grpc"));
    span_set_text(span, "rpc.service", service);
    span_set_text(span, "rpc.method", method);
    span_set_int(span, "rpc.grpc.status_code", (int64_t)st.code);
    span_set_text(span, "sluice.request.id", str_from(rpc_origin_get_request_id(call)));
    span_set_text(span, "sluice.task.id", str_from(call->task_id));
    span_set_text(span, "sluice.actor", str_from(call->actor));
    if (is_our_fault(st.code)) {
        span_set_text(span, "error.type", str_from(status_code_get_name(st.code)));
        span_fail(span, st.text);
    }
    span_end(span);
}

void rpc_origin_end(struct rpc_call *call, struct status st)
{
    if (call->start_us != 0) {
        char trace_id[TRACE_ID_TEXT_BYTES];
        trace_context_write_id(&rpc_origin_get_span(call)->context, trace_id);
        log_debug("call", log_str("method", call->route ? call->route->path : ""), log_code(st),
                  log_int("took_us", clock_get_monotonic_us() - call->start_us),
                  log_str("request_id", rpc_origin_get_request_id(call)),
                  log_str("trace_id", trace_id), log_str("task", call->task_id),
                  log_str("actor", call->actor));
    }
    if (call->span)
        end_span(call, st);
}
