/*
 * base/trace_context.h - which trace a piece of work belongs to, as programs tell each other (W3C Trace Context,
 * www.w3.org/TR/trace-context-1), and the ids of requests.
 */
#ifndef BASE_TRACE_CONTEXT_H
#define BASE_TRACE_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/str.h"

enum {
    TRACE_ID_NBYTES = 16,
    TRACE_SPAN_ID_NBYTES = 8,
    TRACE_ID_TEXT_BYTES = 2 * TRACE_ID_NBYTES + 1,
    TRACE_PARENT_TEXT_BYTES = 56, /* "00-", both ids, and the flags, with NUL */
    TRACE_STATE_MAX_BYTES = 512,  /* what must be passed on at least (section 3.3.1.5) */
    TRACE_STATE_MAX_MEMBERS = 32,
    REQUEST_ID_MAX_BYTES = 64,
};

/* Zero: no trace. */
struct trace_context {
    uint8_t trace_id[TRACE_ID_NBYTES];
    uint8_t span_id[TRACE_SPAN_ID_NBYTES]; /* of who called */
    bool is_sampled;                       /* who called records its span */
};

static inline bool trace_context_is_set(const struct trace_context *context)
{
    for (size_t i = 0; i < TRACE_ID_NBYTES; i++) {
        if (context->trace_id[i] != 0)
            return true;
    }
    return false;
}

/*
 * Reads a header "traceparent" (section 3.2), of any version that may be read as version 00. False: it is none, and *ret is
 * as it was.
 */
bool trace_context_read(struct str text, struct trace_context *ret) MUST_CHECK;

/* Writes it as version 00; no trace is "". */
void trace_context_write(const struct trace_context *context,
                         char ret_text[TRACE_PARENT_TEXT_BYTES]);

/* Writes the trace's id as 32 hex digits; no trace is "". */
void trace_context_write_id(const struct trace_context *context,
                            char ret_text[TRACE_ID_TEXT_BYTES]);

/* Whether text is a header "tracestate" (section 3.3) within the limits above, and not empty: what is not is dropped. */
bool trace_state_is_valid(struct str text) MUST_CHECK;

/* Whether text may be the id of a request: 1 to REQUEST_ID_MAX_BYTES of letters, digits, '-', '_', '.', ':' and '/'. */
bool request_id_is_valid(struct str text) MUST_CHECK;

#endif
