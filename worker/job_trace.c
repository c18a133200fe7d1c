#include "worker/job_trace.h"

#include <stdio.h>

static const char *get_role(Pb__JobRole role)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&pb__job_role__descriptor, (int)role);

    return value ? value->name : "";
}

void job_trace_begin(struct job_trace *trace, struct tracer *tracer, const Pb__LeasedJob *job)
{
    struct trace_context parent = {.is_sampled = false};
    bool has_parent = trace_context_read(str_from(job->traceparent), &parent);
    struct span *span = &trace->span;

    trace->tracer = has_parent ? tracer : NULL;
    atomic_init(&trace->nparts, 0);
    (void)snprintf(trace->name, sizeof(trace->name), "job %s", get_role(job->role));
    trace_context_write_id(&parent, trace->trace_id);
    span_begin(trace->tracer, &parent, SPAN_INTERNAL, trace->name, span);
    span_set_text(span, "sluice.task.id", str_from(job->task_id));
    span_set_text(span, "sluice.job.id", str_from(job->id));
    span_set_text(span, "sluice.job.table", str_from(job->table));
    span_set_int(span, "sluice.job.attempt", job->attempt);
    span_fail(span, "the lease was lost"); /* until its end is told */
}

void job_trace_note_end(struct job_trace *trace, struct status st, int64_t rows_written)
{
    struct span *span = &trace->span;

    span->is_failed = false;
    span_set_int(span, "sluice.job.rows_written", rows_written);
    if (st.code == STATUS_OK || st.code == STATUS_CANCELLED) {
        span_end(span);
        return;
    }
    span_set_text(span, "error.type", str_from(status_code_get_name(st.code)));
    span_fail(span, st.text);
    span_end(span);
}

void job_trace_end(struct job_trace *trace)
{
    span_end(&trace->span);
}

void job_trace_begin_part(struct job_trace *trace, const char *name, struct span *ret)
{
    bool is_recorded =
        span_is_recorded(&trace->span) &&
        atomic_fetch_add_explicit(&trace->nparts, 1, memory_order_relaxed) < JOB_TRACE_MAX_PARTS;

    span_begin(is_recorded ? trace->tracer : NULL, &trace->span.context, SPAN_INTERNAL, name, ret);
}
