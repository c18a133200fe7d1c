/*
 * tests/unit/hbase/test_peer.c - replication peers, and what servers report of them.
 */
#include "hbase/peer.h"

#include "base/compiler.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/fake_master.h"

#define HBASE "org.apache.hadoop.hbase."

static char *text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

/* What becomes of a call that the master refuses by these words. */
static struct status fail(const char *method, const char *exception, const char *words)
{
    const struct fake_step steps[] = {{method, .exception = exception, .text = words}};
    const Hb__ReplicationPeer config = HB__REPLICATION_PEER__INIT;
    struct fake_master master;
    struct status st;

    fake_master_open(&master, steps, ARRAY_LEN(steps));
    if (method[0] == 'A')
        st = hbase_peer_add_disabled(master.base.cluster, "p", &config);
    else if (method[0] == 'E')
        st = hbase_peer_enable(master.base.cluster, "p");
    else if (method[0] == 'D')
        st = hbase_peer_disable(master.base.cluster, "p");
    else
        st = hbase_peer_remove(master.base.cluster, "p");
    fake_master_close(&master);
    return st;
}

test(peer_tells_failures_apart_by_their_words)
{
    static const struct {
        const char *method;
        const char *exception;
        const char *words;
        enum status_code code;
    } cases[] = {
        {"AddReplicationPeer", HBASE "DoNotRetryIOException",
         "Replication peer p already exists, state=ENABLED", STATUS_ALREADY_EXISTS},
        {"AddReplicationPeer", HBASE "DoNotRetryIOException",
         "Can't get peerClusterId for clusterKey=zk:2181:/hbase", STATUS_FAILED_PRECONDITION},
        {"AddReplicationPeer", HBASE "DoNotRetryIOException",
         "Invalid cluster key: zk:2181:/hbase, should not replicate to itself",
         STATUS_FAILED_PRECONDITION},
        {"AddReplicationPeer", HBASE "DoNotRetryIOException",
         "undeleted queue for peerId: p, replicator: a,1,1", STATUS_UNAVAILABLE},
        {"AddReplicationPeer", HBASE "security.AccessDeniedException", "Insufficient permissions",
         STATUS_PERMISSION_DENIED},
        {"EnableReplicationPeer", HBASE "DoNotRetryIOException",
         "Replication peer p has already been enabled", STATUS_OK},
        {"DisableReplicationPeer", HBASE "DoNotRetryIOException",
         "Replication peer p has already been disabled", STATUS_OK},
        {"EnableReplicationPeer", HBASE "ReplicationPeerNotFoundException", "peerId=p",
         STATUS_NOT_FOUND},
        {"RemoveReplicationPeer", HBASE "ReplicationPeerNotFoundException", "peerId=p", STATUS_OK},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_status(fail(cases[i].method, cases[i].exception, cases[i].words), cases[i].code);
}

/* A list of one peer p. */
struct peers {
    Hb__ReplicationState state;
    Hb__ReplicationPeer config;
    Hb__ReplicationPeerDescription peer;
    Hb__ReplicationPeerDescription *list[1];
    Hb__ListReplicationPeersResponse response;
};

static void init_peers(struct peers *peers, Hb__ReplicationState__State state)
{
    *peers = (struct peers){
        .state = HB__REPLICATION_STATE__INIT,
        .config = HB__REPLICATION_PEER__INIT,
        .peer = HB__REPLICATION_PEER_DESCRIPTION__INIT,
        .response = HB__LIST_REPLICATION_PEERS_RESPONSE__INIT,
    };
    peers->state.state = state;
    peers->peer.id = text("p");
    peers->peer.state = &peers->state;
    peers->peer.config = &peers->config;
    peers->list[0] = &peers->peer;
    peers->response.peer_desc = peers->list;
    peers->response.n_peer_desc = 1;
}

test(peer_is_looked_at_when_the_master_has_forgotten_what_became_of_it)
{
    static const struct {
        Hb__ReplicationState__State state;
        enum status_code of_enable, of_disable;
    } cases[] = {
        {HB__REPLICATION_STATE__STATE__ENABLED, STATUS_OK, STATUS_UNKNOWN},
        {HB__REPLICATION_STATE__STATE__DISABLED, STATUS_UNKNOWN, STATUS_OK},
    };
    Hb__ProcedureResponse started = HB__PROCEDURE_RESPONSE__INIT;
    Hb__GetProcedureResultResponse forgotten = HB__GET_PROCEDURE_RESULT_RESPONSE__INIT;
    const Hb__ReplicationPeer config = HB__REPLICATION_PEER__INIT;

    started.has_proc_id = true;
    forgotten.state = HB__GET_PROCEDURE_RESULT_RESPONSE__STATE__NOT_FOUND;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct peers peers;
        const struct fake_step steps[] = {
            {"EnableReplicationPeer", .reply = &started.base},
            {"DisableReplicationPeer", .reply = &started.base},
            {"AddReplicationPeer", .reply = &started.base},
            {"RemoveReplicationPeer", .reply = &started.base},
            {"getProcedureResult", .reply = &forgotten.base},
            {"ListReplicationPeers", .reply = &peers.response.base},
        };
        struct fake_master master;

        init_peers(&peers, cases[i].state);
        fake_master_open(&master, steps, ARRAY_LEN(steps));
        check_status(hbase_peer_enable(master.base.cluster, "p"), cases[i].of_enable);
        check_status(hbase_peer_disable(master.base.cluster, "p"), cases[i].of_disable);
        check_status(hbase_peer_add_disabled(master.base.cluster, "p", &config), STATUS_OK);
        check_status(hbase_peer_add_disabled(master.base.cluster, "q", &config), STATUS_UNKNOWN);
        check_status(hbase_peer_remove(master.base.cluster, "p"), STATUS_UNKNOWN);
        check_status(hbase_peer_remove(master.base.cluster, "q"), STATUS_OK);
        fake_master_close(&master);
    }
}

