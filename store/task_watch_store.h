/*
 * store/task_watch_store.h - statements for those who watch tasks.
 *
 * A point in the history of all tasks is a snapshot: which transactions were done then. Snapshots are texts as
 * PostgreSQL writes a pg_snapshot. migrations/0006_watch.sql tells the idea.
 */
#ifndef STORE_TASK_WATCH_STORE_H
#define STORE_TASK_WATCH_STORE_H

#include "store/query.h"

/* How long it is kept that a task was deleted, and so how old a snapshot may be to go on from. */
#define TASK_WATCH_KEPT "1 day"

enum {
    TASK_WATCH_MAX_OPEN =
        256, /* transactions that a snapshot names as not done; as in the migration */
};

/*
 * The changes that were done in one snapshot and not in an earlier one.
 *
 *     1 text   only of this task; NULL: of all
 *     2 text   the earlier snapshot; NULL: none, so there are no changes
 *     3 text   the later snapshot; NULL: now
 *     4 int8   only those behind this "note/seq"
 *     5 int8   how many at most
 *     6 int8   in how many bytes of specs and labels; the first one fits in any case
 *     7 int8   when the earlier snapshot was taken, in microseconds since 1970; NULL: it is not too old
 *     8 int8   the "note/origin" of both; NULL: it is right
 *
 * A row each, in their order. If there are none, one row in which "note/seq" is NULL, and with it all but
 *
 *     note/snapshot    the later snapshot
 *     note/time        now, in microseconds since 1970
 *     note/origin      what tells databases apart whose snapshots have nothing to do with each other
 *     note/is_expired  the earlier snapshot is too old, or of another origin: nothing was read
 *     note/is_last     there are no more behind these
 *     note/is_there    there is such a task, or was when the earlier snapshot was taken; true if all are meant
 *
 * The rest is the task's columns as it is now, "event/" and a Pb__TaskEvent's fields, and "note/is_deleted": then there
 * is no event, and of the task only what filters ask for, as it was.
 */
extern const struct statement task_watch_changes;

/*
 * Tasks as they are now, in the order of "note/seq".
 *
 *     1 text   only those of these ids, an array; NULL: all
 *     2 bool   only those that run
 *     3 int8   only those behind this "note/seq"
 *     4 int8   how many at most
 *     5 int8   in how many bytes of specs and labels; the first one fits in any case
 *
 * A row each: the task's columns, "note/seq", and "note/is_last", which is false if there are more.
 */
extern const struct statement task_watch_current;

/*
 * Removes what is no longer kept of deleted tasks, and has what another cluster's numbers of transactions are on, after
 * a dump was restored, belong to the past.
 *
 *     1 int8   how many rows of each at most
 *
 * One row: "note/count", how many it was.
 */
extern const struct statement task_watch_sweep;

#endif
