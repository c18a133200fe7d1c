#include "worker/sync_progress.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum {
    MAX_IDLE_LOGS = 1, /* the one that is being written */
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
    int64_t synced_ms; /* all before this time was shipped; 0: not known */
    int64_t lag_ms;
};

static const struct sync_queue *find_before(const struct sync_progress *progress,
                                            const struct hbase_peer_queue *queue)
{
    for (size_t i = 0; i < progress->nqueues; i++) {
        if (strcmp(progress->queues[i].server, queue->server) == 0 &&
            strcmp(progress->queues[i].id, queue->id) == 0)
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
        .synced_ms = queue->shipped_ms,
    };
    bool was_idle = before && before->is_idle && now.is_idle;

    now.is_caught_up = was_idle && before->shipped_ms == now.shipped_ms;
    if (now.is_caught_up)
        now.synced_ms = before->report_ms;
    if (before)
        now.synced_ms = get_larger(now.synced_ms, before->synced_ms);
    now.lag_ms = now.is_caught_up     ? 0
                 : now.synced_ms == 0 ? -1
                                      : get_larger(queue->lag_ms, now.report_ms - now.synced_ms);
    return now;
}

static struct sync_queue look(const struct sync_progress *progress,
                              const struct hbase_peer_queue *queue)
{
    const struct sync_queue *before = find_before(progress, queue);
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

/* What all queues together mean. */
static void sum_up(struct sync_progress *progress, const struct hbase_peer_load *load)
{
    bool is_whole =
        load->nqueues > 0 && !load->idle_server && load->report_ms >= progress->held_until_ms;
    int64_t synced_ms = INT64_MAX, shipped_ms = 0, lag_ms = 0;

    progress->is_caught_up = is_whole;
    progress->queued_logs = 0;
    for (size_t i = 0; i < progress->nqueues; i++) {
        const struct sync_queue *queue = &progress->queues[i];

        progress->is_caught_up = progress->is_caught_up && queue->is_caught_up;
        progress->queued_logs += load->queues[i].nlogs;
        shipped_ms = get_larger(shipped_ms, queue->shipped_ms);
        synced_ms = queue->synced_ms < synced_ms ? queue->synced_ms : synced_ms;
        lag_ms = lag_ms < 0 || queue->lag_ms < 0 ? -1 : get_larger(lag_ms, queue->lag_ms);
    }
    if (is_whole)
        progress->sync_ms = get_larger(progress->sync_ms, synced_ms);
    shipped_ms = shipped_ms < progress->sync_ms ? shipped_ms : progress->sync_ms;
    progress->checkpoint_ms = get_larger(progress->checkpoint_ms, shipped_ms);
    if (!is_whole || lag_ms < 0)
        lag_ms =
            progress->sync_ms > 0 && load->nservers > 0 ? load->report_ms - progress->sync_ms : -1;
    progress->lag_ms = lag_ms;
}

void sync_progress_take(struct sync_progress *progress, const struct hbase_peer_load *load,
                        bool is_enabled)
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
    sum_up(progress, load);
}

void sync_progress_deinit(struct sync_progress *progress)
{
    free_queues(progress->queues, progress->nqueues);
    progress->queues = NULL;
    progress->nqueues = 0;
}
