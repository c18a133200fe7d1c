#include "worker/sync_precheck.h"

#include <inttypes.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "hbase/admin.h"
#include "hbase/cluster.h"
#include "hbase/cluster_status.h"
#include "worker/migration.h"
#include "worker/sync_tables.h"

/* Servers report every 3 s (hbase.regionserver.msginterval), so less than that means nothing. */
enum { MAX_SKEW_MS = 10 * 1000 };

static struct status check_clusters(const struct sync *sync)
{
    char source_id[HBASE_CLUSTER_ID_BYTES], destination_id[HBASE_CLUSTER_ID_BYTES];

    struct status st = migration_at_source(hbase_cluster_find_id(sync->source, source_id));
    if (st.code == STATUS_OK)
        st = migration_at_destination(hbase_cluster_find_id(sync->destination, destination_id));
    if (st.code == STATUS_OK && strcmp(source_id, destination_id) == 0)
        st =
            status_error(STATUS_FAILED_PRECONDITION,
                         "source '%s' and destination '%s' are the same cluster (%s); a sync needs "
                         "two",
                         hbase_cluster_get_name(sync->source),
                         hbase_cluster_get_name(sync->destination), source_id);
    return st;
}

/* Peers are the cluster's, so nothing less than ADMIN of all of it will do. */
static struct status check_source_rights(const struct sync *sync)
{
    const char *user = hbase_cluster_get_user(sync->source);
    char missing[HBASE_ACTIONS_BYTES];

    struct status st = hbase_admin_find_missing_rights(sync->source, NULL, "A", missing);
    if (st.code == STATUS_OK && missing[0])
        st = status_error(STATUS_PERMISSION_DENIED,
                          "user '%s' lacks the right A (ADMIN) on the cluster, which adding a "
                          "replication peer takes: grant '%s', 'A'",
                          user, user);
    return migration_at_source(st);
}

/* Who may write everything is not asked about each table. */
static struct status check_destination_rights(const struct sync *sync)
{
    char missing[HBASE_ACTIONS_BYTES];

    struct status st = hbase_admin_find_missing_rights(sync->destination, NULL, "W", missing);
    for (size_t i = 0; st.code == STATUS_OK && missing[0] && i < sync->ntables; i++)
        st = hbase_admin_check_rights(sync->destination, &sync->tables[i], "W");
    return migration_at_destination(st);
}

static struct status check_tables(const struct sync *sync)
{
    struct arena *arena = arena_create(0);
    struct sync_tables tables;

    struct status st = sync_tables_read(sync, arena, &tables);
    if (st.code == STATUS_OK)
        st = sync_tables_follow(sync, arena, &tables);
    if (st.code == STATUS_OK)
        st = sync_tables_check(sync, &tables);
    if (st.code == STATUS_OK)
        st = sync_tables_check_enabled(sync);
    arena_destroy(arena);
    return st;
}

struct status sync_precheck(const struct sync *sync)
{
    struct status st = check_clusters(sync);

    if (st.code == STATUS_OK)
        st = check_source_rights(sync);
    if (st.code == STATUS_OK)
        st = check_destination_rights(sync);
    if (st.code == STATUS_OK)
        st = check_tables(sync);
    return st;
}

/* How far the newest report of a cluster's servers is behind our own clock; a server that is ahead makes it negative. */
static struct status read_age_ms(struct hbase_cluster *cluster, int64_t *ret)
{
    struct arena *arena = arena_create(0);
    Hb__ClusterStatus *status = NULL;
    int64_t newest_ms = 0, now_ms = clock_get_time_us() / 1000;

    struct status st = hbase_cluster_status_read(cluster, arena, &status);
    for (size_t i = 0; st.code == STATUS_OK && i < status->n_live_servers; i++) {
        int64_t report_ms = (int64_t)status->live_servers[i]->server_load->report_end_time;
        newest_ms = report_ms > newest_ms ? report_ms : newest_ms;
    }
    arena_destroy(arena);
    *ret = newest_ms > 0 ? now_ms - newest_ms : 0;
    return st;
}

struct status sync_precheck_clocks(const struct sync *sync)
{
    int64_t source_ms = 0, destination_ms = 0;

    struct status st = migration_at_source(read_age_ms(sync->source, &source_ms));
    if (st.code == STATUS_OK)
        st = migration_at_destination(read_age_ms(sync->destination, &destination_ms));
    int64_t skew_ms = destination_ms - source_ms;
    if (st.code == STATUS_OK && (skew_ms > MAX_SKEW_MS || skew_ms < -MAX_SKEW_MS))
        st = status_error(STATUS_FAILED_PRECONDITION,
                          "the clocks of source and destination are %" PRId64
                          " s apart; what is written at the destination itself would win or lose "
                          "by that much",
                          (skew_ms < 0 ? -skew_ms : skew_ms) / 1000);
    return st;
}
