/*
 * worker/migration_range.h - copies one range of rows, from scanner to sink.
 */
#ifndef WORKER_MIGRATION_RANGE_H
#define WORKER_MIGRATION_RANGE_H

#include "base/status.h"
#include "worker/range_work.h"

/*
 * Copies the range, as range_fn has it: through the destination's write path, or by files if the work's self is a struct
 * hbase_staging. Errors are those of hbase_scanner_next, of the sink and of job_context_store_bad_rows; INVALID_ARGUMENT: the
 * destination refuses a row, and the task does not leave such rows out. Blocks.
 */
struct status migration_range_copy(const struct range_options *options, struct range_owner *owner,
                                   struct copy_counts *ret_counts) MUST_CHECK;

#endif
