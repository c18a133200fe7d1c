#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/thread.h"
#include "hbase/hbase.pb-c.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/cluster_fixture.h"
#include "tests/unit/hbase/fake_zookeeper.h"

enum {
    FIND_MS = 10 * 1000, /* users are to see why within this */
    SHORT_MS = 300,
    TRIES_MS = 2000, /* in which two tries have room */
};

static int get_port(const struct cluster_fixture *f)
{
    return fake_server_get_port(f->server);
}

/* What finding the master says, with the ports' numbers as they are. */
static struct status find_master(struct hbase_cluster *cluster)
{
    struct hbase_server master;
    int64_t begin_ms = clock_get_monotonic_ms();
    struct status st = hbase_cluster_find_master(cluster, &master);

    check(clock_get_monotonic_ms() - begin_ms < FIND_MS);
    return st;
}

static void check_text(struct status st, const char *expected)
{
    check_str(st.text, expected);
}

/* ---- HBase's own registry ---- */

test(a_cluster_is_found_through_its_servers)
{
    struct hbase_server server = {0};
    char id[HBASE_CLUSTER_ID_BYTES] = "";
    struct cluster_fixture f = {0};

    cluster_fixture_open(&f);
    check_status(hbase_cluster_find_master(f.cluster, &server), STATUS_OK);
    check_str(server.host, "127.0.0.1");
    check_int(server.port, get_port(&f));
    check_status(hbase_cluster_find_meta(f.cluster, &server), STATUS_OK);
    check_int(server.port, get_port(&f)); /* that of the replica is another */
    check_status(hbase_cluster_find_id(f.cluster, id), STATUS_OK);
    check_str(id, "00112233-4455-6677-8899-aabbccddeeff");
    check_str(fake_server_wait_call(f.server, NULL, 0)->service, "ClientMetaService");
    check_int(fake_server_count_links(f.server), 1);
    cluster_fixture_close(&f);
}

test(where_a_cluster_is_is_asked_once_and_again_when_it_was_forgotten)
{
    struct cluster_fixture f = {0};

    cluster_fixture_open(&f);
    check_status(find_master(f.cluster), STATUS_OK);
    check_status(find_master(f.cluster), STATUS_OK);
    check_int(fake_server_count_calls(f.server, "GetActiveMaster"), 1);
    hbase_cluster_forget(f.cluster);
    check_status(find_master(f.cluster), STATUS_OK);
    check_int(fake_server_count_calls(f.server, "GetActiveMaster"), 2);
    cluster_fixture_close(&f);
}

test(a_registry_that_does_not_know_the_active_master_is_asked_for_all)
{
    struct hbase_server server = {0};
    struct cluster_fixture f = {0};

    cluster_fixture_open(&f);
    f.meta.is_old = true;
    check_status(hbase_cluster_find_master(f.cluster, &server), STATUS_OK);
    check_int(server.port, get_port(&f)); /* that of the standby is another */
    check_int(fake_server_count_calls(f.server, "GetMasters"), 1);
    cluster_fixture_close(&f);
}

test(the_next_end_point_is_asked_when_one_does_not_answer)
{
    struct cluster_fixture f = {0};
    int ports[3];

    cluster_fixture_open(&f);
    ports[0] = cluster_fixture_find_dead_port();
    ports[2] = cluster_fixture_find_dead_port();
    ports[1] = get_port(&f);
    struct hbase_cluster *cluster = cluster_fixture_make_client(ports, 3, NULL, &f.stop);
    check_status(find_master(cluster), STATUS_OK);
    hbase_cluster_destroy(cluster);
    cluster_fixture_close(&f);
}

test(what_each_end_point_said_is_told)
{
    const struct fake_server_options other = {.service = "MasterService"};
    struct fake_server *region_server = fake_server_open(&other);
    struct stop stop = {0};
    char expected[STATUS_TEXT_BYTES];
    int ports[] = {cluster_fixture_find_dead_port(), fake_server_get_port(region_server)};
    struct hbase_cluster *cluster = cluster_fixture_make_client(ports, 2, NULL, &stop);

    struct status st = find_master(cluster);
    check_status(st, STATUS_UNAVAILABLE);
    (void)snprintf(expected, sizeof(expected),
                   "the active master of 'src' is not to be found: 127.0.0.1:%d: connection "
                   "refused: nothing listens there; 127.0.0.1:%d closed the connection without an "
                   "answer: it does not offer ClientMetaService, or is stopping",
                   ports[0], ports[1]);
    check_text(st, expected);
    hbase_cluster_destroy(cluster);
    fake_server_close(region_server);
}

