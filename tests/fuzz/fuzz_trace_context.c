/*
 * tests/fuzz/fuzz_trace_context.c - any bytes as traceparent, tracestate and the id of a request.
 *
 * Whatever comes, reading does not crash; what is read is written as version 00, and that is read as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/trace_context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_parent(struct str text)
{
    struct trace_context context = {.is_sampled = false};
    struct trace_context again = {.is_sampled = false};
    char parent[TRACE_PARENT_TEXT_BYTES];

    if (!trace_context_read(text, &context)) {
        require(!trace_context_is_set(&context));
        return;
    }
    require(trace_context_is_set(&context));
    trace_context_write(&context, parent);
    require(strlen(parent) == TRACE_PARENT_TEXT_BYTES - 1);
    require(memcmp(parent, "00", 2) == 0 && memcmp(parent + 2, text.data + 2, 51) == 0);
    require(trace_context_read(str_from(parent), &again));
    require(memcmp(&context, &again, sizeof(again)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_from_bytes(data, size);

    check_parent(text);
    if (trace_state_is_valid(text))
        require(size <= TRACE_STATE_MAX_BYTES && memchr(data, '=', size));
    if (request_id_is_valid(text))
        require(size <= REQUEST_ID_MAX_BYTES && !memchr(data, '"', size));
    return 0;
}
