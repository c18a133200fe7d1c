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

    sync_progress_take(progress, &load, NULL, is_enabled);
}

test(sync_progress_takes_a_servers_word_for_its_lag_and_for_nothing_else)
{
    struct sync_progress progress = {0};

    take(&progress, &(struct report){10000, 0, 0, 1}, true);
    check(!progress.is_caught_up);
    check_int(progress.lag_ms, -1);
    take(&progress, &(struct report){10000, 0, 0, 1}, true); /* the same report once more */
    check(!progress.is_caught_up);
    take(&progress, &(struct report){13000, 0, 0, 1}, true);
    check(progress.is_caught_up);
    check(sync_progress_is_idle(&progress, "a,1,1", "p"));
    check(!sync_progress_is_idle(&progress, "a,1,1", "p-b,1,1"));
    check_int(progress.sync_ms, 0);
    check_int(progress.checkpoint_ms, 0);
    check_int(progress.lag_ms, 0);
    check_int(progress.queued_logs, 1);
    sync_progress_deinit(&progress);
}

test(sync_progress_has_a_lag_as_long_as_something_is_shipped)
{
    struct sync_progress progress = {.sync_ms = 5000, .checkpoint_ms = 4000};

    take(&progress, &(struct report){10000, 9000, 700, 3}, true);
    check(!progress.is_caught_up);
    check_int(progress.sync_ms, 5000);
    check_int(progress.checkpoint_ms, 5000);
    check_int(progress.lag_ms, 1000);
    check_int(progress.queued_logs, 3);
    /* Between two batches: nothing waits, says the server, and yet it shipped something since. */
    take(&progress, &(struct report){13000, 12500, 0, 1}, true);
    take(&progress, &(struct report){16000, 15500, 0, 1}, true);
    check(!progress.is_caught_up);
    check_int(progress.lag_ms, 500);
    sync_progress_deinit(&progress);
}

test(sync_progress_of_a_disabled_peer_has_a_lag_that_grows)
{
    struct sync_progress progress = {0};

    take(&progress, &(struct report){10000, 0, 0, 1}, true);
    take(&progress, &(struct report){13000, 0, 0, 1}, true);
    check(progress.is_caught_up);
    /* Its server says lag 0 all the while. */
    for (int64_t now_ms = 16000; now_ms <= 40000; now_ms += 3000)
        take(&progress, &(struct report){now_ms, 0, 0, 1}, false);
    check(!progress.is_caught_up);
    check_int(progress.lag_ms, 30000);
    /* It is enabled: the first reports may be from before its server has looked. */
    take(&progress, &(struct report){42000, 0, 0, 1}, true);
    check(!progress.is_caught_up);
    take(&progress, &(struct report){46000, 0, 0, 1}, true);
    take(&progress, &(struct report){49000, 0, 0, 1}, true);
    check(progress.is_caught_up);
    sync_progress_deinit(&progress);
}

/* ---- What is certain: two servers' queues, and perhaps one of a dead server's. Times without the slack. */

struct view {
    int64_t shipped_ms; /* by server a */
    struct hbase_peer_log_queue logs[4];
    int64_t sync_ms;
};

static void take_view(struct sync_progress *progress, const struct view *view)
{
    const struct hbase_peer_queue queues[] = {
        {.server = "a,1,1", .id = "p", .nlogs = 1, .shipped_ms = view->shipped_ms},
        {.server = "b,1,1", .id = "p", .nlogs = 1},
        {.server = "c,1,1", .id = "p", .nlogs = 0}, /* it has never written */
    };
    const struct hbase_peer_load load = {
        .queues = queues, .nqueues = ARRAY_LEN(queues), .nservers = 3, .report_ms = 99000};
    struct hbase_peer_logs logs = {.queues = view->logs};

    while (logs.nqueues < ARRAY_LEN(view->logs) && view->logs[logs.nqueues].server)
        logs.nqueues++;
    sync_progress_take(progress, &load, &logs, true);
}

