/*
 * worker/job_context.h - what a runner may ask of the engine while it runs a job.
 */
#ifndef WORKER_JOB_CONTEXT_H
#define WORKER_JOB_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/stop.h"
#include "sluice/worker/v1/worker_service.pb-c.h"

struct job_context;

/* How far a job is: sluice.v1.Progress, without its fraction, which follows. */
struct job_progress {
    int64_t rows_read;
    int64_t rows_written;
    int64_t bad_rows;
    int64_t bytes_read;
    int64_t bytes_total; /* 0: not known */
};

/* The job, borrowed until the runner's close. */
const Pb__LeasedJob *job_context_get_job(const struct job_context *context);

/* Requested when the job is to stop: its task was aborted, the lease was lost, or the worker is stopping. */
const struct stop *job_context_get_stop(const struct job_context *context);

/* What the next report says. Any thread of the job; cheap. */
void job_context_set_progress(struct job_context *context, const struct job_progress *progress);

/*
 * Saves a checkpoint of at most 512 KiB; returns when the gateway has stored it. Blocks, across restarts of the gateway.
 * CANCELLED: stop was requested. ABORTED: the lease is lost.
 */
struct status job_context_save_checkpoint(struct job_context *context, struct str checkpoint)
    MUST_CHECK;

/* Stores rows[0 .. nrows), at most 256, as job_context_save_checkpoint does. Any thread of the job. */
struct status job_context_store_bad_rows(struct job_context *context, Pb__BadRow **rows,
                                         size_t nrows) MUST_CHECK;

#endif
