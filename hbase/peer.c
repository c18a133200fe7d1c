#include "hbase/peer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "hbase/cluster_status.h"
#include "hbase/master.h"

enum { WHAT_BYTES = 128 };

static struct status list_peers(struct hbase_cluster *cluster, struct arena *arena,
                                Hb__ListReplicationPeersResponse **ret)
{
    const Hb__ListReplicationPeersRequest question = HB__LIST_REPLICATION_PEERS_REQUEST__INIT;
    const ProtobufCMessage *answer = NULL;

    struct status st =
        hbase_master_ask(cluster, "ListReplicationPeers", &question.base,
                         &hb__list_replication_peers_response__descriptor, arena, &answer);
    if (st.code == STATUS_OK)
        *ret = (Hb__ListReplicationPeersResponse *)(uintptr_t)answer;
    return st;
}

static struct status make_missing(const struct hbase_cluster *cluster, const char *id)
{
    return status_error(STATUS_NOT_FOUND, "%s has no replication peer %s",
                        hbase_cluster_get_name(cluster), id);
}

struct status hbase_peer_find(struct hbase_cluster *cluster, const char *id, struct arena *arena,
                              Hb__ReplicationPeerDescription **ret)
{
    Hb__ListReplicationPeersResponse *list = NULL;

    struct status st = list_peers(cluster, arena, &list);
    if (st.code != STATUS_OK)
        return st;
    for (size_t i = 0; i < list->n_peer_desc; i++) {
        if (strcmp(list->peer_desc[i]->id, id) == 0) {
            *ret = list->peer_desc[i];
            return st;
        }
    }
    return make_missing(cluster, id);
}

/* What HBase says of peers is told apart by its words: the exception is the same for all of it. */
static const struct {
    const char *words;
    enum status_code code;
    const char *text; /* NULL: HBase's own will do */
} failures[] = {
    {"ReplicationPeerNotFoundException", STATUS_NOT_FOUND, "there is no such replication peer"},
    {"already exists", STATUS_ALREADY_EXISTS, "there is such a replication peer already"},
    {"already been enabled", STATUS_OK, NULL},
    {"already been disabled", STATUS_OK, NULL},
    {"Can't get peerClusterId", STATUS_FAILED_PRECONDITION,
     "its master cannot read the destination's ZooKeeper: the names and ports of the destination's "
     "clusterKey must be good on the servers of the source, too"},
    {"should not replicate to itself", STATUS_FAILED_PRECONDITION,
     "source and destination are the same cluster"},
    {"undeleted queue", STATUS_UNAVAILABLE,
     "the queues of a peer that was removed are not all gone yet"},
    {"modification disabled", STATUS_UNAVAILABLE,
     "changes of replication peers are switched off (hbase shell: peer_modification_switch true)"},
};

static struct status translate(struct status st, const struct hbase_cluster *cluster,
                               const char *what)
{
    for (size_t i = 0; st.code != STATUS_OK && i < ARRAY_LEN(failures); i++) {
        if (!strstr(st.text, failures[i].words))
            continue;
        if (failures[i].code == STATUS_OK)
            return status_ok();
        return status_error(failures[i].code, "%s cannot %s: %s", hbase_cluster_get_name(cluster),
                            what, failures[i].text);
    }
    return st;
}

/* Has the master change a peer. *ret_is_forgotten as by hbase_master_change. */
static struct status change(struct hbase_cluster *cluster, const char *method,
                            const ProtobufCMessage *message, const char *what,
                            bool *ret_is_forgotten)
{
    struct status st = hbase_master_change(cluster, method, message, what, ret_is_forgotten);

    return translate(st, cluster, what);
}

static void write_what(const char *verb, const char *id, char ret[WHAT_BYTES])
{
    (void)snprintf(ret, WHAT_BYTES, "%s replication peer %s", verb, id);
}

/* The peer's state, when how a change ended is forgotten. */
static struct status find_state(struct hbase_cluster *cluster, const char *id,
                                Hb__ReplicationState__State *ret)
{
    struct arena *arena = arena_create(0);
    Hb__ReplicationPeerDescription *peer = NULL;

    struct status st = hbase_peer_find(cluster, id, arena, &peer);
    if (st.code == STATUS_OK)
        *ret = peer->state->state;
    arena_destroy(arena);
    return st;
}

struct status hbase_peer_add_disabled(struct hbase_cluster *cluster, const char *id,
                                      const Hb__ReplicationPeer *config)
{
    Hb__AddReplicationPeerRequest request = HB__ADD_REPLICATION_PEER_REQUEST__INIT;
    Hb__ReplicationState state = HB__REPLICATION_STATE__INIT;
    Hb__ReplicationState__State found;
    char what[WHAT_BYTES];
    bool is_forgotten = false;

    write_what("add", id, what);
    request.peer_id = (char *)(uintptr_t)id;
    request.peer_config = (Hb__ReplicationPeer *)(uintptr_t)config;
    state.state = HB__REPLICATION_STATE__STATE__DISABLED;
    request.peer_state = &state;
    struct status st = change(cluster, "AddReplicationPeer", &request.base, what, &is_forgotten);
    if (st.code == STATUS_OK && is_forgotten) {
        st = find_state(cluster, id, &found);
        if (st.code == STATUS_NOT_FOUND)
            st = hbase_master_make_forgotten(cluster, what);
    }
    return st;
}

