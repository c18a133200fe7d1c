#include "worker/sync_progress.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum {
    MAX_IDLE_LOGS =
        2, /* the one that is being written, and the one before: see worker/sync_logs.h */
    /* A source that was disabled looks again after a second, HBase's replication.source.sleepforretries. */
    WAKE_MS = 3000,
    /* How long another server may take to take over what a dead one left. */
    HOLD_MS = 60 * 1000,
};

/* A queue as the newest report had it, and what follows from it and the one before. */
struct sync_queue {
    char *server;
    char *id;
    bool is_recovered;
    bool is_idle;      /* it has nothing to ship, says this report */
    bool is_caught_up; /* and so did the one before */
    int64_t report_ms;
    int64_t shipped_ms;
    int64_t said_ms; /* all before this time was shipped, by the server's word; 0: not known */
    int64_t lag_ms;
};

static const struct sync_queue *find_queue(const struct sync_progress *progress, const char *server,
                                           const char *id)
{
    for (size_t i = 0; i < progress->nqueues; i++) {
        if (strcmp(progress->queues[i].server, server) == 0 &&
            strcmp(progress->queues[i].id, id) == 0)
            return &progress->queues[i];
    }
    return NULL;
}

static int64_t get_larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool is_idle(const struct sync_progress *progress, const struct hbase_peer_queue *queue)
{
    return queue->lag_ms == 0 && queue->nlogs <= MAX_IDLE_LOGS && !queue->is_recovered &&
           queue->report_ms >= progress->trusted_from_ms;
}

/* The queue's state after a report; before is NULL if it is new. */
static struct sync_queue judge(const struct sync_progress *progress,
                               const struct hbase_peer_queue *queue,
                               const struct sync_queue *before)
{
    struct sync_queue now = {
        .is_recovered = queue->is_recovered,
        .is_idle = is_idle(progress, queue),
        .report_ms = queue->report_ms,
        .shipped_ms = queue->shipped_ms,
        .said_ms = queue->shipped_ms,
    };
    bool was_idle = before && before->is_idle && now.is_idle;

    now.is_caught_up = was_idle && before->shipped_ms == now.shipped_ms;
    if (now.is_caught_up)
        now.said_ms = before->report_ms;
    if (before)
        now.said_ms = get_larger(now.said_ms, before->said_ms);
    now.lag_ms = now.is_caught_up   ? 0
                 : now.said_ms == 0 ? -1
                                    : get_larger(queue->lag_ms, now.report_ms - now.said_ms);
    return now;
}

static struct sync_queue look(const struct sync_progress *progress,
                              const struct hbase_peer_queue *queue)
{
    const struct sync_queue *before = find_queue(progress, queue->server, queue->id);
    bool is_same_report = before && before->report_ms == queue->report_ms;
    struct sync_queue now = is_same_report ? *before : judge(progress, queue, before);

    now.server = mem_copy_str(str_from(queue->server));
    now.id = mem_copy_str(str_from(queue->id));
    return now;
}

static void free_queues(struct sync_queue *queues, size_t nqueues)
{
    for (size_t i = 0; i < nqueues; i++) {
        mem_free(queues[i].server);
        mem_free(queues[i].id);
    }
    mem_free(queues);
}

/* Whether a server that had a queue of its own has none any more: it died, and another will take its queue over. */
static bool has_lost_server(const struct sync_progress *progress,
                            const struct hbase_peer_load *load)
{
    for (size_t i = 0; i < progress->nqueues; i++) {
        bool is_there = false;

        for (size_t j = 0; j < load->nqueues && !is_there; j++)
            is_there = strcmp(progress->queues[i].server, load->queues[j].server) == 0;
        if (!is_there)
            return true;
    }
    return false;
}

/* ---- What is certain */

static const struct hbase_peer_queue *find_reported(const struct hbase_peer_load *load,
                                                    const struct hbase_peer_log_queue *logs)
{
    for (size_t i = 0; i < load->nqueues; i++) {
        if (strcmp(load->queues[i].server, logs->server) == 0 &&
            strcmp(load->queues[i].id, logs->id) == 0)
            return &load->queues[i];
    }
    return NULL;
}

