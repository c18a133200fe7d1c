/*
 * worker/sync_tables.h - the tables of a sync on both sides: what keeps the source's changes from getting in.
 *
 * A change of a table or a family that the destination lacks is tried again by the source's servers for ever, and all that
 * is behind it waits. So the definitions are compared before anything is shipped, and now and then from then on.
 */
#ifndef WORKER_SYNC_TABLES_H
#define WORKER_SYNC_TABLES_H

#include "base/buf.h"
#include "base/status.h"
#include "hbase/hbase.pb-c.h"
#include "worker/sync.h"

/* The definitions on both sides, [0 .. ntables) as in struct sync; NULL: there is no such table. */
struct sync_tables {
    Hb__TableSchema **source;
    Hb__TableSchema **destination;
};

/* In arena. Blocks. */
struct status sync_tables_read(const struct sync *sync, struct arena *arena,
                               struct sync_tables *ret) MUST_CHECK;

/*
 * Makes families at the destination that the source has and it lacks, if the sync makes what is missing. tables is as it was read,
 * and is read anew after a change. Blocks.
 */
struct status sync_tables_follow(const struct sync *sync, struct arena *arena,
                                 struct sync_tables *tables) MUST_CHECK;

/*
 * Has the source note for replication what is written to the families that the destination has, too (REPLICATION_SCOPE). Appends to
 * ret_late, with ", " between, the families for which it did not do so yet, as "t1:f". Blocks.
 */
struct status sync_tables_set_scopes(const struct sync *sync, const struct sync_tables *tables,
                                     struct arena *arena, struct buf *ret_late) MUST_CHECK;

/*
 * FAILED_PRECONDITION: a table or a family is missing, or the destination takes no rows or keeps fewer versions. The text names
 * the first such table and what to do. Pure.
 */
struct status sync_tables_check(const struct sync *sync, const struct sync_tables *tables)
    MUST_CHECK;

/* Whether all tables of the destination are enabled: a question for each, so only asked when there is a reason. Blocks. */
struct status sync_tables_check_enabled(const struct sync *sync) MUST_CHECK;

#endif