/* Two servers, of which a works on two queues for p, one of them of a dead server, and b on one for q. */
struct status_of_two {
    Hb__ServerName names[2];
    Hb__ReplicationLoadSource sources[3];
    Hb__ReplicationLoadSource *list[3];
    Hb__ServerLoad loads[2];
    Hb__LiveServerInfo infos[2];
    Hb__LiveServerInfo *servers[2];
    Hb__ClusterStatus status;
    Hb__GetClusterStatusResponse response;
};

static void init_source(Hb__ReplicationLoadSource *source, const char *peer, uint64_t shipped_ms)
{
    hb__replication_load_source__init(source);
    source->peer_id = text(peer);
    source->size_of_log_queue = 2;
    source->replication_lag = 30;
    source->time_stamp_of_last_shipped_op = shipped_ms;
}

static void init_status(struct status_of_two *s, uint32_t port)
{
    hb__cluster_status__init(&s->status);
    hb__get_cluster_status_response__init(&s->response);
    for (size_t i = 0; i < 2; i++) {
        hb__server_name__init(&s->names[i]);
        s->names[i].host_name = text(i == 0 ? "127.0.0.1" : "localhost");
        s->names[i].has_port = true;
        s->names[i].port = port;
        hb__server_load__init(&s->loads[i]);
        s->loads[i].has_report_end_time = true;
        s->loads[i].report_end_time = 5000 - i;
        hb__live_server_info__init(&s->infos[i]);
        s->infos[i].server = &s->names[i];
        s->infos[i].server_load = &s->loads[i];
        s->servers[i] = &s->infos[i];
    }
    for (size_t i = 0; i < 3; i++) {
        init_source(&s->sources[i], i < 2 ? "p" : "q", 100 * (i + 1));
        s->list[i] = &s->sources[i];
    }
    s->sources[1].has_recovered = s->sources[1].recovered = true;
    s->sources[1].queue_id = text("p-dead,1,1");
    s->loads[0].repl_load_source = s->list;
    s->loads[0].n_repl_load_source = 2;
    s->loads[1].repl_load_source = s->list + 2;
    s->loads[1].n_repl_load_source = 1;
    s->status.live_servers = s->servers;
    s->status.n_live_servers = 2;
    s->response.cluster_status = &s->status;
}

test(peer_load_is_that_of_its_own_queues)
{
    struct status_of_two s;
    const struct fake_step steps[] = {{"GetClusterStatus", .reply = &s.response.base}};
    struct arena *arena = arena_create(0);
    struct hbase_peer_load load;
    struct fake_master master;

    init_status(&s, 16020);
    fake_master_open(&master, steps, ARRAY_LEN(steps));
    check_status(hbase_peer_read_load(master.base.cluster, "p", arena, &load), STATUS_OK);
    check_int(load.nservers, 2);
    check_int(load.nqueues, 2);
    check_int(load.report_ms, 4999);
    check_str(load.idle_server, "localhost");
    check_str(load.queues[0].server, "127.0.0.1,16020,0");
    check_str(load.queues[1].id, "p-dead,1,1");
    check(!load.queues[0].is_recovered && load.queues[1].is_recovered);
    check_int(load.queues[1].shipped_ms, 200);
    check_int(load.queues[1].nlogs, 2);
    check_int(load.queues[1].lag_ms, 30);
    fake_master_close(&master);
    arena_destroy(arena);
}
