/*
 * tests/unit/base/test_span.c - which spans are recorded, and as part of what.
 */
#include "base/span.h"

#include <string.h>

#include "base/compiler.h"
#include "tests/harness/test.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"

struct recorder {
    struct tracer tracer;
    unsigned count;
    struct span last;
};

static void record(struct tracer *tracer, const struct span *span)
{
    struct recorder *recorder = container_of(tracer, struct recorder, tracer);

    recorder->count++;
    recorder->last = *span;
}

static struct trace_context read_parent(const char *text)
{
    struct trace_context context = {.is_sampled = false};

    check(trace_context_read(str_from(text), &context));
    return context;
}

test(a_span_is_the_child_of_a_sampled_parent)
{
    struct recorder recorder = {.tracer = {.record = record}};
    struct trace_context parent = read_parent("00-" TRACE "-00f067aa0ba902b7-01");
    struct span span;

    span_begin(&recorder.tracer, &parent, SPAN_SERVER, "work", &span);
    span_set_text(&span, "key", str_from("text"));
    span_set_text(&span, "none", str_from(""));
    span_set_int(&span, "number", 7);
    span_fail(&span, "broken");
    span_end(&span);
    span_end(&span); /* it was handed over */

    check_int(recorder.count, 1);
    const struct span *last = &recorder.last;
    check(memcmp(last->context.trace_id, parent.trace_id, TRACE_ID_NBYTES) == 0);
    check(memcmp(last->parent_id, parent.span_id, TRACE_SPAN_ID_NBYTES) == 0);
    check(memcmp(last->context.span_id, parent.span_id, TRACE_SPAN_ID_NBYTES) != 0);
    check_str(last->name, "work");
    check_int(last->nattributes, 2);
    check_str(last->attributes[0].key, "key");
    check_int(last->attributes[1].number, 7);
    check(last->is_failed && last->took_us >= 0 && last->start_us > 0);
}

test(a_span_below_one_that_is_not_sampled_passes_on_what_came)
{
    struct recorder recorder = {.tracer = {.record = record, .root_ratio = 1}};
    struct trace_context parent = read_parent("00-" TRACE "-00f067aa0ba902b7-00");
    struct span span;

    span_begin(&recorder.tracer, &parent, SPAN_SERVER, "work", &span);
    check(memcmp(&span.context, &parent, sizeof(parent)) == 0);
    span_set_int(&span, "number", 7);
    span_end(&span);
    check_int(recorder.count, 0);
}

test(without_a_tracer_what_came_is_passed_on)
{
    struct trace_context parent = read_parent("00-" TRACE "-00f067aa0ba902b7-01");
    struct trace_context none = {.is_sampled = false};
    struct span span;

    span_begin(NULL, &parent, SPAN_SERVER, "work", &span);
    check(memcmp(&span.context, &parent, sizeof(parent)) == 0);
    span_end(&span);
    span_begin(NULL, &none, SPAN_SERVER, "work", &span);
    check(!trace_context_is_set(&span.context));
    span_end(&span);
}

test(traces_that_begin_here_are_sampled_by_the_ratio)
{
    static const struct {
        double ratio;
        unsigned min;
        unsigned max;
    } cases[] = {{0, 0, 0}, {0.5, 400, 600}, {1, 1000, 1000}};
    struct trace_context none = {.is_sampled = false};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct recorder recorder = {.tracer = {.record = record, .root_ratio = cases[i].ratio}};
        struct span span;
        for (int n = 0; n < 1000; n++) {
            span_begin(&recorder.tracer, &none, SPAN_SERVER, "work", &span);
            check(
                trace_context_is_set(&span.context)); /* also those that are not sampled have ids */
            span_end(&span);
        }
        check(recorder.count >= cases[i].min && recorder.count <= cases[i].max);
    }
}