test(an_end_point_that_is_mute_is_given_up_in_time)
{
    const struct fake_server_options mute = {0};
    struct fake_server *server = fake_server_open(&mute);
    struct stop stop = {0};
    int ports[] = {fake_server_get_port(server), fake_server_get_port(server),
                   fake_server_get_port(server)};
    struct hbase_cluster *cluster = cluster_fixture_make_client(ports, 3, NULL, &stop);

    check_status(find_master(cluster), STATUS_UNAVAILABLE);
    check_int(fake_server_count_calls(server, "GetActiveMaster"), 3);
    hbase_cluster_destroy(cluster);
    fake_server_close(server);
}

test(a_cluster_without_a_master_or_meta_says_so)
{
    struct hbase_server server;
    struct cluster_fixture f = {0};

    cluster_fixture_open(&f);
    f.meta.has_no_master = f.meta.has_no_meta = true;
    struct status st = find_master(f.cluster);
    check_status(st, STATUS_UNAVAILABLE);
    check(strstr(st.text, "no master is active") != NULL);
    st = hbase_cluster_find_meta(f.cluster, &server);
    check_status(st, STATUS_UNAVAILABLE);
    check(strstr(st.text, "hbase:meta has no server yet") != NULL);
    cluster_fixture_close(&f);
}

static void refuse(void *self, struct fake_call *call)
{
    (void)self;
    fake_call_refuse(call, "org.apache.hadoop.hbase.security.AccessDeniedException",
                     "Authentication is required");
}

test(a_cluster_that_wants_a_login_is_not_asked_further)
{
    const struct fake_server_options options = {.on_call = refuse};
    struct fake_server *server = fake_server_open(&options);
    struct stop stop = {0};
    int ports[] = {fake_server_get_port(server), fake_server_get_port(server)};
    struct hbase_cluster *cluster = cluster_fixture_make_client(ports, 2, NULL, &stop);

    check_status(find_master(cluster), STATUS_PERMISSION_DENIED);
    check_int(fake_server_count_links(server), 1);
    hbase_cluster_destroy(cluster);
    fake_server_close(server);
}

test(a_host_that_the_resolver_does_not_know_is_where_hosts_says)
{
    static const struct hbase_host hosts[] = {{"hbase-7.invalid", "127.0.0.1"}};
    struct cluster_fixture f = {0};
    struct hbase_connection *connection;
    struct hbase_server server = {.host = "hbase-7.invalid"};

    cluster_fixture_open(&f);
    const struct hbase_endpoint endpoint = {"hbase-7.invalid", get_port(&f)};
    struct hbase_cluster *cluster =
        hbase_cluster_create(&(struct hbase_cluster_options){.name = "src",
                                                             .endpoints = &endpoint,
                                                             .nendpoints = 1,
                                                             .hosts = hosts,
                                                             .nhosts = ARRAY_LEN(hosts),
                                                             .user = "sluice",
                                                             .stop = &f.stop});
    check_status(find_master(cluster), STATUS_OK);
    server.port = get_port(&f);
    check_status(hbase_cluster_connect(cluster, &server, HBASE_CLIENT_SERVICE, &connection),
                 STATUS_OK);
    hbase_cluster_release(cluster, connection);
    hbase_cluster_destroy(cluster);
    cluster_fixture_close(&f);
}

/* ---- ZooKeeper ---- */

#define SERVER(host, port) "PBUF\x0a\x05\x0a\x01" host "\x10" port

static const struct fake_node nodes[] = {
    {"/hbase/master", {SERVER("m", "\x07"), 11}},
    {"/hbase/meta-region-server", {SERVER("r", "\x08"), 11}},
    {"/hbase/hbaseid", {"abc-1", 5}},
};

/* A ZooKeeper with the nodes from first on, and a client whose end points are a dead port and it. */
static struct hbase_cluster *make_zookeeper_client(size_t first, const char *znode,
                                                   struct stop *stop, struct fake_zookeeper **ret)
{
    const struct fake_zookeeper_options options = {nodes + first, ARRAY_LEN(nodes) - first,
                                                   FAKE_ZOOKEEPER_WELL};
    int ports[2] = {cluster_fixture_find_dead_port()};

    *ret = fake_zookeeper_open(&options);
    ports[1] = fake_zookeeper_get_port(*ret);
    return cluster_fixture_make_client(ports, 2, znode, stop);
}