/* Whether the logs of a server's own queue were seen. One that has no log has written nothing. */
static bool is_seen(const struct hbase_peer_queue *queue, const struct hbase_peer_logs *logs)
{
    if (queue->is_recovered || queue->nlogs == 0)
        return true;
    for (size_t i = 0; i < logs->nqueues; i++) {
        if (strcmp(logs->queues[i].server, queue->server) == 0 &&
            strcmp(logs->queues[i].id, queue->id) == 0)
            return true;
    }
    return false;
}

/*
 * Up to when all was shipped; 0: that cannot be told. In one series of logs edits are shipped in the order in which they were
 * written; of several, the one that is furthest behind is not told.
 */
static int64_t prove(const struct hbase_peer_load *load, const struct hbase_peer_logs *logs)
{
    int64_t proven_ms = INT64_MAX;

    if (!logs || load->nqueues == 0 || load->idle_server)
        return 0;
    for (size_t i = 0; i < load->nqueues; i++) {
        if (!is_seen(&load->queues[i], logs))
            return 0;
    }
    for (size_t i = 0; i < logs->nqueues; i++) {
        const struct hbase_peer_log_queue *queue = &logs->queues[i];
        const struct hbase_peer_queue *reported = find_reported(load, queue);
        int64_t queue_ms = queue->oldest_ms;

        if (queue_ms == 0)
            continue;
        if (reported && queue->is_one_series)
            queue_ms = get_larger(queue_ms, reported->shipped_ms);
        proven_ms = queue_ms < proven_ms ? queue_ms : proven_ms;
    }
    return proven_ms == INT64_MAX ? 0 : proven_ms - SYNC_PROGRESS_SLACK_MS;
}

/* ---- What the servers say */

/* What all queues together mean. */
static void sum_up(struct sync_progress *progress, const struct hbase_peer_load *load)
{
    bool is_whole =
        load->nqueues > 0 && !load->idle_server && load->report_ms >= progress->held_until_ms;
    int64_t shipped_ms = 0, lag_ms = 0;

    progress->is_caught_up = is_whole;
    progress->queued_logs = 0;
    for (size_t i = 0; i < progress->nqueues; i++) {
        const struct sync_queue *queue = &progress->queues[i];

        progress->is_caught_up = progress->is_caught_up && queue->is_caught_up;
        progress->queued_logs += load->queues[i].nlogs;
        shipped_ms = get_larger(shipped_ms, queue->shipped_ms);
        lag_ms = lag_ms < 0 || queue->lag_ms < 0 ? -1 : get_larger(lag_ms, queue->lag_ms);
    }
    shipped_ms = shipped_ms < progress->sync_ms ? shipped_ms : progress->sync_ms;
    progress->checkpoint_ms = get_larger(progress->checkpoint_ms, shipped_ms);
    if (!is_whole || lag_ms < 0)
        lag_ms =
            progress->sync_ms > 0 && load->nservers > 0 ? load->report_ms - progress->sync_ms : -1;
    progress->lag_ms = lag_ms;
}

void sync_progress_take(struct sync_progress *progress, const struct hbase_peer_load *load,
                        const struct hbase_peer_logs *logs, bool is_enabled)
{
    struct sync_queue *queues = mem_alloc_array(load->nqueues + 1, sizeof(*queues));

    if (!is_enabled)
        progress->trusted_from_ms = load->report_ms + WAKE_MS;
    if (has_lost_server(progress, load))
        progress->held_until_ms = load->report_ms + HOLD_MS;
    for (size_t i = 0; i < load->nqueues; i++)
        queues[i] = look(progress, &load->queues[i]);
    free_queues(progress->queues, progress->nqueues);
    progress->queues = queues;
    progress->nqueues = load->nqueues;
    progress->sync_ms = get_larger(progress->sync_ms, prove(load, logs));
    sum_up(progress, load);
}

bool sync_progress_is_idle(const struct sync_progress *progress, const char *server, const char *id)
{
    const struct sync_queue *queue = find_queue(progress, server, id);

    return queue && queue->is_caught_up;
}

void sync_progress_deinit(struct sync_progress *progress)
{
    free_queues(progress->queues, progress->nqueues);
    progress->queues = NULL;
    progress->nqueues = 0;
}
