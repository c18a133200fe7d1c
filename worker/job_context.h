/*
 * worker/job_context.h - what a runner may ask of the engine while it runs a job.
 */
#ifndef WORKER_JOB_CONTEXT_H
#define WORKER_JOB_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/span.h"
#include "base/status.h"
#include "base/stop.h"
#include "sluice/worker/v1/worker_service.pb-c.h"

struct job_context;
struct metric;
struct metrics;

/* sluice.v1.Comparison. */
struct job_comparison {
    int64_t cells;
    int64_t missing;
    int64_t extra;
    int64_t changed_values;
    int64_t changed_timestamps;
    int64_t repaired;
};

/* How far a job is: sluice.v1.Progress. What a job does not count stays 0. */
struct job_progress {
    int64_t rows_read;
    int64_t rows_written;
    int64_t bad_rows;
    int64_t bytes_read;
    int64_t bytes_total; /* 0: not known */
    int64_t regions_done;
    int64_t
        regions_total; /* 0: not known. The fraction is of bytes if bytes_total is known, else of regions */
    bool has_comparison;
    struct job_comparison comparison;
    int64_t checkpoint_time_ms; /* since 1970; 0: not set */
    int64_t sync_time_ms;       /* the same */
    int64_t lag_ms;             /* of role INCR only; -1: not known */
    int64_t queued_logs;
};

/* The job, borrowed until the runner's close. */
const Pb__LeasedJob *job_context_get_job(const struct job_context *context);

/* The trace of its task, for the log; "": none. */
const char *job_context_get_trace_id(const struct job_context *context);

/* What each line of the log about a job has. */
#define JOB_FIELDS(context) \
    log_str("job", job_context_get_job(context)->id), \
        log_str("task", job_context_get_job(context)->task_id), \
        log_str("trace_id", job_context_get_trace_id(context))

/*
 * Begins the span of a part of the job, which the caller ends by span_end. Only the first of many are recorded. name is a
 * literal. Any thread of the job.
 */
void job_context_begin_part(struct job_context *context, const char *name, struct span *ret);

/* Requested when the job is to stop: its task was aborted, the lease was lost, or the worker is stopping. */
const struct stop *job_context_get_stop(const struct job_context *context);

/* For what parts of the job count themselves; NULL: nothing is counted. */
struct metrics *job_context_get_metrics(struct job_context *context);

/* Counts what is sent of rows to the destination; may be NULL. */
struct metric *job_context_get_bytes_written(struct job_context *context);

/* What the next report says. Any thread of the job; cheap. */
void job_context_set_progress(struct job_context *context, const struct job_progress *progress);

/*
 * What the next report says of what stands in the way: a text for users, cut to 1024 bytes, or "" when nothing does. Any
 * thread of the job; cheap.
 */
void job_context_set_message(struct job_context *context, const char *message);

/* How many bytes a second each thread may move now; 0: no limit. It may change at any time. Any thread of the job. */
int64_t job_context_get_bytes_per_second(struct job_context *context);

/*
 * Saves a checkpoint of at most 512 KiB; returns when the gateway has stored it. Blocks, across restarts of the gateway.
 * CANCELLED: stop was requested. ABORTED: the lease is lost.
 */
struct status job_context_save_checkpoint(struct job_context *context, struct str checkpoint)
    MUST_CHECK;

/* Stores rows[0 .. nrows), at most 256, as job_context_save_checkpoint does. Any thread of the job. */
struct status job_context_store_bad_rows(struct job_context *context, Pb__BadRow **rows,
                                         size_t nrows) MUST_CHECK;

/* Stores differences[0 .. count), at most 256, as job_context_save_checkpoint does. Any thread of the job. */
struct status job_context_store_differences(struct job_context *context,
                                            Pb__Difference **differences, size_t count) MUST_CHECK;

#endif
