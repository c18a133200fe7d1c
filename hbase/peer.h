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

/* All peers, in arena. */
struct status hbase_peer_list(struct hbase_cluster *cluster, struct arena *arena,
                              Hb__ListReplicationPeersResponse **ret) MUST_CHECK;

/* One peer, in arena. NOT_FOUND: there is no such peer. */
struct status hbase_peer_find(struct hbase_cluster *cluster, const char *id, struct arena *arena,
                              Hb__ReplicationPeerDescription **ret) MUST_CHECK;

/* Adds a peer that ships nothing yet. ALREADY_EXISTS. FAILED_PRECONDITION: the master cannot reach the peer's cluster, or it is the source itself. */
struct status hbase_peer_add_disabled(struct hbase_cluster *cluster, const char *id,
                                      const Hb__ReplicationPeer *config) MUST_CHECK;

/* Replaces the tables and the bandwidth of a peer. NOT_FOUND. */
struct status hbase_peer_update(struct hbase_cluster *cluster, const char *id,
                                const Hb__ReplicationPeer *config) MUST_CHECK;

/* It is no error if it is so already. NOT_FOUND; of remove that is no error either. */
struct status hbase_peer_enable(struct hbase_cluster *cluster, const char *id) MUST_CHECK;
struct status hbase_peer_disable(struct hbase_cluster *cluster, const char *id) MUST_CHECK;
struct status hbase_peer_remove(struct hbase_cluster *cluster, const char *id) MUST_CHECK;

/* How far the servers of a cluster have shipped to one peer, at the time of their last reports. */
struct hbase_peer_load {
    size_t nservers;     /* live ones */
    size_t nsources;     /* queues that the servers work on for the peer */
    size_t nrecovered;   /* of them, those of servers that died */
    size_t nmissing;     /* live servers that have no queue for the peer yet */
    int64_t queued_logs; /* files, those being written included */
    int64_t max_lag_ms;  /* the largest of all queues */
    int64_t
        min_shipped_ms; /* time of the last shipped edit, the smallest and the largest; 0: none shipped yet */
    int64_t max_shipped_ms;
    int64_t min_report_ms; /* time of the oldest of the servers' reports */
    bool
        is_idle; /* no queue has anything to ship: lag 0, no more than one log each, none recovered */
};
struct status hbase_peer_get_load(struct hbase_cluster *cluster, const char *id,
                                  struct hbase_peer_load *ret) MUST_CHECK;

/* Has each region server begin a new log, so that what was written before is in one that ends. */
struct status hbase_peer_roll_logs(struct hbase_cluster *cluster) MUST_CHECK;

#endif