struct status hbase_peer_update(struct hbase_cluster *cluster, const char *id,
                                const Hb__ReplicationPeer *config)
{
    Hb__UpdateReplicationPeerConfigRequest request =
        HB__UPDATE_REPLICATION_PEER_CONFIG_REQUEST__INIT;
    char what[WHAT_BYTES];
    bool is_forgotten = false;

    write_what("change", id, what);
    request.peer_id = (char *)(uintptr_t)id;
    request.peer_config = (Hb__ReplicationPeer *)(uintptr_t)config;
    struct status st =
        change(cluster, "UpdateReplicationPeerConfig", &request.base, what, &is_forgotten);
    /* A change may be made again: it replaces all that it names. */
    if (st.code == STATUS_OK && is_forgotten)
        st = hbase_master_make_forgotten(cluster, what);
    return st;
}

static struct status set_state(struct hbase_cluster *cluster, const char *id, const char *method,
                               const char *verb, Hb__ReplicationState__State wanted)
{
    Hb__ReplicationPeerRequest request = HB__REPLICATION_PEER_REQUEST__INIT;
    Hb__ReplicationState__State found = wanted;
    char what[WHAT_BYTES];
    bool is_forgotten = false;

    write_what(verb, id, what);
    request.peer_id = (char *)(uintptr_t)id;
    struct status st = change(cluster, method, &request.base, what, &is_forgotten);
    if (st.code == STATUS_OK && is_forgotten) {
        st = find_state(cluster, id, &found);
        if (st.code == STATUS_OK && found != wanted)
            st = hbase_master_make_forgotten(cluster, what);
    }
    return st.code == STATUS_NOT_FOUND ? make_missing(cluster, id) : st;
}

struct status hbase_peer_enable(struct hbase_cluster *cluster, const char *id)
{
    return set_state(cluster, id, "EnableReplicationPeer", "enable",
                     HB__REPLICATION_STATE__STATE__ENABLED);
}

struct status hbase_peer_disable(struct hbase_cluster *cluster, const char *id)
{
    return set_state(cluster, id, "DisableReplicationPeer", "disable",
                     HB__REPLICATION_STATE__STATE__DISABLED);
}

struct status hbase_peer_remove(struct hbase_cluster *cluster, const char *id)
{
    Hb__ReplicationPeerRequest request = HB__REPLICATION_PEER_REQUEST__INIT;
    Hb__ReplicationState__State found;
    char what[WHAT_BYTES];
    bool is_forgotten = false;

    write_what("remove", id, what);
    request.peer_id = (char *)(uintptr_t)id;
    struct status st = change(cluster, "RemoveReplicationPeer", &request.base, what, &is_forgotten);
    if (st.code == STATUS_OK && is_forgotten) {
        st = find_state(cluster, id, &found);
        if (st.code == STATUS_OK)
            return hbase_master_make_forgotten(cluster, what);
    }
    return st.code == STATUS_NOT_FOUND ? status_ok() : st;
}

/* ---- How far servers have shipped */

static struct hbase_peer_queue read_queue(const Hb__ReplicationLoadSource *source,
                                          const char *server, int64_t report_ms)
{
    return (struct hbase_peer_queue){
        .server = server,
        .id = source->queue_id ? source->queue_id : "",
        .is_recovered = source->recovered,
        .nlogs = source->size_of_log_queue,
        .lag_ms = (int64_t)source->replication_lag,
        .shipped_ms = (int64_t)source->time_stamp_of_last_shipped_op,
        .report_ms = report_ms,
    };
}

/* Appends the server's queues for the peer; returns how many. */
static size_t read_server(const Hb__LiveServerInfo *info, const char *id, struct arena *arena,
                          struct hbase_peer_queue *queues)
{
    const Hb__ServerLoad *load = info->server_load;
    const char *server = arena_printf(arena, "%s,%" PRIu32 ",%" PRIu64, info->server->host_name,
                                      info->server->port, info->server->start_code);
    size_t count = 0;

    for (size_t i = 0; i < load->n_repl_load_source; i++) {
        if (strcmp(load->repl_load_source[i]->peer_id, id) == 0)
            queues[count++] =
                read_queue(load->repl_load_source[i], server, (int64_t)load->report_end_time);
    }
    return count;
}

static struct hbase_peer_load read_load(const Hb__ClusterStatus *status, const char *id,
                                        struct arena *arena)
{
    struct hbase_peer_load load = {.nservers = status->n_live_servers};
    size_t max_queues = 1;

    for (size_t i = 0; i < status->n_live_servers; i++)
        max_queues += status->live_servers[i]->server_load->n_repl_load_source;
    struct hbase_peer_queue *queues = arena_alloc(arena, max_queues * sizeof(*queues));

    for (size_t i = 0; i < status->n_live_servers; i++) {
        const Hb__LiveServerInfo *info = status->live_servers[i];
        int64_t report_ms = (int64_t)info->server_load->report_end_time;
        size_t count = read_server(info, id, arena, queues + load.nqueues);

        if (count == 0)
            load.idle_server = info->server->host_name;
        if (load.report_ms == 0 || report_ms < load.report_ms)
            load.report_ms = report_ms;
        load.nqueues += count;
    }
    load.queues = queues;
    return load;
}

struct status hbase_peer_read_load(struct hbase_cluster *cluster, const char *id,
                                   struct arena *arena, struct hbase_peer_load *ret)
{
    Hb__ClusterStatus *status = NULL;

    struct status st = hbase_cluster_status_read(cluster, arena, &status);
    if (st.code == STATUS_OK)
        *ret = read_load(status, id, arena);
    return st;
}
