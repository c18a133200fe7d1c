/*
 * hbase/counts.h - what a client counts of its calls, and of what it tries again.
 */
#ifndef HBASE_COUNTS_H
#define HBASE_COUNTS_H

#include <stdbool.h>

#include "base/metrics.h"
#include "hbase/fault.h"

extern const struct metric_family hbase_calls_total;
extern const struct metric_family hbase_retries_total;

#define HBASE_METRIC_FAMILIES &hbase_calls_total, &hbase_retries_total

enum { HBASE_NACTIONS = HBASE_ACTION_REOPEN + 1 };

struct hbase_counts {
    struct metric *answered;
    struct metric *failed[HBASE_NACTIONS]; /* by what is to be done */
    struct metric *tried_again;
    struct metric *given_up;
};

/* metrics may be NULL. */
void hbase_counts_init(struct hbase_counts *counts, struct metrics *metrics);

/* A call has ended; fault is that of one without an answer, or NULL. Any thread, as the next one. */
void hbase_counts_note_call(const struct hbase_counts *counts, const struct hbase_fault *fault);

/* What failed is tried again, or has been tried for too long. */
void hbase_counts_note_retry(const struct hbase_counts *counts, bool is_tried_again);

#endif
