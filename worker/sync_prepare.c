/*
 * worker/sync_prepare.c - the PEER job of a sync that copies first: from when it is done on, the source keeps all changes.
 *
 * It comes before the copy, so that no change falls between the two: what is written during the copy is shipped after it
 * once more, which changes nothing.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "worker/job_context.h"
#include "worker/runner.h"
#include "worker/sync.h"
#include "worker/sync_peer.h"
#include "worker/sync_precheck.h"
#include "worker/sync_tables.h"

static struct status set_scopes(const struct sync *sync, struct arena *arena)
{
    struct sync_tables tables;
    struct buf late = {0};

    struct status st = sync_tables_read(sync, arena, &tables);
    if (st.code == STATUS_OK)
        st = sync_tables_set_scopes(sync, &tables, arena, &late);
    buf_deinit(&late);
    return st;
}

/* A peer that is there is what an earlier attempt has left. */
static struct status prepare_peer(const struct sync *sync, struct arena *arena)
{
    Hb__ReplicationPeerDescription *peer = NULL;

    struct status st = sync_peer_find(sync, arena, &peer);
    if (st.code == STATUS_NOT_FOUND)
        return sync_peer_add(sync, job_context_get_bytes_per_second(sync->context));
    if (st.code == STATUS_OK)
        st = sync_peer_check(sync, peer);
    if (st.code == STATUS_OK)
        st = sync_peer_hold(sync, peer);
    if (st.code == STATUS_OK && !sync_peer_has_tables(sync, peer))
        st = sync_peer_set_tables(sync, peer);
    return st;
}

static struct runner_result run(struct job_context *context, void **ret_state)
{
    struct runner_result result = {.status = status_ok()};
    struct sync sync = {0};

    (void)ret_state;
    result.status = sync_open(context, &sync);
    if (result.status.code == STATUS_OK)
        result.status = sync_precheck(&sync);
    if (result.status.code == STATUS_OK)
        result.status = set_scopes(&sync, sync.arena);
    if (result.status.code == STATUS_OK)
        result.status = prepare_peer(&sync, sync.arena);
    sync_close(&sync);
    return result;
}

const struct runner sync_peer_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_INCREMENTAL_SYNC,
    .role = PB__JOB_ROLE__JOB_ROLE_PEER,
    .run = run,
};
