/*
 * hbase/zookeeper.h - reads nodes of ZooKeeper: as much of its protocol as finding a cluster takes.
 *
 * A session is opened, one node is read, the session is closed (ZooKeeper's zookeeper.jute: ConnectRequest, GetDataRequest;
 * frames of a 4-byte length, big-endian).
 */
#ifndef HBASE_ZOOKEEPER_H
#define HBASE_ZOOKEEPER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/stop.h"

enum { ZOOKEEPER_MAX_NODE_BYTES = 1024 * 1024 };

struct zookeeper_options {
    const char *host; /* for messages */
    const char *address;
    int port;
    const struct stop *stop;
    int64_t deadline_ms; /* by clock_get_monotonic_ms */
};

/*
 * Appends the data of the node path. NOT_FOUND: there is no such node; PERMISSION_DENIED; UNAVAILABLE: nobody is there, or it is no ZooKeeper, or it
 * serves nobody now; DEADLINE_EXCEEDED; CANCELLED. Blocks.
 */
struct status zookeeper_read(const struct zookeeper_options *options, const char *path,
                             struct buf *ret) MUST_CHECK;

#endif
