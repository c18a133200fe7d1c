#include "worker/sync_stall.h"

#include "base/arena.h"
#include "base/clock.h"
#include "hbase/cluster_status.h"
#include "worker/migration.h"
#include "worker/sync_progress.h"
#include "worker/sync_tables.h"

enum {
    PATIENCE_MS = 10 * 1000,
    /* What cannot be seen from here is only told when nothing else can be the matter: servers may be slow, too. */
    LONG_PATIENCE_MS = 60 * 1000,
    LOOK_EVERY_MS = 5 * 1000,
};

static int64_t get_newest_shipped_ms(const struct hbase_peer_load *load)
{
    int64_t newest_ms = 0;

    for (size_t i = 0; i < load->nqueues; i++)
        newest_ms = load->queues[i].shipped_ms > newest_ms ? load->queues[i].shipped_ms : newest_ms;
    return newest_ms;
}

/* The master of the destination answers, and has servers. */
static struct status check_servers(const struct sync *sync)
{
    struct arena *arena = arena_create(0);
    Hb__ClusterStatus *status = NULL;

    struct status st = hbase_cluster_status_read(sync->destination, arena, &status);
    if (st.code == STATUS_OK && status->n_live_servers == 0)
        st = status_error(STATUS_UNAVAILABLE, "there is no live region server");
    arena_destroy(arena);
    return migration_at_destination(st);
}

/* The texts stay the same as long as their reasons do: each change of them is an event of the task. */
static struct status find_reason(const struct sync *sync, const struct hbase_peer_load *load,
                                 int64_t stalled_ms)
{
    struct status st = check_servers(sync);

    if (st.code == STATUS_OK)
        st = sync_tables_check_enabled(sync);
    if (st.code != STATUS_OK || stalled_ms < LONG_PATIENCE_MS)
        return st;
    if (load->nservers == 0)
        return status_error(STATUS_UNAVAILABLE, "source: there is no live region server");
    if (load->idle_server)
        return status_error(STATUS_UNAVAILABLE,
                            "source: region server %s has no queue for replication peer %s; its "
                            "log says why",
                            load->idle_server, sync->peer_id);
    return status_error(STATUS_UNAVAILABLE,
                        "source: its region servers ship nothing, though the destination answers "
                        "here; can they reach the destination's ZooKeeper (%s) and servers? Their "
                        "logs say why, at peer %s",
                        sync->destination_key, sync->peer_id);
}

struct status sync_stall_look(struct sync_stall *stall, const struct sync *sync,
                              const struct sync_progress *progress,
                              const struct hbase_peer_load *load, bool is_enabled)
{
    int64_t now_ms = clock_get_monotonic_ms();
    int64_t shipped_ms = get_newest_shipped_ms(load);

    if (!is_enabled || progress->is_caught_up || stall->moved_ms == 0 ||
        shipped_ms != stall->shipped_ms) {
        *stall = (struct sync_stall){.shipped_ms = shipped_ms, .moved_ms = now_ms};
        return status_ok();
    }
    if (now_ms - stall->moved_ms < PATIENCE_MS || now_ms - stall->looked_ms < LOOK_EVERY_MS)
        return stall->status;
    stall->looked_ms = now_ms;
    stall->status = find_reason(sync, load, now_ms - stall->moved_ms);
    return stall->status;
}
