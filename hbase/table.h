/*
 * hbase/table.h - a table: its regions, and where they are.
 *
 * The regions are read from hbase:meta when they are first needed, and again when a server says that one is elsewhere. A
 * table is shared by the threads of a job.
 */
#ifndef HBASE_TABLE_H
#define HBASE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "hbase/cluster.h"

struct hbase_table;

/* "t1" and "default:t1" are one; namespace is never empty. Borrowed. */
struct hbase_table_name {
    const char *namespace;
    const char *qualifier;
};

enum {
    HBASE_TABLE_NAME_BYTES = 512, /* namespace, colon, qualifier, NUL: each at most 255 bytes */
    HBASE_MAX_REGIONS = 200000,   /* of one table */
};

/* "t1" for the namespace default, else "ns:t1": how HBase writes it. */
void hbase_table_name_write(const struct hbase_table_name *name, char ret[HBASE_TABLE_NAME_BYTES]);

/* One region: [start_key, end_key), empty is open. In the arena that was passed. */
struct hbase_region {
    struct str name; /* the key of its row in hbase:meta, which is what servers call it */
    struct str start_key;
    struct str end_key;
    struct hbase_server server;
};

/* cluster must outlive the table. Reads nothing yet. */
struct hbase_table *hbase_table_create(struct hbase_cluster *cluster,
                                       const struct hbase_table_name *name) MUST_CHECK;
void hbase_table_destroy(struct hbase_table *table); /* NULL is allowed */

struct hbase_cluster *hbase_table_get_cluster(const struct hbase_table *table);
const char *hbase_table_get_text(const struct hbase_table *table); /* as hbase_table_name_write */

/*
 * The region that has row; what is known, or read now. NOT_FOUND: there is no such table; FAILED_PRECONDITION: it is disabled.
 * UNAVAILABLE: the region is between two servers, or hbase:meta does not answer; CANCELLED. Tries once. Any thread. Blocks.
 */
struct status hbase_table_locate(struct hbase_table *table, struct str row, struct arena *arena,
                                 struct hbase_region *ret) MUST_CHECK;

/*
 * All regions, read anew from hbase:meta, in order and without holes: *ret[0 .. *ret_count), in arena. Tries again while some are
 * in transition, until the cluster's patience is used up. NOT_FOUND: there is no such table; FAILED_PRECONDITION: it is disabled;
 * RESOURCE_EXHAUSTED: they do not fit into arena. Blocks.
 */
struct status hbase_table_list_regions(struct hbase_table *table, struct arena *arena,
                                       const struct hbase_region **ret, size_t *ret_count)
    MUST_CHECK;

/*
 * What a fault of a call at region means for what is known: the region is elsewhere, all regions of its server are, or nothing.
 * Any thread.
 */
void hbase_table_take_fault(struct hbase_table *table, const struct hbase_region *region,
                            const struct hbase_fault *fault);

#endif