test(sync_progress_is_certain_up_to_the_oldest_log_or_the_last_edit_of_a_series)
{
    static const struct view views[] = {
        {0, {{"a,1,1", "p", 1, 50000, true}, {"b,1,1", "p", 1, 60000, true}}, 50000},
        {55000, {{"a,1,1", "p", 1, 50000, true}, {"b,1,1", "p", 1, 60000, true}}, 55000},
        {70000, {{"a,1,1", "p", 1, 50000, true}, {"b,1,1", "p", 1, 60000, true}}, 60000},
        /* Of several series one may be behind the edit that was shipped last. */
        {70000, {{"a,1,1", "p", 2, 50000, false}, {"b,1,1", "p", 1, 60000, true}}, 50000},
        /* What a dead server left counts, whoever has it. */
        {70000,
         {{"a,1,1", "p", 1, 50000, true},
          {"b,1,1", "p", 1, 60000, true},
          {"d,1,1", "p", 1, 20000, true}},
         20000},
        {70000,
         {{"a,1,1", "p", 1, 50000, true},
          {"a,1,1", "p-d,1,1", 1, 20000, true},
          {"b,1,1", "p", 1, 60000, true}},
         20000},
        {70000,
         {{"a,1,1", "p", 1, 50000, true},
          {"a,1,1", "p-d,1,1", 0, 0, true}, /* nothing is left of it */
          {"b,1,1", "p", 1, 60000, true}},
         60000},
    };

    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        struct sync_progress progress = {0};

        take_view(&progress, &views[i]);
        check_int(progress.sync_ms, views[i].sync_ms - SYNC_PROGRESS_SLACK_MS);
        sync_progress_deinit(&progress);
    }
}

test(sync_progress_is_not_certain_without_the_logs_of_each_server)
{
    static const struct view gone = {70000, {{"a,1,1", "p", 1, 50000, true}}, 0};
    static const struct view all = {
        70000, {{"a,1,1", "p", 1, 50000, true}, {"b,1,1", "p", 1, 20000, true}}, 0};
    struct sync_progress progress = {.sync_ms = 40000, .checkpoint_ms = 39000};

    take_view(&progress, &gone);
    check_int(progress.sync_ms, 40000);
    take_view(&progress, &all); /* it never goes back */
    check_int(progress.sync_ms, 40000);
    check_int(progress.checkpoint_ms, 40000);
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
    sync_progress_take(progress, &load, NULL, true);
}

test(sync_progress_has_not_caught_up_before_what_a_dead_server_left_is_shipped)
{
    struct sync_progress progress = {0};

    take_servers(&progress, 10000, true, false);
    take_servers(&progress, 13000, true, false);
    take_servers(&progress, 16000, false, false);
    take_servers(&progress, 19000, false, false);
    check(!progress.is_caught_up);
    /* Another server has taken the queue over: nothing of it is shipped yet. */
    take_servers(&progress, 80000, false, true);
    take_servers(&progress, 83000, false, true);
    check(!progress.is_caught_up);
    /* It is through. */
    take_servers(&progress, 86000, false, false);
    check(progress.is_caught_up);
    sync_progress_deinit(&progress);
}

test(sync_progress_without_a_queue_of_each_server_is_not_known)
{
    struct sync_progress progress = {.sync_ms = 3000};
    const struct hbase_peer_queue queue = {
        .server = "a,1,1", .id = "p", .nlogs = 1, .shipped_ms = 9900, .report_ms = 10000};
    const struct hbase_peer_log_queue log_queue = {"a,1,1", "p", 1, 9000, true};
    const struct hbase_peer_logs logs = {&log_queue, 1};
    struct hbase_peer_load load = {
        .queues = &queue, .nqueues = 1, .nservers = 2, .idle_server = "b", .report_ms = 10000};

    sync_progress_take(&progress, &load, &logs, true);
    check_int(progress.sync_ms, 3000);
    check_int(progress.lag_ms, 7000);
    check(!progress.is_caught_up);
    load = (struct hbase_peer_load){.nservers = 0};
    sync_progress_take(&progress, &load, NULL, true);
    check(!progress.is_caught_up);
    check_int(progress.lag_ms, -1);
    sync_progress_deinit(&progress);
}
