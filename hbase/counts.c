#include "hbase/counts.h"

const struct metric_family hbase_calls_total = {
    .name = "sluice_worker_hbase_calls_total",
    .kind = METRIC_COUNTER,
    .help =
        "Calls to servers of HBase that have ended; outcome is answered, or what the failure was: refused (for good), moved "
        "(the region), busy, overloaded, throttled, broken, lost (the server), no_master or no_scanner.",
    .labels = {"outcome"},
};

const struct metric_family hbase_retries_total = {
    .name = "sluice_worker_hbase_retries_total",
    .kind = METRIC_COUNTER,
    .help =
        "What failed at HBase for a passing reason: tried again, or given up after it had been for long enough.",
    .labels = {"outcome"},
};

static const char *const outcomes[HBASE_NACTIONS] = {
    [HBASE_ACTION_FAIL] = "refused",       [HBASE_ACTION_RELOCATE] = "moved",
    [HBASE_ACTION_PAUSE] = "busy",         [HBASE_ACTION_OVERLOAD] = "overloaded",
    [HBASE_ACTION_THROTTLE] = "throttled", [HBASE_ACTION_AT_ONCE] = "broken",
    [HBASE_ACTION_RECONNECT] = "lost",     [HBASE_ACTION_FIND_MASTER] = "no_master",
    [HBASE_ACTION_REOPEN] = "no_scanner",
};

static struct metric *get(struct metrics *metrics, const struct metric_family *family,
                          const char *outcome)
{
    return metrics_get(metrics, family, &outcome);
}

void hbase_counts_init(struct hbase_counts *counts, struct metrics *metrics)
{
    counts->answered = get(metrics, &hbase_calls_total, "answered");
    for (int i = 0; i < HBASE_NACTIONS; i++)
        counts->failed[i] = get(metrics, &hbase_calls_total, outcomes[i]);
    counts->tried_again = get(metrics, &hbase_retries_total, "again");
    counts->given_up = get(metrics, &hbase_retries_total, "given_up");
}

void hbase_counts_note_call(const struct hbase_counts *counts, const struct hbase_fault *fault)
{
    metric_add(fault ? counts->failed[fault->action] : counts->answered, 1);
}

void hbase_counts_note_retry(const struct hbase_counts *counts, bool is_tried_again)
{
    metric_add(is_tried_again ? counts->tried_again : counts->given_up, 1);
}
