/*
 * store/retention_store.h - statements that find and remove what has been over for some days.
 *
 * What goes is found by one statement and removed by another, so that it can be written down in between; the second one
 * leaves alone what has changed meanwhile. migrations/0014_keeping.sql tells what may go.
 */
#ifndef STORE_RETENTION_STORE_H
#define STORE_RETENTION_STORE_H

#include "store/query.h"

/*
 * Takes, or keeps, what lets one gateway at a time remove things.
 *
 *     1 text   who asks
 *     2 int8   for how many milliseconds
 *
 * One row: "note/is_held", and "note/date", today in UTC as "2026-01-02".
 */
extern const struct statement retention_hold;

/*
 * Finds tasks that have been over for long, the oldest first.
 *
 *     1 int8   for how many days
 *     2 int8   how many at most
 *
 * A row each: "note/id", "note/version".
 */
extern const struct statement retention_task_find;

/*
 * Removes tasks that are as they were when they were found; others stay.
 *
 *     1 text   their ids, an array
 *     2 text   their versions, an array
 *
 * One row: "note/count", how many were removed.
 */
extern const struct statement retention_task_remove;

/*
 * Looks at the next old events in the order of all.
 *
 *     1 int8   how many days old
 *     2 int8   how many at most
 *
 * A row each: "note/task_id", "note/seq", "note/goes", and if it may go "event/" and a Pb__TaskEvent's fields.
 */
extern const struct statement retention_event_find;

/*
 * Removes events, and notes how far all were looked at.
 *
 *     1 text   the ids of their tasks, an array
 *     2 text   their sequences, an array
 *     3 int8   the last sequence that was looked at
 *
 * One row: "note/count", how many were removed.
 */
extern const struct statement retention_event_remove;

#endif
