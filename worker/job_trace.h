/*
 * worker/job_trace.h - a job as a span of the trace that its task was created in, and its parts as spans below.
 */
#ifndef WORKER_JOB_TRACE_H
#define WORKER_JOB_TRACE_H

#include <stdatomic.h>

#include "base/span.h"
#include "base/status.h"
#include "sluice/worker/v1/worker_service.pb-c.h"

enum { JOB_TRACE_MAX_PARTS = 100 }; /* of a job; a large import has a million */

struct job_trace {
    struct tracer *tracer;
    struct span span;
    char trace_id[TRACE_ID_TEXT_BYTES]; /* "": none */
    char name[64];
    atomic_uint nparts;
};

/* job is borrowed until job_trace_end; tracer may be NULL. A job of a task without a trace begins none. */
void job_trace_begin(struct job_trace *trace, struct tracer *tracer, const Pb__LeasedJob *job);

/* Tells how the job ended for this worker. Once; without it the job was dropped. */
void job_trace_note_end(struct job_trace *trace, struct status st, int64_t rows_written);

void job_trace_end(struct job_trace *trace);

/*
 * Begins the span of a part, which the caller ends; beyond JOB_TRACE_MAX_PARTS they are not recorded. Any thread of the job.
 */
void job_trace_begin_part(struct job_trace *trace, const char *name, struct span *ret);

#endif
