/*
 * worker/sync.h - what the runners of an incremental sync share: the clusters, the tables and the peer's name.
 *
 * A sync is a replication peer of the source cluster: HBase's own servers ship the changes. Its runners see to it that
 * there is such a peer, that it is as it should be, and tell how far it is. All that they do may be done twice: they look
 * at what there is, and change what is otherwise.
 */
#ifndef WORKER_SYNC_H
#define WORKER_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "hbase/table.h"

struct arena;
struct hbase_cluster;
struct job_context;

enum {
    /* How long a call tries again: what a user has named wrongly is told within seconds. */
    SYNC_PATIENCE_MS = 4000,
    SYNC_PEER_ID_BYTES = 48, /* "sluice_", 32 hex digits and NUL */
    SYNC_DIGEST_BYTES = 65,  /* SHA-256 in hex digits, and NUL */
};

struct sync {
    struct job_context *context;
    struct arena *arena; /* dies with the sync */
    struct hbase_cluster *source;
    struct hbase_cluster *destination;
    char peer_id[SYNC_PEER_ID_BYTES];
    const char *destination_key;           /* as HBase's peers have it: "zk1,zk2:2181:/hbase" */
    bool has_to_create;                    /* what the destination lacks is made */
    bool is_full;                          /* the rows that there were before went first */
    const struct hbase_table_name *tables; /* tables[0 .. ntables), the same on both sides */
    size_t ntables;
    char tables_digest[SYNC_DIGEST_BYTES]; /* tells one list of tables from another */
};

/*
 * Reads what the job names and makes both clusters; nothing is connected yet. *ret is {0} before, and is to be closed by
 * sync_close, also after an error. INVALID_ARGUMENT, FAILED_PRECONDITION: the job is not right.
 */
struct status sync_open(struct job_context *context, struct sync *ret) MUST_CHECK;

/* As sync_open, for who needs the source and the peer's name alone: the rest stays NULL. */
struct status sync_open_source(struct job_context *context, struct sync *ret) MUST_CHECK;

void sync_close(struct sync *sync);

#endif
