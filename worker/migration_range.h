/*
 * worker/migration_range.h - copies one range of rows, from scanner to writer.
 */
#ifndef WORKER_MIGRATION_RANGE_H
#define WORKER_MIGRATION_RANGE_H

#include <stdbool.h>

#include "base/status.h"
#include "base/stop.h"
#include "worker/copy_plan.h"

struct hbase_table;
struct migration;

struct range_owner {
    /*
     * All rows of the range before next_row are at the destination, or kept as bad rows, and came to counts since the last
     * time. Runs on the thread of migration_range_copy, every second or so.
     */
    void (*on_advance)(struct range_owner *owner, struct str next_row,
                       const struct copy_counts *counts);
};

/* Borrowed for the call. */
struct range_options {
    const struct migration *migration;
    struct hbase_table *source;
    struct hbase_table *destination;
    const struct stop
        *stop;         /* of the threads of the job; the clusters have that of the job itself */
    size_t page_bytes; /* of the scanner */
    struct key_range range;
};

/*
 * Copies the range. On success *ret_counts is what came of the rows behind the last next_row. After an error all that was
 * told to owner stays as it is, and the range may be copied on from there. Errors are those of hbase_scanner_next,
 * hbase_writer_put and job_context_store_bad_rows; INVALID_ARGUMENT: the destination refuses a row, and the task does not
 * leave such rows out. Blocks.
 */
struct status migration_range_copy(const struct range_options *options, struct range_owner *owner,
                                   struct copy_counts *ret_counts) MUST_CHECK;

#endif
