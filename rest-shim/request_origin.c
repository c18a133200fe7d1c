#include "rest-shim/request_origin.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "rest-shim/rest_error.h"
#include "rest-shim/routes.h"
#include "rpc/message_field.h"
#include "sluice/v1/task.pb-c.h"

static void add_header(struct request_origin *origin, const char *key, struct str value)
{
    origin->headers[origin->nheaders++] = (struct rpc_header){key, value};
}

static const char *choose_id(struct http_request *request, struct arena *arena)
{
    struct str given = http_request_get_header(request, "x-request-id");
    char made[ID_HEX_BYTES];

    if (request_id_is_valid(given))
        return arena_copy_str(arena, given);
    id_make_hex(made);
    return arena_copy_str(arena, str_from(made));
}

/* "GET /v1/tasks/{id}", as the conventions name spans of servers; never what the client made up. */
static const char *make_name(const struct route *route, struct arena *arena)
{
    return route ? arena_printf(arena, "%s %s", route->verb, route->path) : "HTTP";
}

static void begin_span(struct request_origin *origin, struct http_request *request,
                       struct tracer *tracer)
{
    struct arena *arena = http_request_get_arena(request);
    struct str state = http_request_get_header(request, "tracestate");
    struct trace_context parent = {.is_sampled = false};

    /* Of several none counts (W3C Trace Context, 3.2). */
    if (!trace_context_read(http_request_get_only_header(request, "traceparent"), &parent) &&
        !tracer)
        return;
    span_begin(tracer, &parent, SPAN_SERVER, make_name(origin->route, arena), &origin->span);
    trace_context_write_id(&origin->span.context, origin->trace_id);
    trace_context_write(&origin->span.context, origin->traceparent);
    add_header(origin, "traceparent", str_from(origin->traceparent));
    if (trace_context_is_set(&parent) && trace_state_is_valid(state))
        add_header(origin, "tracestate", str_from(arena_copy_str(arena, state)));
}

struct request_origin *request_origin_begin(struct http_request *request, const struct route *route,
                                            struct tracer *tracer)
{
    struct arena *arena = http_request_get_arena(request);
    struct request_origin *origin = arena_alloc(arena, sizeof(*origin));

    origin->request_id = choose_id(request, arena);
    origin->route = route;
    origin->task_id = "";
    origin->start_us = clock_get_monotonic_us();
    add_header(origin, "x-request-id", str_from(origin->request_id));
    begin_span(origin, request, tracer);
    http_request_set_header(request, &(struct http_header){"X-Request-Id", origin->request_id});
    http_request_set_note(request, origin);
    return origin;
}

/* Requests about one task name it in the field id, as a task itself does; those about data sources have names. */
void request_origin_note_task(struct http_request *request, const ProtobufCMessage *message)
{
    struct request_origin *origin = http_request_get_note(request);
    const ProtobufCFieldDescriptor *field = message_field_find(message->descriptor, str_from("id"));

    if (!field || field->type != PROTOBUF_C_TYPE_STRING ||
        field->label == PROTOBUF_C_LABEL_REPEATED)
        return;
    const char *id = *(char *const *)message_field_get(message, field);
    if (id && *id)
        origin->task_id = arena_copy_str(http_request_get_arena(request), str_from(id));
}

void request_origin_note_end(struct http_request *request, struct status st)
{
    struct request_origin *origin = http_request_get_note(request);

    if (st.code == STATUS_OK || rest_error_get_http_status(st.code) < 500)
        return; /* faults of callers are theirs to see; the rest is ours */
    log_warn("request failed", log_str("verb", origin->route->verb),
             log_str("path", origin->route->path), log_code(st), log_str("error", st.text),
             log_str("request_id", origin->request_id), log_str("trace_id", origin->trace_id),
             log_str("task", origin->task_id),
             log_int("took_us", clock_get_monotonic_us() - origin->start_us));
    if (span_is_recorded(&origin->span))
        span_fail(&origin->span,
                  arena_copy_str(http_request_get_arena(request), str_from(st.text)));
}

static void end_span(struct request_origin *origin, int status)
{
    struct span *span = &origin->span;
    const struct route *route = origin->route;

    if (!span_is_recorded(span))
        return;
    span_set_text(span, "http.request.method", str_from(route ? route->verb : "_OTHER"));
    if (route)
        span_set_text(span, "http.route", str_from(route->path));
    if (status != 0)
        span_set_int(span, "http.response.status_code", status);
    span_set_text(span, "sluice.request.id", str_from(origin->request_id));
    span_set_text(span, "sluice.task.id", str_from(origin->task_id));
    if (status >= 500) {
        span_set_text(span, "error.type", str_from("5xx"));
        if (!span->is_failed)
            span_fail(span, "");
    }
    span_end(span);
}

void request_origin_end(struct http_request *request, const struct http_outcome *outcome)
{
    struct request_origin *origin = http_request_get_note(request);

    if (log_is_on(LOG_DEBUG))
        log_debug("request", log_str("verb", origin->route ? origin->route->verb : ""),
                  log_str("path", origin->route ? origin->route->path : ""),
                  log_int("status", outcome->status),
                  log_int("bytes", (int64_t)outcome->body_bytes),
                  log_int("took_us", clock_get_monotonic_us() - origin->start_us),
                  log_str("request_id", origin->request_id), log_str("trace_id", origin->trace_id),
                  log_str("task", origin->task_id));
    end_span(origin, outcome->status);
}
