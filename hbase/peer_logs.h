/*
 * hbase/peer_logs.h - the logs that a cluster's servers keep for a replication peer, as ZooKeeper has them.
 *
 * Each server notes a log there before it writes to it, and takes it away when all of it is shipped (ReplicationSourceManager:
 * preLogRoll, logPositionAndCleanOldLogs); a log's name ends with the time at which it was begun. So what was written before
 * the oldest log of all queues was begun is at the peer's cluster. HBase 2 keeps the queues so, HBase 3 in a table of its own.
 */
#ifndef HBASE_PEER_LOGS_H
#define HBASE_PEER_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "hbase/cluster.h"
#include "hbase/peer.h"

/* The logs of one queue. */
struct hbase_peer_log_queue {
    const char *server; /* as in struct hbase_peer_queue */
    const char *id;
    size_t nlogs;
    int64_t oldest_ms;  /* when the oldest was begun, by the server's clock; 0: there is none */
    bool is_one_series; /* one follows the other; false: several are written at a time (multiwal) */
};

struct hbase_peer_logs {
    const struct hbase_peer_log_queue *queues; /* queues[0 .. nqueues) */
    size_t nqueues;
};

/*
 * The queues of all servers, those of dead ones included, in arena. load is what the servers said before. FAILED_PRECONDITION: the cluster is
 * not found through ZooKeeper; NOT_FOUND: it keeps no queues there, or one was handed over this very moment; DATA_LOSS: a log has another name than
 * HBase gives; UNAVAILABLE and so on. Blocks.
 */
struct status hbase_peer_read_logs(struct hbase_cluster *cluster, const char *id,
                                   const struct hbase_peer_load *load, struct arena *arena,
                                   struct hbase_peer_logs *ret) MUST_CHECK;

/* When a log was begun, by its name. DATA_LOSS: it is none that HBase gives. Pure. */
struct status hbase_peer_log_read_name(const char *name, int64_t *ret_begin_ms) MUST_CHECK;

/*
 * Has a server ("host,port,start code") begin a new log soon, as it does each hour by itself. One try. PERMISSION_DENIED,
 * UNAVAILABLE and so on. Blocks.
 */
struct status hbase_peer_begin_log(struct hbase_cluster *cluster, const char *server) MUST_CHECK;

#endif
