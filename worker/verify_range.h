/*
 * worker/verify_range.h - compares one range of rows of two tables.
 */
#ifndef WORKER_VERIFY_RANGE_H
#define WORKER_VERIFY_RANGE_H

#include "base/status.h"
#include "worker/range_work.h"

/*
 * Compares the range, as range_fn has it; options->self is the struct verify_rules. What differs is counted and told, and
 * repaired if it is to be. Errors are those of verify_looks_run. Blocks.
 */
struct status verify_range_compare(const struct range_options *options, struct range_owner *owner,
                                   struct copy_counts *ret_counts) MUST_CHECK;

#endif
