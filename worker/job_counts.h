/*
 * worker/job_counts.h - what is counted of one job for the worker's metrics.
 */
#ifndef WORKER_JOB_COUNTS_H
#define WORKER_JOB_COUNTS_H

#include "base/metrics.h"
#include "sluice/worker/v1/worker_service.pb-c.h"
#include "worker/job_context.h"

extern const struct metric_family worker_jobs_total;
extern const struct metric_family worker_jobs_dropped_total;
extern const struct metric_family worker_rows_read_total;
extern const struct metric_family worker_rows_written_total;
extern const struct metric_family worker_bytes_read_total;
extern const struct metric_family worker_bytes_written_total;
extern const struct metric_family worker_bad_rows_total;
extern const struct metric_family worker_checkpoint_duration_seconds;
extern const struct metric_family worker_reports_failed_total;

#define JOB_METRIC_FAMILIES \
    &worker_jobs_total, &worker_jobs_dropped_total, &worker_rows_read_total, \
        &worker_rows_written_total, &worker_bytes_read_total, &worker_bytes_written_total, \
        &worker_bad_rows_total, &worker_checkpoint_duration_seconds, &worker_reports_failed_total

struct job_counts {
    struct metrics *metrics;
    const Pb__LeasedJob *job;
    struct metric *rows_read;
    struct metric *rows_written;
    struct metric *bytes_read;
    struct metric *bytes_written;
    struct metric *bad_rows;
    struct metric *checkpoint_duration;
    struct metric *reports_failed;
    struct job_progress last; /* what is counted already */
    bool is_behind;           /* last is not known: another lease has done work before */
};

/* The job and metrics, which may be NULL, are borrowed for as long as anything is noted. */
void job_counts_init(struct job_counts *counts, struct metrics *metrics, const Pb__LeasedJob *job);

/*
 * Counts what was done since the last call. What the first call of a repeated job tells of is taken for the work of those
 * before. Not on several threads at a time.
 */
void job_counts_note_progress(struct job_counts *counts, const struct job_progress *progress);

/* The job has ended, and the gateway knows. */
void job_counts_note_end(const struct job_counts *counts, Pb__JobOutcome outcome);

/* The job is no longer ours: why is one of few texts. */
void job_counts_note_drop(const struct job_counts *counts, const char *why);

#endif
