/*
 * worker/sync_release.c - the RELEASE job of a sync: its peer stands still after an abort, and goes with the task.
 *
 * REPLICATION_SCOPE stays as it is: other peers may need it.
 */
#include <stdio.h>

#include "base/arena.h"
#include "base/log.h"
#include "hbase/cluster.h"
#include "hbase/peer.h"
#include "worker/job_context.h"
#include "worker/migration.h"
#include "worker/runner.h"
#include "worker/sync.h"
#include "worker/sync_peer.h"

static struct status let_go(const struct sync *sync, char ret_skipped[RUNNER_TEXT_BYTES])
{
    const Pb__LeasedJob *job = job_context_get_job(sync->context);
    bool has_to_remove = job->task->delete_time != NULL;
    struct arena *arena = arena_create(0);
    Hb__ReplicationPeerDescription *peer = NULL;

    struct status st = sync_peer_find(sync, arena, &peer);
    if (st.code == STATUS_NOT_FOUND) {
        (void)snprintf(ret_skipped, RUNNER_TEXT_BYTES, "the source has no replication peer %s",
                       sync->peer_id);
        st = status_ok();
    } else if (st.code == STATUS_OK && has_to_remove) {
        st = migration_at_source(hbase_peer_remove(sync->source, sync->peer_id));
    } else if (st.code == STATUS_OK) {
        st = sync_peer_hold(sync, peer);
    }
    if (peer)
        log_info(has_to_remove ? "peer removed" : "peer held", JOB_FIELDS(sync->context),
                 log_str("peer", sync->peer_id), log_code(st), log_str("error", st.text));
    arena_destroy(arena);
    return st;
}

static struct runner_result run(struct job_context *context, void **ret_state)
{
    struct runner_result result = {.status = status_ok()};
    struct sync sync = {0};

    (void)ret_state;
    result.status = sync_open_source(context, &sync);
    if (result.status.code == STATUS_OK)
        result.status = let_go(&sync, result.skipped);
    sync_close(&sync);
    return result;
}

const struct runner sync_release_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_INCREMENTAL_SYNC,
    .role = PB__JOB_ROLE__JOB_ROLE_RELEASE,
    .run = run,
};
