/*
 * hbase/peer_logs.c - reads /hbase/replication/rs/<server>/<queue>/<log>, node by node.
 *
 * That is no snapshot: a queue of a dead server may be taken over while it is read. It is in the new server's node before it is gone
 * from the old one's, so dead servers are read before live ones: a queue is seen twice then, never not at all.
 */
#include "hbase/peer_logs.h"

#include <string.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/str.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/server.h"
#include "hbase/zookeeper.h"

enum { CALL_TIMEOUT_MS = 10000 };

/* A reading that is under way. */
struct reading {
    struct zookeeper *zookeeper;
    const char *parent; /* of the servers' nodes */
    const char *peer;
    struct arena *arena;
    struct hbase_peer_log_queue *queues;
    size_t nqueues;
    size_t max_queues;
};

/* "server%2C16020%2C1700000000000.1700000000123": what is behind the last dot; *ret_series is what is in front of it. */
static struct status split_name(const char *name, struct str *ret_series, int64_t *ret_begin_ms)
{
    const char *dot = strrchr(name, '.');

    if (!dot || number_read("log", str_from(dot + 1), 1, INT64_MAX, ret_begin_ms).code != STATUS_OK)
        return status_error(STATUS_DATA_LOSS, "'%s' is not what HBase calls a log", name);
    *ret_series = str_from_bytes(name, (size_t)(dot - name));
    return status_ok();
}

struct status hbase_peer_log_read_name(const char *name, int64_t *ret_begin_ms)
{
    struct str series;

    return split_name(name, &series, ret_begin_ms);
}

static struct status read_logs(const struct zookeeper_names *logs,
                               struct hbase_peer_log_queue *queue)
{
    struct str first = {0};

    queue->nlogs = logs->count;
    queue->is_one_series = true;
    for (size_t i = 0; i < logs->count; i++) {
        struct str series;
        int64_t begin_ms;
        struct status st = split_name(logs->names[i], &series, &begin_ms);

        if (st.code != STATUS_OK)
            return st;
        if (i == 0)
            first = series;
        queue->is_one_series = queue->is_one_series && str_is_equal(series, first);
        if (queue->oldest_ms == 0 || begin_ms < queue->oldest_ms)
            queue->oldest_ms = begin_ms;
    }
    return status_ok();
}

/* A peer's queues are called as it is, or, those that were taken over, as it is with '-' and the dead server behind. */
static bool is_of_peer(const char *queue, const char *peer)
{
    size_t len = strlen(peer);

    return strncmp(queue, peer, len) == 0 && (queue[len] == '\0' || queue[len] == '-');
}

static struct status read_queue(struct reading *reading, const char *server, const char *id)
{
    const char *path = arena_printf(reading->arena, "%s/%s/%s", reading->parent, server, id);
    struct hbase_peer_log_queue *queue = &reading->queues[reading->nqueues];
    struct zookeeper_names logs;

    struct status st = zookeeper_list(reading->zookeeper, path, reading->arena, &logs);
    if (st.code != STATUS_OK)
        return st;
    *queue = (struct hbase_peer_log_queue){.server = server, .id = id};
    reading->nqueues++;
    return read_logs(&logs, queue);
}

/* Makes room for more queues; what an arena gave is not given back, and there are few. */
static void reserve(struct reading *reading, size_t count)
{
    size_t needed = reading->nqueues + count;

    if (needed <= reading->max_queues)
        return;
    reading->max_queues = 2 * needed;
    struct hbase_peer_log_queue *queues =
        arena_alloc(reading->arena, reading->max_queues * sizeof(*queues));
    if (reading->nqueues > 0)
        memcpy(queues, reading->queues, reading->nqueues * sizeof(*queues));
    reading->queues = queues;
}

static struct status read_server(struct reading *reading, const char *server)
{
    const char *path = arena_printf(reading->arena, "%s/%s", reading->parent, server);
    struct zookeeper_names ids;

    struct status st = zookeeper_list(reading->zookeeper, path, reading->arena, &ids);
    if (st.code != STATUS_OK)
        return st;
    reserve(reading, ids.count);
    for (size_t i = 0; st.code == STATUS_OK && i < ids.count; i++) {
        if (is_of_peer(ids.names[i], reading->peer))
            st = read_queue(reading, server, ids.names[i]);
    }
    return st;
}

static bool is_live(const struct hbase_peer_load *load, const char *server)
{
    for (size_t i = 0; i < load->nqueues; i++) {
        if (strcmp(load->queues[i].server, server) == 0)
            return true;
    }
    return false;
}

static struct status read_servers(struct reading *reading, const struct hbase_peer_load *load)
{
    struct zookeeper_names servers;
    struct status st =
        zookeeper_list(reading->zookeeper, reading->parent, reading->arena, &servers);

    if (st.code != STATUS_OK)
        return st;
    for (size_t i = 0; st.code == STATUS_OK && i < servers.count; i++) {
        if (!is_live(load, servers.names[i]))
            st = read_server(reading, servers.names[i]);
    }
    for (size_t i = 0; st.code == STATUS_OK && i < servers.count; i++) {
        if (is_live(load, servers.names[i]))
            st = read_server(reading, servers.names[i]);
    }
    return st;
}

struct status hbase_peer_read_logs(struct hbase_cluster *cluster, const char *id,
                                   const struct hbase_peer_load *load, struct arena *arena,
                                   struct hbase_peer_logs *ret)
{
    struct reading reading = {.peer = id, .arena = arena};
    const char *znode = NULL;

    struct status st = hbase_cluster_open_zookeeper(cluster, &reading.zookeeper, &znode);
    if (st.code != STATUS_OK)
        return st;
    reading.parent = arena_printf(arena, "%s/replication/rs", znode);
    st = read_servers(&reading, load);
    zookeeper_close(reading.zookeeper);
    if (st.code == STATUS_OK)
        *ret = (struct hbase_peer_logs){reading.queues, reading.nqueues};
    return st;
}

static struct status read_server_name(const char *text, struct hbase_server *ret)
{
    struct str rest = str_from(text);
    struct str host = str_cut(&rest, ',');
    struct str port = str_cut(&rest, ',');
    int64_t number = 0, start_code = 0;

    if (number_read("port", port, 1, UINT16_MAX, &number).code != STATUS_OK ||
        number_read("start code", rest, 0, INT64_MAX, &start_code).code != STATUS_OK)
        return status_error(STATUS_DATA_LOSS, "'%s' is no name of a server", text);
    return hbase_server_make(host, number, (uint64_t)start_code, ret);
}

struct status hbase_peer_begin_log(struct hbase_cluster *cluster, const char *server)
{
    const Hb__Empty question = HB__EMPTY__INIT;
    const struct hbase_request request = {
        .method = "RollWALWriter",
        .message = &question.base,
        .reply = &hb__empty__descriptor,
        .timeout_ms = CALL_TIMEOUT_MS,
    };
    struct hbase_server at;
    struct hbase_reply reply = {0};
    struct hbase_fault fault;

    struct status st = read_server_name(server, &at);
    if (st.code != STATUS_OK)
        return st;
    if (!hbase_cluster_try(cluster, &at, HBASE_ADMIN_SERVICE, &request, &reply, &fault))
        return fault.status;
    hbase_reply_free(&reply);
    return status_ok();
}