test(a_cluster_is_found_through_zookeeper)
{
    struct fake_zookeeper *zookeeper;
    struct stop stop = {0};
    struct hbase_cluster *cluster = make_zookeeper_client(0, "/hbase", &stop, &zookeeper);
    struct hbase_server server = {0};
    char id[HBASE_CLUSTER_ID_BYTES] = "";

    check_status(hbase_cluster_find_master(cluster, &server), STATUS_OK);
    check_str(server.host, "m");
    check_int(server.port, 7);
    check_status(hbase_cluster_find_meta(cluster, &server), STATUS_OK);
    check_str(server.host, "r");
    check_status(hbase_cluster_find_id(cluster, id), STATUS_OK);
    check_str(id, "abc-1");
    hbase_cluster_destroy(cluster);
    fake_zookeeper_close(zookeeper);
}

test(a_wrong_parent_node_is_told_with_the_quorum)
{
    struct fake_zookeeper *zookeeper;
    struct stop stop = {0};
    struct hbase_cluster *cluster = make_zookeeper_client(0, "/wrong", &stop, &zookeeper);
    char quorum[80];

    struct status st = find_master(cluster);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check(strstr(st.text, "no node '/wrong/master'") != NULL);
    (void)snprintf(quorum, sizeof(quorum), "127.0.0.1:%d", fake_zookeeper_get_port(zookeeper));
    check(strstr(st.text, quorum) != NULL);
    hbase_cluster_destroy(cluster);
    fake_zookeeper_close(zookeeper);
}

test(a_master_that_is_not_there_now_is_no_wrong_parent_node)
{
    struct fake_zookeeper *zookeeper;
    struct stop stop = {0};
    struct hbase_cluster *cluster = make_zookeeper_client(1, "/hbase", &stop, &zookeeper);

    struct status st = find_master(cluster);
    check_status(st, STATUS_UNAVAILABLE);
    check(strstr(st.text, "no master is active") != NULL);
    hbase_cluster_destroy(cluster);
    fake_zookeeper_close(zookeeper);
}

test(a_node_that_says_nothing_of_use_is_told_by_name)
{
    static const struct fake_node odd[] = {
        {"/hbase/master", {"nonsense", 8}},
        {"/hbase/meta-region-server",
         {SERVER("r", "\x08") "\x18\x02", 13}}, /* it is being opened */
    };
    const struct fake_zookeeper_options options = {odd, ARRAY_LEN(odd), FAKE_ZOOKEEPER_WELL};
    struct fake_zookeeper *zookeeper = fake_zookeeper_open(&options);
    struct stop stop = {0};
    int port = fake_zookeeper_get_port(zookeeper);
    struct hbase_cluster *cluster = cluster_fixture_make_client(&port, 1, "/hbase", &stop);
    struct hbase_server server;

    struct status st = find_master(cluster);
    check_status(st, STATUS_UNAVAILABLE);
    check(strstr(st.text, "'/hbase/master': what HBase has stored is no Master") != NULL);
    st = hbase_cluster_find_meta(cluster, &server);
    check_status(st, STATUS_UNAVAILABLE);
    check(strstr(st.text, "'/hbase/meta-region-server': hbase:meta is not open") != NULL);
    hbase_cluster_destroy(cluster);
    fake_zookeeper_close(zookeeper);
}

/* ---- Calls of the master ---- */

static struct status call_master(struct hbase_cluster *cluster)
{
    const Hb__Empty empty = HB__EMPTY__INIT;
    const struct hbase_request request = {.method = "Ask",
                                          .message = &empty.base,
                                          .reply = &hb__empty__descriptor,
                                          .timeout_ms = FIND_MS};
    struct hbase_reply reply = {0};
    struct status st = hbase_cluster_call_master(cluster, &request, &reply);

    if (st.code == STATUS_OK)
        hbase_reply_free(&reply);
    return st;
}

static void answer(void *self, struct fake_call *call)
{
    const Hb__Empty empty = HB__EMPTY__INIT;

    (void)self;
    fake_call_reply(call, &empty.base, (struct str){0});
}

/* A master that is about to be another. */
struct failover {
    struct cluster_fixture f;
    struct fake_server *other;
};

static void send_to_other(void *self, struct fake_call *call)
{
    struct failover *failover = self;

    (void)pthread_mutex_lock(&failover->f.meta.mutex);
    failover->f.meta.port = fake_server_get_port(failover->other);
    (void)pthread_mutex_unlock(&failover->f.meta.mutex);
    fake_call_throw(call, "org.apache.hadoop.hbase.PleaseHoldException", "starting", FAKE_RETRY);
}

