#include "worker/sync_logs.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/job_context.h"
#include "worker/sync_progress.h"

enum {
    LOOK_EVERY_MS = 2000,
    LOOK_SHARE = 20, /* a look at a large cluster takes long: it is done less often then */
    /* Each log is a file, and many of them have a server flush what they hold: hbase.regionserver.maxlogs. */
    RENEW_EVERY_MS = 30 * 1000,
};

static void note_look(struct sync_logs *logs, const struct sync *sync, struct status st)
{
    bool is_seen = st.code == STATUS_OK;

    if (logs->was_seen && !is_seen && st.code != STATUS_CANCELLED)
        log_warn("logs of the source not seen", JOB_FIELDS(sync->context), log_code(st),
                 log_str("error", st.text));
    logs->was_seen = is_seen;
}

const struct hbase_peer_logs *sync_logs_look(struct sync_logs *logs, const struct sync *sync,
                                             const struct hbase_peer_load *load,
                                             struct arena *arena)
{
    struct hbase_peer_logs *seen = arena_alloc(arena, sizeof(*seen));
    int64_t begin_ms = clock_get_monotonic_ms();

    if (begin_ms < logs->look_due_ms)
        return NULL;
    struct status st = hbase_peer_read_logs(sync->source, sync->peer_id, load, arena, seen);
    int64_t end_ms = clock_get_monotonic_ms();
    int64_t pause_ms = (end_ms - begin_ms) * LOOK_SHARE;
    logs->look_due_ms = end_ms + (pause_ms > LOOK_EVERY_MS ? pause_ms : LOOK_EVERY_MS);
    note_look(logs, sync, st);
    return st.code == STATUS_OK ? seen : NULL;
}

void sync_logs_renew(struct sync_logs *logs, const struct sync *sync,
                     const struct sync_progress *progress, const struct hbase_peer_logs *seen)
{
    int64_t now_ms = clock_get_monotonic_ms();

    if (!seen || now_ms < logs->renew_due_ms)
        return;
    for (size_t i = 0; i < seen->nqueues; i++) {
        const struct hbase_peer_log_queue *queue = &seen->queues[i];

        if (queue->nlogs > 1 || !sync_progress_is_idle(progress, queue->server, queue->id))
            continue; /* one that has not been finished yet is proof enough, when it is */
        struct status st = hbase_peer_begin_log(sync->source, queue->server);
        logs->renew_due_ms = clock_get_monotonic_ms() + RENEW_EVERY_MS;
        if (st.code != STATUS_OK && st.code != STATUS_CANCELLED)
            log_warn("no new log", JOB_FIELDS(sync->context), log_str("server", queue->server),
                     log_code(st), log_str("error", st.text));
    }
}
