#include "base/span.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"

/* By the trace's id, as other programs would decide for the same trace. */
static bool is_chosen(const struct trace_context *context, double ratio)
{
    uint64_t number = 0;

    for (size_t i = TRACE_ID_NBYTES - sizeof(number); i < TRACE_ID_NBYTES; i++)
        number = number << 8 | context->trace_id[i];
    return (double)(number >> 11) < ratio * (double)(UINT64_C(1) << 53);
}

void span_begin(struct tracer *tracer, const struct trace_context *parent, enum span_kind kind,
                const char *name, struct span *ret)
{
    *ret = (struct span){.context = *parent};
    if (!tracer)
        return;
    if (!trace_context_is_set(parent)) {
        random_fill(ret->context.trace_id, TRACE_ID_NBYTES);
        random_fill(ret->context.span_id, TRACE_SPAN_ID_NBYTES);
        ret->context.is_sampled = is_chosen(&ret->context, tracer->root_ratio);
    } else if (parent->is_sampled) {
        memcpy(ret->parent_id, parent->span_id, TRACE_SPAN_ID_NBYTES);
        random_fill(ret->context.span_id, TRACE_SPAN_ID_NBYTES);
    }
    if (!ret->context.is_sampled)
        return;
    ret->tracer = tracer;
    ret->kind = kind;
    ret->name = name;
    ret->start_us = clock_get_time_us();
    ret->start_monotonic_us = clock_get_monotonic_us();
}

static struct span_attribute *add_attribute(struct span *span, const char *key)
{
    assert(span->nattributes < SPAN_MAX_ATTRIBUTES);

    struct span_attribute *attribute = &span->attributes[span->nattributes++];
    attribute->key = key;
    return attribute;
}

void span_set_text(struct span *span, const char *key, struct str text)
{
    if (span_is_recorded(span) && text.len > 0)
        add_attribute(span, key)->text = text;
}

void span_set_int(struct span *span, const char *key, int64_t number)
{
    if (!span_is_recorded(span))
        return;
    struct span_attribute *attribute = add_attribute(span, key);
    attribute->is_number = true;
    attribute->number = number;
}

void span_fail(struct span *span, const char *error)
{
    span->is_failed = true;
    span->error = error;
}

void span_end(struct span *span)
{
    if (!span_is_recorded(span))
        return;
    span->took_us = clock_get_monotonic_us() - span->start_monotonic_us;
    span->tracer->record(span->tracer, span);
    span->tracer = NULL;
}
