/*
 * hbase/pool.h - the connections of a cluster: one to each service of each server, shared by all threads.
 *
 * A connection that has died makes room for another and is closed when its last user has released it. One that could not be
 * opened is not tried again for a moment, so that threads which all want the same dead server do not each wait for it.
 */
#ifndef HBASE_POOL_H
#define HBASE_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/stop.h"
#include "hbase/cluster.h"
#include "hbase/connection.h"

struct hbase_pool;

enum {
    HBASE_POOL_MAX_SERVERS = 8192, /* services of servers that are in use at the same time */
    HBASE_POOL_REST_MS = 2000,     /* so long a server that could not be reached is left alone */
};

struct hbase_counts;

/* Borrowed until hbase_pool_destroy. */
struct hbase_pool_options {
    const struct hbase_host
        *hosts; /* hosts[0 .. nhosts): where else than by their names servers are */
    size_t nhosts;
    const char *user;
    const struct stop *stop;
    const struct hbase_counts *counts; /* as for connections */
};

struct hbase_pool *hbase_pool_create(const struct hbase_pool_options *options) MUST_CHECK;

/* All connections have been released. NULL is allowed. */
void hbase_pool_destroy(struct hbase_pool *pool);

/*
 * The connection to a service of a server, opened if there is none that is alive; to be given back by hbase_pool_release.
 * UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED; RESOURCE_EXHAUSTED: HBase names more servers than there can be. Any thread. Blocks.
 */
struct status hbase_pool_get(struct hbase_pool *pool, const struct hbase_server *server,
                             const char *service, int64_t deadline_ms,
                             struct hbase_connection **ret) MUST_CHECK;
void hbase_pool_release(struct hbase_pool *pool, struct hbase_connection *connection);

/* The next hbase_pool_get opens another connection, even if the present one seems to be alive. Any thread. */
void hbase_pool_retire(struct hbase_pool *pool, const struct hbase_server *server,
                       const char *service);

/* Where to connect for a host: what hosts says of it, or NULL. */
const char *hbase_pool_find_address(const struct hbase_pool *pool, const char *host);

#endif
