/*
 * tests/unit/worker/test_sync_progress.c - how far a sync is, from what servers report.
 */
#include "worker/sync_progress.h"

#include "base/compiler.h"
#include "tests/harness/test.h"

/* A report of one server. A server that idles has one log, lag 0 and ships nothing. */
struct report {
    int64_t report_ms;
    int64_t shipped_ms;
    int64_t lag_ms;
    int64_t nlogs;
};

static void take(struct sync_progress *progress, const struct report *report, bool is_enabled)
{
    const struct hbase_peer_queue queue = {
        .server = "a,1,1",
        .id = "p",
        .nlogs = report->nlogs,
        .lag_ms = report->lag_ms,
        .shipped_ms = report->shipped_ms,
        .report_ms = report->report_ms,
    };
    const struct hbase_peer_load load = {
        .queues = &queue, .nqueues = 1, .nservers = 1, .report_ms = report->report_ms};

    sync_progress_take(progress, &load, is_enabled);
}

test(sync_progress_trusts_idleness_after_two_reports_of_it)
{
    struct sync_progress progress = {0};

    take(&progress, &(struct report){10000, 0, 0, 1}, true);
    check(!progress.is_caught_up);
    check_int(progress.sync_ms, 0);
    check_int(progress.lag_ms, -1);
    take(&progress, &(struct report){10000, 0, 0, 1}, true); /* the same report once more */
    check(!progress.is_caught_up);
    take(&progress, &(struct report){13000, 0, 0, 1}, true);
    check(progress.is_caught_up);
    check_int(progress.sync_ms, 10000);
    check_int(progress.checkpoint_ms, 0);
    check_int(progress.lag_ms, 0);
    check_int(progress.queued_logs, 1);
    sync_progress_deinit(&progress);
}

test(sync_progress_of_a_queue_that_ships_is_its_last_edit)
{
    struct sync_progress progress = {.sync_ms = 5000, .checkpoint_ms = 4000};

    take(&progress, &(struct report){10000, 9000, 700, 3}, true);
    check(!progress.is_caught_up);
    check_int(progress.sync_ms, 9000);
    check_int(progress.checkpoint_ms, 9000);
    check_int(progress.lag_ms, 1000);
    check_int(progress.queued_logs, 3);
    /* Between two batches: nothing waits, says the server, and yet it shipped something since. */
    take(&progress, &(struct report){13000, 12500, 0, 1}, true);
    take(&progress, &(struct report){16000, 15500, 0, 1}, true);
    check(!progress.is_caught_up);
    check_int(progress.sync_ms, 15500);
    sync_progress_deinit(&progress);
}

test(sync_progress_never_goes_back)
{
    struct sync_progress progress = {.sync_ms = 20000, .checkpoint_ms = 19000};

    take(&progress, &(struct report){21000, 3000, 18000, 5}, true);
    check_int(progress.sync_ms, 20000);
    check_int(progress.checkpoint_ms, 19000);
    check_int(progress.lag_ms, 18000);
    sync_progress_deinit(&progress);
}

test(sync_progress_of_a_disabled_peer_stands_still_and_its_lag_grows)
{
    struct sync_progress progress = {0};

    take(&progress, &(struct report){10000, 0, 0, 1}, true);
    take(&progress, &(struct report){13000, 0, 0, 1}, true);
    check(progress.is_caught_up);
    /* Its server says lag 0 all the while. */
    for (int64_t now_ms = 16000; now_ms <= 40000; now_ms += 3000)
        take(&progress, &(struct report){now_ms, 0, 0, 1}, false);
    check(!progress.is_caught_up);
    check_int(progress.sync_ms, 10000);
    check_int(progress.lag_ms, 30000);
    /* It is enabled: the first reports may be from before its server has looked. */
    take(&progress, &(struct report){42000, 0, 0, 1}, true);
    check(!progress.is_caught_up);
    take(&progress, &(struct report){46000, 0, 0, 1}, true);
    take(&progress, &(struct report){49000, 0, 0, 1}, true);
    check(progress.is_caught_up);
    check_int(progress.sync_ms, 46000);
    sync_progress_deinit(&progress);
}