test(a_call_goes_to_the_master_that_has_become_active)
{
    struct failover failover = {.f = {.on_call = send_to_other, .self = &failover}};

    failover.other = fake_server_open(&(struct fake_server_options){.on_call = answer});
    cluster_fixture_open(&failover.f);
    check_status(call_master(failover.f.cluster), STATUS_OK);
    check_int(fake_server_count_calls(failover.f.server, "Ask"), 1);
    check_int(fake_server_count_calls(failover.other, "Ask"), 1);
    check_str(fake_server_wait_call(failover.other, "Ask", 0)->service, "MasterService");
    cluster_fixture_close(&failover.f);
    fake_server_close(failover.other);
}

test(a_call_goes_on_when_its_server_was_restarted)
{
    struct cluster_fixture f = {.on_call = answer};

    cluster_fixture_open(&f);
    check_status(call_master(f.cluster), STATUS_OK);
    cluster_fixture_restart(&f);
    check_status(call_master(f.cluster), STATUS_OK);
    cluster_fixture_close(&f);
}

static void hold(void *self, struct fake_call *call)
{
    (void)self;
    fake_call_throw(call, "org.apache.hadoop.hbase.PleaseHoldException", "starting", FAKE_RETRY);
}

test(a_call_ends_with_the_last_fault_when_the_patience_is_used_up)
{
    struct cluster_fixture f = {.on_call = hold};

    cluster_fixture_open(&f);
    hbase_cluster_set_patience(f.cluster, TRIES_MS);
    struct status st = call_master(f.cluster);
    check_status(st, STATUS_UNAVAILABLE);
    check(strstr(st.text, "PleaseHoldException: starting") != NULL);
    check(fake_server_count_calls(f.server, "Ask") > 1);
    cluster_fixture_close(&f);
}

/* A call in a thread of its own, and how it ended. */
struct lone_call {
    struct cluster_fixture f;
    struct status ended;
};

static void *run_call(void *arg)
{
    struct lone_call *call = arg;

    call->ended = call_master(call->f.cluster);
    return NULL;
}

test(a_stop_ends_the_pause_between_two_tries)
{
    struct lone_call call = {.f = {.on_call = hold}};
    pthread_t thread;

    cluster_fixture_open(&call.f);
    check_status(thread_start("call", run_call, &call, &thread), STATUS_OK);
    (void)fake_server_wait_call(call.f.server, "Ask", 3);
    int64_t begin_ms = clock_get_monotonic_ms();
    stop_request(&call.f.stop);
    (void)pthread_join(thread, NULL);
    check_status(call.ended, STATUS_CANCELLED);
    check(clock_get_monotonic_ms() - begin_ms < CLUSTER_FIXTURE_PATIENCE_MS / 2);
    cluster_fixture_close(&call.f);
}

/* ---- Patience ---- */

test(what_would_fail_again_is_not_tried_again)
{
    const struct hbase_fault fault = {.action = HBASE_ACTION_FAIL};
    struct stop stop = {0};
    struct hbase_cluster *cluster = cluster_fixture_make_client(NULL, 0, NULL, &stop);
    struct hbase_retry retry = hbase_cluster_begin_retry(cluster);

    check(!hbase_cluster_pause(cluster, &retry, &fault));
    hbase_cluster_destroy(cluster);
}

test(what_a_server_throttles_does_not_use_up_the_patience)
{
    const struct hbase_fault fault = {.action = HBASE_ACTION_THROTTLE, .wait_ms = SHORT_MS};
    struct stop stop = {0};
    struct hbase_cluster *cluster = cluster_fixture_make_client(NULL, 0, NULL, &stop);

    hbase_cluster_set_patience(cluster, SHORT_MS / 2);
    struct hbase_retry retry = hbase_cluster_begin_retry(cluster);
    int64_t begin_ms = clock_get_monotonic_ms();
    check(hbase_cluster_pause(cluster, &retry, &fault));
    check(clock_get_monotonic_ms() - begin_ms >= SHORT_MS);
    check_int(retry.ntries, 0);
    hbase_cluster_destroy(cluster);
}

/* ---- Connections ---- */

test(a_connection_is_shared_and_another_service_has_its_own)
{
    struct hbase_connection *first, *second, *other;
    struct cluster_fixture f = {0};

    cluster_fixture_open(&f);
    const struct hbase_server server = {.host = "127.0.0.1", .port = get_port(&f)};
    check_status(hbase_cluster_connect(f.cluster, &server, HBASE_CLIENT_SERVICE, &first),
                 STATUS_OK);
    check_status(hbase_cluster_connect(f.cluster, &server, HBASE_CLIENT_SERVICE, &second),
                 STATUS_OK);
    check_status(hbase_cluster_connect(f.cluster, &server, HBASE_ADMIN_SERVICE, &other), STATUS_OK);
    check(first == second);
    check(first != other);
    hbase_cluster_release(f.cluster, first);
    hbase_cluster_release(f.cluster, second);
    hbase_cluster_release(f.cluster, other);
    cluster_fixture_close(&f);
}

