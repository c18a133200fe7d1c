/*
 * worker/range_work.h - work on all rows of a table: threads that take ranges from a plan, which is saved.
 *
 * Threads take ranges of rows from the job's plan; the job's own thread tells how far they are and saves the plan every few
 * seconds. A range that cannot go on, because a server is away, is tried again from where it was for as long as users
 * are told what it waits for; only when that lasts is the job given back, and the gateway decides.
 */
#ifndef WORKER_RANGE_WORK_H
#define WORKER_RANGE_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/stop.h"
#include "sluice/v1/task.pb-c.h"
#include "worker/copy_plan.h"

struct hbase_table;
struct migration;

/* What came of rows since the last time. Borrowed for the call. */
struct range_news {
    struct copy_counts counts;
    Pb__Difference *const
        *differences; /* differences[0 .. ndifferences): of those that are counted the first ones */
    size_t ndifferences;
};

struct range_owner {
    /* All rows of the range before next_row, which is in it or its end, are done. Runs on the range's thread, every second or so. */
    void (*on_advance)(struct range_owner *owner, struct str next_row,
                       const struct range_news *news);
};

/* Borrowed for the call. */
struct range_options {
    const struct migration *migration;
    struct hbase_table *source;
    struct hbase_table *destination;
    const struct stop
        *stop;         /* of the threads of the job; the clusters have that of the job itself */
    size_t page_bytes; /* of a scanner */
    struct key_range range;
    void *self; /* as range_work_run was given it */
};

/*
 * Does the work of a range. On success *ret_counts is what came of the rows behind the last next_row. After an error all that
 * was told to owner stays as it is, and the range may be gone on with from there. Blocks.
 */
typedef struct status (*range_fn)(const struct range_options *options, struct range_owner *owner,
                                  struct copy_counts *ret_counts);

/* Borrowed for the call. */
struct range_work_options {
    const struct migration *migration;
    struct hbase_table *source; /* a thread works on one of its regions at a time */
    struct hbase_table *destination;
    const char *thread_name;
    range_fn run;
    void *self;         /* for run; used by all threads */
    bool is_comparison; /* its counts are told */
};

/*
 * Does what is left of the job. On success *ret_counts is what came of all of it, in earlier attempts, too. Errors are the first one
 * of run, those of job_context_save_checkpoint and job_context_store_differences; CANCELLED: the job is to stop. Blocks.
 */
struct status range_work_run(const struct range_work_options *options,
                             struct copy_counts *ret_counts) MUST_CHECK;

#endif
