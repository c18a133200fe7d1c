/*
 * tests/unit/rpc/test_origin.c - the request and the trace that a call belongs to.
 */
#include "rpc/origin.h"

#include <string.h>

#include "base/compiler.h"
#include "base/log.h"
#include "tests/harness/test.h"
#include "tests/unit/rpc/echo_fixture.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00-" TRACE "-00f067aa0ba902b7-01"

/* Keeps the last span. */
struct recorder {
    struct tracer tracer;
    struct event recorded;
    struct span last;
    char texts[SPAN_MAX_ATTRIBUTES][128];
};

static void record(struct tracer *tracer, const struct span *span)
{
    struct recorder *recorder = container_of(tracer, struct recorder, tracer);

    recorder->last = *span;
    for (size_t i = 0; i < span->nattributes; i++)
        (void)snprintf(recorder->texts[i], sizeof(recorder->texts[i]), "%.*s",
                       (int)span->attributes[i].text.len,
                       span->attributes[i].text.data ? span->attributes[i].text.data : "");
    event_add(&recorder->recorded);
}

static void open_traced(struct echo *echo, struct recorder *recorder)
{
    *recorder = (struct recorder){.tracer = {.record = record, .root_ratio = 1}};
    event_init(&recorder->recorded);
    echo_open(echo, &(struct rpc_server_options){.tracer = &recorder->tracer});
}

static struct status call_with(struct echo *echo, const char *method,
                               const struct rpc_header *headers, size_t nheaders)
{
    struct pending pending;

    pending_start_with(&pending, echo, method, headers, nheaders);
    return pending_wait(&pending);
}

static const char *find_text(const struct recorder *recorder, const char *key)
{
    for (size_t i = 0; i < recorder->last.nattributes; i++) {
        if (strcmp(recorder->last.attributes[i].key, key) == 0)
            return recorder->texts[i];
    }
    return NULL;
}

test(a_call_that_brings_a_trace_is_a_span_of_it)
{
    const struct rpc_header headers[] = {{"traceparent", str_from(PARENT)},
                                         {"x-request-id", str_from("req-7")}};
    struct recorder recorder;
    struct trace_context parent;
    struct echo echo;

    open_traced(&echo, &recorder);
    check_status(call_with(&echo, ECHO, headers, ARRAY_LEN(headers)), STATUS_OK);
    check(event_wait(&recorder.recorded, 1));
    check(trace_context_read(str_from(PARENT), &parent));
    check(memcmp(recorder.last.context.trace_id, parent.trace_id, TRACE_ID_NBYTES) == 0);
    check(memcmp(recorder.last.parent_id, parent.span_id, TRACE_SPAN_ID_NBYTES) == 0);
    check_int(recorder.last.kind, SPAN_SERVER);
    check_str(find_text(&recorder, "rpc.service"), "sluice.v1.TaskService");
    check_str(find_text(&recorder, "rpc.method"), "GetTask");
    check_str(find_text(&recorder, "sluice.request.id"), "req-7");
    check(!recorder.last.is_failed);
    echo_close(&echo);
}

test(a_call_without_a_trace_begins_none_unless_its_service_does)
{
    struct recorder recorder;
    struct echo echo;

    open_traced(&echo, &recorder);
    check_status(call_with(&echo, ECHO, NULL, 0), STATUS_OK);
    echo_close(&echo);
    check_int(recorder.recorded.count, 0);

    echo_service.begins_traces = true;
    open_traced(&echo, &recorder);
    check_status(call_with(&echo, ECHO, NULL, 0), STATUS_OK);
    echo_close(&echo);
    echo_service.begins_traces = false;
    check_int(recorder.recorded.count, 1);
    check(memcmp(recorder.last.parent_id, (uint8_t[TRACE_SPAN_ID_NBYTES]){0},
                 TRACE_SPAN_ID_NBYTES) == 0);
}

test(a_failure_of_ours_fails_the_span_and_is_told_under_the_request_id)
{
    const struct rpc_header headers[] = {{"traceparent", str_from(PARENT)},
                                         {"x-request-id", str_from("req-8")}};
    struct recorder recorder;
    struct echo echo;

    open_traced(&echo, &recorder);
    struct status st = call_with(&echo, BREAK, headers, ARRAY_LEN(headers));
    check_status(st, STATUS_INTERNAL);
    check_str(st.text, "internal error, request id req-8");
    check(event_wait(&recorder.recorded, 1));
    check(recorder.last.is_failed);
    check_str(find_text(&recorder, "error.type"), "INTERNAL");
    echo_close(&echo);
}

test(a_request_id_that_is_none_is_replaced)
{
    const struct rpc_header headers[] = {{"x-request-id", str_from("two words")}};
    struct echo echo;

    echo_open(&echo, NULL);
    struct status st = call_with(&echo, BREAK, headers, 1);
    check_int(strlen(st.text), strlen("internal error, request id ") + 32);
    check(!strstr(st.text, "two words"));
    echo_close(&echo);
}