test(a_connection_that_is_not_to_be_used_stays_for_those_who_have_it)
{
    struct hbase_connection *old, *fresh;
    struct cluster_fixture f = {0};

    cluster_fixture_open(&f);
    const struct hbase_server server = {.host = "127.0.0.1", .port = get_port(&f)};
    check_status(hbase_cluster_connect(f.cluster, &server, HBASE_CLIENT_SERVICE, &old), STATUS_OK);
    hbase_cluster_disconnect(f.cluster, &server, HBASE_CLIENT_SERVICE);
    check_status(hbase_cluster_connect(f.cluster, &server, HBASE_CLIENT_SERVICE, &fresh),
                 STATUS_OK);
    check(old != fresh);
    check(hbase_connection_is_alive(old));
    hbase_cluster_release(f.cluster, old);
    hbase_cluster_release(f.cluster, fresh);
    cluster_fixture_close(&f);
}

test(a_server_that_cannot_be_reached_is_left_alone_for_a_moment)
{
    const struct hbase_server dead = {.host = "127.0.0.1",
                                      .port = cluster_fixture_find_dead_port()};
    struct hbase_connection *connection;
    struct stop stop = {0};
    struct hbase_cluster *cluster = cluster_fixture_make_client(NULL, 0, NULL, &stop);
    struct status first = hbase_cluster_connect(cluster, &dead, HBASE_CLIENT_SERVICE, &connection);

    check_status(first, STATUS_UNAVAILABLE);
    /* It is there now, but is not looked at yet. */
    struct fake_server *server = fake_server_open(&(struct fake_server_options){.port = dead.port});
    struct status second = hbase_cluster_connect(cluster, &dead, HBASE_CLIENT_SERVICE, &connection);
    check_status(second, STATUS_UNAVAILABLE);
    check_str(second.text, first.text);
    check_int(fake_server_count_links(server), 0);
    fake_server_close(server);
    hbase_cluster_destroy(cluster);
}

static int count_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    while (folder && readdir(folder))
        count++;
    (void)closedir(folder);
    return count;
}

enum { NSERVERS = 8 };

test(connections_of_servers_that_are_gone_do_not_pile_up)
{
    struct stop stop = {0};
    struct hbase_cluster *cluster = cluster_fixture_make_client(NULL, 0, NULL, &stop);
    struct hbase_server server = {.host = "127.0.0.1"};
    int nfiles = count_files();

    for (unsigned i = 0; i < NSERVERS; i++) {
        struct fake_server *fake = fake_server_open(&(struct fake_server_options){0});
        struct hbase_connection *connection;

        server.port = fake_server_get_port(fake);
        check_status(hbase_cluster_connect(cluster, &server, HBASE_CLIENT_SERVICE, &connection),
                     STATUS_OK);
        fake_server_close(fake);
        while (hbase_connection_is_alive(connection))
            (void)sched_yield();
        hbase_cluster_release(cluster, connection);
    }
    check(count_files() <= nfiles + 2); /* the last one is not looked at yet */
    hbase_cluster_destroy(cluster);
}

enum { NTHREADS = 8, NCALLS = 100 };

struct caller {
    struct cluster_fixture *f;
    unsigned nanswered;
};

static void *run_calls(void *arg)
{
    struct caller *caller = arg;

    for (unsigned i = 0; i < NCALLS; i++) {
        caller->nanswered += call_master(caller->f->cluster).code == STATUS_OK;
        if (i % 10 == 0) {
            const struct hbase_server server = {.host = "127.0.0.1", .port = caller->f->meta.port};
            hbase_cluster_disconnect(caller->f->cluster, &server, HBASE_MASTER_SERVICE);
        }
    }
    return NULL;
}

test(a_cluster_is_shared_by_threads)
{
    struct caller callers[NTHREADS];
    pthread_t threads[NTHREADS];
    struct cluster_fixture f = {.on_call = answer};

    cluster_fixture_open(&f);
    for (size_t i = 0; i < NTHREADS; i++) {
        callers[i] = (struct caller){.f = &f};
        check_status(thread_start("call", run_calls, &callers[i], &threads[i]), STATUS_OK);
    }
    for (size_t i = 0; i < NTHREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        check_int(callers[i].nanswered, NCALLS);
    }
    cluster_fixture_close(&f);
}
