/*
 * base/span.h - spans: what a piece of work was, when, as part of which trace, and how it ended.
 *
 * Each place that works for somebody begins a span and ends it. Where no tracer runs, or the trace is not sampled, that
 * costs next to nothing: the span is then only a place that keeps what came, so that it is passed on unchanged.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "base/trace_context.h"

struct span;

/* Who collects spans; embedded in what does. */
struct tracer {
    /* Takes what it needs of a span that has ended, and must not block. Any thread. */
    void (*record)(struct tracer *tracer, const struct span *span);
    double root_ratio; /* how many of the traces that begin here are sampled: 0 to 1 */
};

/* The numbers are those of OTLP. */
enum span_kind {
    SPAN_INTERNAL = 1,
    SPAN_SERVER = 2,
    SPAN_CLIENT = 3,
};

enum { SPAN_MAX_ATTRIBUTES = 12 };

struct span_attribute {
    const char *key; /* a literal */
    bool is_number;
    struct str text;
    int64_t number;
};

/* Texts are borrowed until span_end. */
struct span {
    struct trace_context context; /* of the span; if it is not recorded, as it came */
    struct tracer *tracer;        /* NULL: the span is not recorded, and what follows is not set */
    uint8_t parent_id[TRACE_SPAN_ID_NBYTES]; /* zero: the trace begins here */
    enum span_kind kind;
    const char *name;
    int64_t start_us; /* since 1970 */
    int64_t took_us;
    int64_t start_monotonic_us;
    struct span_attribute attributes[SPAN_MAX_ATTRIBUTES];
    size_t nattributes;
    bool is_failed;
    const char *error; /* with is_failed; may be "" */
};

/*
 * Begins a span below parent: it is recorded if the parent is sampled. Without a parent (zero) a trace begins, which is
 * sampled by the tracer's ratio. tracer may be NULL; name is borrowed until span_end.
 */
void span_begin(struct tracer *tracer, const struct trace_context *parent, enum span_kind kind,
                const char *name, struct span *ret);

static inline bool span_is_recorded(const struct span *span)
{
    return span->tracer;
}

/* What is known of it; nothing happens if it is not recorded. An empty text is left out. */
void span_set_text(struct span *span, const char *key, struct str text);
void span_set_int(struct span *span, const char *key, int64_t number);

/* It has failed; error is for those who run Sluice, and may be "". */
void span_fail(struct span *span, const char *error);

/* Hands it to the tracer. The span may be thrown away afterwards. */
void span_end(struct span *span);

#endif