test(sync_progress_is_that_of_the_queue_furthest_behind)
{
    struct sync_progress progress = {0};

    for (int64_t now_ms = 10000; now_ms <= 13000; now_ms += 3000) {
        const struct hbase_peer_queue queues[] = {
            {.server = "a,1,1", .id = "p", .nlogs = 1, .report_ms = now_ms},
            {.server = "b,1,1",
             .id = "p",
             .nlogs = 4,
             .lag_ms = 4000,
             .shipped_ms = 8000,
             .report_ms = now_ms},
        };
        const struct hbase_peer_load load = {
            .queues = queues, .nqueues = ARRAY_LEN(queues), .nservers = 2, .report_ms = now_ms};
        sync_progress_take(&progress, &load, true);
    }
    check(!progress.is_caught_up);
    check_int(progress.sync_ms, 8000);
    check_int(progress.lag_ms, 5000);
    check_int(progress.queued_logs, 5);
    sync_progress_deinit(&progress);
}

/* Two servers, of which b dies; later a has its queue, and works it off. */
static void take_servers(struct sync_progress *progress, int64_t now_ms, bool has_b,
                         bool has_recovered)
{
    struct hbase_peer_queue queues[3] = {
        {.server = "a,1,1", .id = "p", .nlogs = 1, .report_ms = now_ms}};
    struct hbase_peer_load load = {.queues = queues, .nqueues = 1, .report_ms = now_ms};

    if (has_b)
        queues[load.nqueues++] = (struct hbase_peer_queue){.server = "b,1,1",
                                                           .id = "p",
                                                           .nlogs = 2,
                                                           .lag_ms = 9,
                                                           .shipped_ms = 500,
                                                           .report_ms = now_ms};
    if (has_recovered)
        queues[load.nqueues++] = (struct hbase_peer_queue){.server = "a,1,1",
                                                           .id = "p-b,1,1",
                                                           .is_recovered = true,
                                                           .nlogs = 1,
                                                           .report_ms = now_ms};
    load.nservers = has_b ? 2 : 1;
    sync_progress_take(progress, &load, true);
}

test(sync_progress_waits_for_what_a_dead_server_left)
{
    struct sync_progress progress = {0};

    take_servers(&progress, 10000, true, false);
    take_servers(&progress, 13000, true, false);
    check_int(progress.sync_ms, 500);
    take_servers(&progress, 16000, false, false);
    take_servers(&progress, 19000, false, false);
    check(!progress.is_caught_up);
    check_int(progress.sync_ms, 500);
    /* Another server has taken the queue over: nothing of it is shipped yet. */
    take_servers(&progress, 80000, false, true);
    take_servers(&progress, 83000, false, true);
    check(!progress.is_caught_up);
    check_int(progress.sync_ms, 500);
    /* It is through. */
    take_servers(&progress, 86000, false, false);
    check(progress.is_caught_up);
    check_int(progress.sync_ms, 83000);
    sync_progress_deinit(&progress);
}

test(sync_progress_without_a_queue_of_each_server_is_not_known)
{
    struct sync_progress progress = {.sync_ms = 9000};
    const struct hbase_peer_queue queue = {
        .server = "a,1,1", .id = "p", .nlogs = 1, .shipped_ms = 9900, .report_ms = 10000};
    struct hbase_peer_load load = {
        .queues = &queue, .nqueues = 1, .nservers = 2, .idle_server = "b", .report_ms = 10000};

    sync_progress_take(&progress, &load, true);
    check_int(progress.sync_ms, 9000);
    check_int(progress.lag_ms, 1000);
    check(!progress.is_caught_up);
    load = (struct hbase_peer_load){.nservers = 0};
    sync_progress_take(&progress, &load, true);
    check(!progress.is_caught_up);
    check_int(progress.lag_ms, -1);
    sync_progress_deinit(&progress);
}
