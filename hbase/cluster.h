/*
 * hbase/cluster.h - a cluster: where its servers are, and connections to them.
 *
 * It is found through its servers' own registry (ClientMetaService, HBase 2.3 and later), or through ZooKeeper. HBase hands
 * out its servers by their own names; hosts says where those are that the resolver does not know.
 */
#ifndef HBASE_CLUSTER_H
#define HBASE_CLUSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/stop.h"
#include "hbase/connection.h"
#include "hbase/fault.h"

struct hbase_cluster;
struct metrics;

struct hbase_endpoint {
    const char *host;
    int port;
};

struct hbase_host {
    const char *name;
    const char *address;
};

/* Borrowed for the call; the cluster keeps copies. */
struct hbase_cluster_options {
    const char *name; /* for messages: the data source's */
    const struct hbase_endpoint
        *endpoints; /* endpoints[0 .. nendpoints): of the registry, or of ZooKeeper */
    size_t nendpoints;
    const char *znode; /* of ZooKeeper: "/hbase"; NULL: endpoints are masters or region servers */
    const struct hbase_host *hosts; /* hosts[0 .. nhosts) */
    size_t nhosts;
    const char *user;
    const struct stop *stop; /* kept: it must outlive the cluster */
    struct metrics *metrics; /* likewise, with HBASE_METRIC_FAMILIES; NULL: nothing is counted */
};

/* A server of HBase, as it calls itself. */
struct hbase_server {
    char host[HBASE_MAX_HOST_BYTES + 1];
    int port;
    int64_t start_code;
};

/* Who answers a call. */
enum hbase_service {
    HBASE_CLIENT_SERVICE, /* a region server: reads and writes */
    HBASE_ADMIN_SERVICE,  /* a region server: its regions and logs */
    HBASE_MASTER_SERVICE, /* the active master */
};

/* Opens nothing yet. */
struct hbase_cluster *hbase_cluster_create(const struct hbase_cluster_options *options) MUST_CHECK;

/* No call may be under way. NULL is allowed. */
void hbase_cluster_destroy(struct hbase_cluster *cluster);

const char *hbase_cluster_get_name(const struct hbase_cluster *cluster);
const char *hbase_cluster_get_user(const struct hbase_cluster *cluster);
const struct stop *hbase_cluster_get_stop(const struct hbase_cluster *cluster);

/*
 * For how long, from its beginning on, what fails for a passing reason is tried again: the one figure that decides how long
 * a cluster that does not answer is waited for. Any thread.
 */
enum { HBASE_DEFAULT_PATIENCE_MS = 60 * 1000 };
void hbase_cluster_set_patience(struct hbase_cluster *cluster, int64_t patience_ms);

/*
 * The active master, the server of hbase:meta and the cluster's id: asked for when it is not known, or was forgotten. UNAVAILABLE, with what was
 * tried at each end point; FAILED_PRECONDITION: ZooKeeper has no such node; CANCELLED. Tries once; does not pause. Any thread. Blocks.
 */
struct status hbase_cluster_find_master(struct hbase_cluster *cluster, struct hbase_server *ret)
    MUST_CHECK;
struct status hbase_cluster_find_meta(struct hbase_cluster *cluster, struct hbase_server *ret)
    MUST_CHECK;
enum { HBASE_CLUSTER_ID_BYTES = 64 };
struct status hbase_cluster_find_id(struct hbase_cluster *cluster, char ret[HBASE_CLUSTER_ID_BYTES])
    MUST_CHECK;

/*
 * A session at the cluster's ZooKeeper, for who looks at what else HBase keeps there; close it before the cluster is destroyed. *ret_znode is the
 * parent of all, borrowed. FAILED_PRECONDITION: the cluster is found in another way. UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED. Any
 * thread. Blocks.
 */
struct zookeeper;
struct status hbase_cluster_open_zookeeper(struct hbase_cluster *cluster, struct zookeeper **ret,
                                           const char **ret_znode) MUST_CHECK;

/* Forgets where master and meta are: the next find asks again. Any thread. */
void hbase_cluster_forget(struct hbase_cluster *cluster);

/*
 * A connection to a server, opened if there is none that is alive; shared by all threads, so many calls are in flight on it. It
 * stays usable until hbase_cluster_release; release each one once. UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED. A server that could
 * not be reached is not tried again for a moment. Any thread. Blocks.
 */
struct status hbase_cluster_connect(struct hbase_cluster *cluster,
                                    const struct hbase_server *server, enum hbase_service service,
                                    struct hbase_connection **ret) MUST_CHECK;
void hbase_cluster_release(struct hbase_cluster *cluster, struct hbase_connection *connection);

/* The next hbase_cluster_connect opens another connection: a server said that it is stopping. Any thread. */
void hbase_cluster_disconnect(struct hbase_cluster *cluster, const struct hbase_server *server,
                              enum hbase_service service);

/* One try of a call at a server. Returns as hbase_call_wait; no connection is a fault, too. Any thread. Blocks. */
bool hbase_cluster_try(struct hbase_cluster *cluster, const struct hbase_server *server,
                       enum hbase_service service, const struct hbase_request *request,
                       struct hbase_reply *ret, struct hbase_fault *ret_fault) MUST_CHECK;

/*
 * A call of the active master, tried again as the faults say until it is answered or the patience is used up; then the last
 * fault's status. Any thread. Blocks.
 */
struct status hbase_cluster_call_master(struct hbase_cluster *cluster,
                                        const struct hbase_request *request,
                                        struct hbase_reply *ret) MUST_CHECK;

/* Counts the tries of one thing. What gets on begins anew: the patience is for what does not. */
struct hbase_retry {
    unsigned ntries;
    int64_t deadline_ms;
};
struct hbase_retry hbase_cluster_begin_retry(const struct hbase_cluster *cluster);

/*
 * Pauses as long as the fault asks for and returns true: try again. False when another try is of no use, or there is no more
 * patience, or a stop. Blocks.
 */
bool hbase_cluster_pause(const struct hbase_cluster *cluster, struct hbase_retry *retry,
                         const struct hbase_fault *fault) MUST_CHECK;

/* What to say after hbase_cluster_pause has returned false: CANCELLED after a stop, else the fault's status. */
struct status hbase_cluster_explain(const struct hbase_cluster *cluster,
                                    const struct hbase_fault *fault) MUST_CHECK;

#endif
