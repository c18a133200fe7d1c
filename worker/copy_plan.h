/*
 * worker/copy_plan.h - which ranges of rows of a table are to be copied or compared, and how far each is.
 *
 * A plan has one range for each region of the source, so that threads share the work as the source's servers do. What is
 * saved of it are the keys that are still to be copied, and never regions: those split, merge and move before a job goes on.
 * Ranges that touch are saved as one, so what is saved is about as large as the keys of the ranges that are under way.
 */
#ifndef WORKER_COPY_PLAN_H
#define WORKER_COPY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "worker/job_context.h"

struct copy_plan;

/* Rows of [start, end); an empty end is the end of the table. */
struct key_range {
    struct str start;
    struct str end;
};

/* What came of rows, each of which is counted once. */
struct copy_counts {
    int64_t rows_read;
    int64_t rows_written;
    int64_t bad_rows;
    int64_t bytes_read;
    struct job_comparison comparison; /* of a copy: zeros */
};

void copy_counts_add(struct copy_counts *sum, const struct copy_counts *more);

/* How far a plan is. A region is done when all its rows in the plan's range are. */
struct copy_progress {
    struct copy_counts counts;
    size_t nregions;
    size_t nregions_done;
};

/* What is copied: the rows of whole, from regions that begin at starts[0 .. nstarts), the first of which is empty. */
struct copy_plan_options {
    struct key_range whole;
    const struct str *starts;
    size_t nstarts;
};

enum {
    COPY_PLAN_NONE = -1,
    COPY_PLAN_MAX_BYTES = 512 * 1024, /* of what is saved: what a job's checkpoint may have */
};

/* A plan of all that is to be copied. Borrows nothing. */
struct copy_plan *copy_plan_create(const struct copy_plan_options *options) MUST_CHECK;

/* A plan of what was still to be copied when saved was written. DATA_LOSS: it was not written by copy_plan_write. */
struct status copy_plan_resume(const struct copy_plan_options *options, struct str saved,
                               struct copy_plan **ret) MUST_CHECK;

void copy_plan_destroy(struct copy_plan *plan); /* NULL is allowed */

/* Takes the first range that nobody has taken: its number, or COPY_PLAN_NONE. */
int64_t copy_plan_take(struct copy_plan *plan) MUST_CHECK;

/* What is left of a range, borrowed until copy_plan_advance for it. */
struct key_range copy_plan_get_range(const struct copy_plan *plan, int64_t number);

/* All rows of the range before next_row, which is in it or its end, are copied; they came to more since the last time. */
void copy_plan_advance(struct copy_plan *plan, int64_t number, struct str next_row,
                       const struct copy_counts *more);

/* All rows of the range are copied; more as for copy_plan_advance. */
void copy_plan_finish(struct copy_plan *plan, int64_t number, const struct copy_counts *more);

struct copy_progress copy_plan_get_progress(const struct copy_plan *plan);

/* Sets ret to what copy_plan_resume needs. False, and ret is of no use: that has more than COPY_PLAN_MAX_BYTES. */
bool copy_plan_write(const struct copy_plan *plan, struct buf *ret) MUST_CHECK;

#endif
