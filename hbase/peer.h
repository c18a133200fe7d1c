/*
 * hbase/peer.h - replication peers of a cluster, and how far its servers have shipped.
 */
#ifndef HBASE_PEER_H
#define HBASE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "hbase/cluster.h"
#include "hbase/hbase.pb-c.h"

/* One peer, in arena. NOT_FOUND: there is no such peer. */
struct status hbase_peer_find(struct hbase_cluster *cluster, const char *id, struct arena *arena,
                              Hb__ReplicationPeerDescription **ret) MUST_CHECK;

/*
 * Adds a peer that ships nothing yet. ALREADY_EXISTS. FAILED_PRECONDITION: the master cannot reach the peer's cluster, or that is the
 * source itself.
 */
struct status hbase_peer_add_disabled(struct hbase_cluster *cluster, const char *id,
                                      const Hb__ReplicationPeer *config) MUST_CHECK;

/*
 * Replaces the configuration of a peer, which began as what hbase_peer_find gave: HBase does not let clusterkey and end point be changed, and
 * keeps entries of configuration that are not named. NOT_FOUND.
 */
struct status hbase_peer_update(struct hbase_cluster *cluster, const char *id,
                                const Hb__ReplicationPeer *config) MUST_CHECK;

/* It is no error if it is so already. NOT_FOUND; of remove that is no error either. */
struct status hbase_peer_enable(struct hbase_cluster *cluster, const char *id) MUST_CHECK;
struct status hbase_peer_disable(struct hbase_cluster *cluster, const char *id) MUST_CHECK;
struct status hbase_peer_remove(struct hbase_cluster *cluster, const char *id) MUST_CHECK;

/* A queue of logs that a server works on for a peer, as its last report to the master has it. */
struct hbase_peer_queue {
    const char *server; /* "host,port,start code" */
    const char *
        id; /* tells the queues of a server apart; "" of one that has nothing else to tell (before 2.3) */
    bool is_recovered; /* it was that of a server that died */
    int64_t nlogs;     /* files, the one that is being written included */
    int64_t lag_ms;
    int64_t
        shipped_ms; /* when the last edit that was shipped was written; 0: none was since the server started */
    int64_t report_ms; /* when the server told this, by its own clock */
};

/* How far the servers of a cluster have shipped to one peer. */
struct hbase_peer_load {
    const struct hbase_peer_queue *queues; /* queues[0 .. nqueues) */
    size_t nqueues;
    size_t nservers;         /* live ones */
    const char *idle_server; /* a live server without a queue for the peer; NULL: all have one */
    int64_t report_ms;       /* of the oldest of the servers' reports; 0: there is no server */
};

/* In arena, as old as the servers' reports. No peer of this id: no queues. Blocks. */
struct status hbase_peer_read_load(struct hbase_cluster *cluster, const char *id,
                                   struct arena *arena, struct hbase_peer_load *ret) MUST_CHECK;

#endif
