/*
 * hbase/registry.h - finds a cluster: asks its end points, one after the other, where the active master and hbase:meta are,
 * and what its id is.
 *
 * There are two ways, each a row of a table: HBase's own servers (ClientMetaService), and ZooKeeper.
 */
#ifndef HBASE_REGISTRY_H
#define HBASE_REGISTRY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "hbase/cluster.h"
#include "hbase/pool.h"

enum {
    HBASE_FIND_MS = 8000,     /* for all end points together: users wait for what comes of it */
    HBASE_ENDPOINT_MS = 3000, /* for one of them */
};

enum hbase_place { HBASE_MASTER, HBASE_META, HBASE_CLUSTER_ID, HBASE_NPLACES };

/* What was found: a server, or the id. */
struct hbase_found {
    struct hbase_server server;
    char id[HBASE_CLUSTER_ID_BYTES];
};

struct hbase_registry {
    const struct hbase_cluster_options *options; /* borrowed as long as the registry is used */
    struct hbase_pool *pool;                     /* borrowed, too */
    atomic_size_t first;                         /* index of the end point that answered last */
};

/*
 * Asks each end point until one answers. UNAVAILABLE, with what each said; FAILED_PRECONDITION: ZooKeeper has no such node; PERMISSION_DENIED;
 * CANCELLED. Any thread. Blocks.
 */
struct status hbase_registry_find(struct hbase_registry *registry, enum hbase_place place,
                                  struct hbase_found *ret) MUST_CHECK;

/*
 * The two ways: ask one end point. The text of an error names it. FAILED_PRECONDITION and PERMISSION_DENIED: the others would
 * say the same.
 */
struct status hbase_registry_ask_server(struct hbase_registry *registry,
                                        const struct hbase_endpoint *endpoint,
                                        enum hbase_place place, int64_t deadline_ms,
                                        struct hbase_found *ret) MUST_CHECK;
struct status hbase_registry_ask_zookeeper(struct hbase_registry *registry,
                                           const struct hbase_endpoint *endpoint,
                                           enum hbase_place place, int64_t deadline_ms,
                                           struct hbase_found *ret) MUST_CHECK;

/*
 * Of a cluster that is found through ZooKeeper: a session at the first end point that opens one, and time for what is asked there;
 * or one at this end point. Errors as above. Any thread. Blocks.
 */
struct zookeeper;
struct status hbase_registry_open_session(struct hbase_registry *registry,
                                          const struct hbase_endpoint *endpoint,
                                          int64_t deadline_ms, struct zookeeper **ret) MUST_CHECK;
struct status hbase_registry_open_zookeeper(struct hbase_registry *registry, struct zookeeper **ret)
    MUST_CHECK;

#endif
