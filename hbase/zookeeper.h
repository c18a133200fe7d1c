/*
 * hbase/zookeeper.h - reads nodes of ZooKeeper: as much of its protocol as looking at a cluster takes.
 *
 * A session is opened, nodes are read one after the other, the session is closed (ZooKeeper's zookeeper.jute; frames of a 4-byte
 * length, big-endian).
 */
#ifndef HBASE_ZOOKEEPER_H
#define HBASE_ZOOKEEPER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/stop.h"
#include "hbase/zookeeper_wire.h"

enum { ZOOKEEPER_MAX_NODE_BYTES = 1024 * 1024 };

/* Borrowed until zookeeper_close, but for the struct itself. */
struct zookeeper_options {
    const char *host; /* for messages */
    const char *address;
    int port;
    const struct stop *stop;
    int64_t deadline_ms; /* of all of it, by clock_get_monotonic_ms */
};

struct zookeeper;

/*
 * Opens a session. UNAVAILABLE: nobody is there, or it is no ZooKeeper, or it serves nobody now; DEADLINE_EXCEEDED; CANCELLED.
 * Blocks.
 */
struct status zookeeper_open(const struct zookeeper_options *options, struct zookeeper **ret)
    MUST_CHECK;

/* Instead of the one that it was opened with. */
void zookeeper_set_deadline(struct zookeeper *zookeeper, int64_t deadline_ms);

/* NULL is allowed. */
void zookeeper_close(struct zookeeper *zookeeper);

/*
 * Appends the data of the node path; or gives the names of its children, in arena and in no order. NOT_FOUND: there is no such node;
 * PERMISSION_DENIED; and as above. After any other error than these two the session is of no use. Blocks.
 */
struct status zookeeper_read(struct zookeeper *zookeeper, const char *path, struct buf *ret)
    MUST_CHECK;
struct status zookeeper_list(struct zookeeper *zookeeper, const char *path, struct arena *arena,
                             struct zookeeper_names *ret) MUST_CHECK;

#endif
