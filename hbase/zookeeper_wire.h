/*
 * hbase/zookeeper_wire.h - what travels between ZooKeeper and who reads nodes, as bytes (zookeeper.jute: ConnectRequest,
 * RequestHeader, GetDataRequest, GetChildrenRequest and their answers). Numbers are big-endian; a frame has its length in front. Pure functions.
 */
#ifndef HBASE_ZOOKEEPER_WIRE_H
#define HBASE_ZOOKEEPER_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

enum {
    ZOOKEEPER_LENGTH_BYTES = 4, /* in front of each frame */
    ZOOKEEPER_READ_ID = 1,      /* xid of each request: there is one at a time */
};

/* Append whole frames. timeout_ms: then the server forgets a session whose client is silent. */
void zookeeper_write_connect(struct buf *out, int32_t timeout_ms);
void zookeeper_write_read(struct buf *out, const char *path);
void zookeeper_write_list(struct buf *out, const char *path);
void zookeeper_write_close(struct buf *out);

/* The length of the frame behind head, ZOOKEEPER_LENGTH_BYTES long. DATA_LOSS: it is none that ZooKeeper sends. */
struct status zookeeper_read_length(const char *head, size_t *ret) MUST_CHECK;

/* These read frames without their lengths. DATA_LOSS: it is no ZooKeeper; UNAVAILABLE: it opens no session. */
struct status zookeeper_read_connected(struct str frame) MUST_CHECK;

/* What an answer is about: ZOOKEEPER_READ_ID, or something else that is to be skipped. DATA_LOSS. */
struct status zookeeper_read_id(struct str frame, int32_t *ret) MUST_CHECK;

/* The node's data, borrowed from frame. NOT_FOUND, PERMISSION_DENIED, UNAVAILABLE, DATA_LOSS. */
struct status zookeeper_read_data(struct str frame, struct str *ret) MUST_CHECK;

/* The names of a node's children, in arena. Errors as above. */
struct zookeeper_names {
    const char **names; /* names[0 .. count) */
    size_t count;
};
struct status zookeeper_read_names(struct str frame, struct arena *arena,
                                   struct zookeeper_names *ret) MUST_CHECK;

#endif
