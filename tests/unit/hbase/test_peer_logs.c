/*
 * tests/unit/hbase/test_peer_logs.c - the logs that are kept for a peer, from a ZooKeeper that has nodes as HBase has.
 */
#include "hbase/peer_logs.h"

#include <string.h>

#include "base/buf.h"
#include "base/stop.h"
#include "hbase/hbase.pb-c.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/cluster_fixture.h"
#include "tests/unit/hbase/fake_zookeeper.h"

#define RS "/hbase/replication/rs"
#define A "a,16020,5"
#define D "d,16020,3"

/* Server a lives, and has taken a queue of b over; d is dead, and its queue its own still. Peer p2 is another. */
static const struct fake_node nodes[] = {
    {RS, {"", 0}},
    {RS "/" A, {"", 0}},
    {RS "/" A "/p", {"", 0}},
    {RS "/" A "/p/a%2C16020%2C5.2000", {"", 0}},
    {RS "/" A "/p/a%2C16020%2C5.1500", {"", 0}},
    {RS "/" A "/p2", {"", 0}},
    {RS "/" A "/p2/a%2C16020%2C5.1", {"", 0}},
    {RS "/" A "/p-b,16020,4", {"", 0}},
    {RS "/" A "/p-b,16020,4/b%2C16020%2C4.one.1000", {"", 0}},
    {RS "/" A "/p-b,16020,4/b%2C16020%2C4.two.1100", {"", 0}},
    {RS "/" D, {"", 0}},
    {RS "/" D "/p", {"", 0}},
};
static const struct fake_node odd[] = {
    {RS, {"", 0}},
    {RS "/" A, {"", 0}},
    {RS "/" A "/p", {"", 0}},
    {RS "/" A "/p/a%2C16020%2C5.syncrep", {"", 0}},
};

/* Shows all queues as "server/queue: number of logs, oldest, series". */
static struct status read_from(const struct fake_node *has, size_t nnodes, struct buf *ret)
{
    const struct fake_zookeeper_options fake = {has, nnodes, FAKE_ZOOKEEPER_WELL};
    struct fake_zookeeper *server = fake_zookeeper_open(&fake);
    /* Of the quorum's servers one is down. */
    const int ports[] = {cluster_fixture_find_dead_port(), fake_zookeeper_get_port(server)};
    const struct hbase_peer_queue queue = {.server = A, .id = "p"};
    const struct hbase_peer_load load = {.queues = &queue, .nqueues = 1, .nservers = 1};
    struct stop stop = {0};
    struct hbase_cluster *cluster =
        cluster_fixture_make_client(ports, ARRAY_LEN(ports), "/hbase", &stop);
    struct arena *arena = arena_create(0);
    struct hbase_peer_logs logs = {0};

    struct status st = hbase_peer_read_logs(cluster, "p", &load, arena, &logs);
    for (size_t i = 0; i < logs.nqueues; i++) {
        const struct hbase_peer_log_queue *found = &logs.queues[i];

        buf_printf(ret, "%s/%s: %zu, %lld, %s\n", found->server, found->id, found->nlogs,
                   (long long)found->oldest_ms, found->is_one_series ? "one" : "several");
    }
    arena_destroy(arena);
    hbase_cluster_destroy(cluster);
    fake_zookeeper_close(server);
    return st;
}

test(the_logs_of_all_queues_of_a_peer_are_seen_those_of_dead_servers_first)
{
    struct buf shown = {0};

    check_status(read_from(nodes, ARRAY_LEN(nodes), &shown), STATUS_OK);
    check_str(buf_get_text(&shown),
              D "/p: 0, 0, one\n" A "/p: 2, 1500, one\n" A "/p-b,16020,4: 2, 1000, several\n");
    buf_deinit(&shown);
}

test(logs_that_cannot_be_told_are_none)
{
    struct buf shown = {0};

    check_status(read_from(odd, ARRAY_LEN(odd), &shown), STATUS_DATA_LOSS);
    check_status(read_from(nodes, 0, &shown), STATUS_NOT_FOUND);
    check_int(shown.len, 0);
    buf_deinit(&shown);
}

test(logs_of_a_cluster_that_is_not_found_through_zookeeper_are_not_looked_for)
{
    const struct hbase_peer_load load = {0};
    struct hbase_peer_logs logs;
    struct cluster_fixture f = {0};
    struct arena *arena = arena_create(0);

    cluster_fixture_open(&f);
    check_status(hbase_peer_read_logs(f.cluster, "p", &load, arena, &logs),
                 STATUS_FAILED_PRECONDITION);
    cluster_fixture_close(&f);
    arena_destroy(arena);
}

test(a_logs_name_ends_with_when_it_was_begun)
{
    static const struct {
        const char *name;
        int64_t begin_ms; /* 0: it is none */
    } cases[] = {
        {"h%2C16020%2C1700000000000.1700000000123", 1700000000123},
        {"h%2C16020%2C1700000000000.regiongroup-0.1700000000123", 1700000000123},
        {"h.1", 1},
        {"h%2C16020%2C1700000000000.meta", 0},
        {"h.0", 0},
        {"h.-5", 0},
        {"h.9223372036854775808", 0},
        {"h.", 0},
        {"1700000000123", 0},
        {"", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t begin_ms = 0;

        check_status(hbase_peer_log_read_name(cases[i].name, &begin_ms),
                     cases[i].begin_ms > 0 ? STATUS_OK : STATUS_DATA_LOSS);
        check_int(begin_ms, cases[i].begin_ms);
    }
}

static void answer_roll(void *self, struct fake_call *call)
{
    const Hb__Empty empty = HB__EMPTY__INIT;
    unsigned *count = self;

    *count +=
        strcmp(call->method, "RollWALWriter") == 0 && strcmp(call->service, "AdminService") == 0;
    fake_call_reply(call, &empty.base, (struct str){0});
}

test(a_server_is_asked_for_a_new_log)
{
    unsigned count = 0;
    struct cluster_fixture f = {.on_call = answer_roll, .self = &count};
    struct buf name = {0};

    cluster_fixture_open(&f);
    buf_printf(&name, "localhost,%d,1700000000000", fake_server_get_port(f.server));
    check_status(hbase_peer_begin_log(f.cluster, buf_get_text(&name)), STATUS_OK);
    check_int(count, 1);
    check_status(hbase_peer_begin_log(f.cluster, "localhost"), STATUS_DATA_LOSS);
    check_status(hbase_peer_begin_log(f.cluster, "localhost,70000,1"), STATUS_DATA_LOSS);
    check_status(hbase_peer_begin_log(f.cluster, ",1,1"), STATUS_DATA_LOSS);
    cluster_fixture_close(&f);
    buf_deinit(&name);
}
