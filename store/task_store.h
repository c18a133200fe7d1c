/*
 * store/task_store.h - statements over table task.
 *
 * "The task's columns" are those that row_read with prefix "" puts into a Pb__Task: all fields but jobs. The
 * spec is read into the arm of the task's kind.
 */
#ifndef STORE_TASK_STORE_H
#define STORE_TASK_STORE_H

#include "store/query.h"

enum {
    TASK_LIST_MAX_BYTES = 2 * 1024 * 1024, /* of specs, labels and jobs in one answer */
    TASK_LIST_PATIENCE_MS = 20,
};

/*
 * Stores a task (PENDING) and its jobs: those of the lowest step READY, others WAITING.
 *
 *     1 text   the end of the id: 32 hex digits
 *     2 text   kind: "BULKLOAD", "FULL_MIGRATION" or "INCREMENTAL_SYNC"
 *     3 text   source, a data source's name
 *     4 text   destination, the same
 *     5 bytes  the packed spec
 *     6 text   the types that the source may have, as an array: "{FILE,HDFS}"
 *     7 text   the types that the destination may have, the same
 *     8 text   the beginning of the id: "proc-"; of a bulk import its number is put between
 *     9 text   the jobs' ids, as an array; so are
 *    10 text   their roles: "{SCHEMA,FULL}",
 *    11 text   their steps, the lowest first: "{0,1}", and
 *    12 text   their tables
 *    13 text   who creates the task
 *    14 text   the request's id, unique to it; NULL: it has none
 *    15 bool   whether nothing is to be stored
 *    16 text   display_name
 *    17 text   labels, a JSON object of texts
 *    18 int8   how many bytes a second each thread of its jobs may move; 0: no limit
 *
 * One row: the task's columns without progress, all NULL unless it was stored, and "note/outcome":
 *
 *     CREATED   stored
 *     REPEATED  the same request made a task before: "note/prior_id"
 *     REUSED    another request had that id before
 *     RACED     a request with that id is done just now: the next try tells which
 *     VALID     would be stored
 *     REFUSED   "note/source_type" and "note/destination_type" tell why: NULL if there is no such data source, else a
 *               type that may not be
 */
extern const struct statement task_create;

/*
 * A task.
 *
 *     1 text   the id
 *     2 bool   whether its jobs are wanted
 *
 * No row: there is no such task. Else a row with the task's columns, and behind it, if they are wanted, one for each job, by step
 * and id: "job/" and a Pb__Job's fields. In the rows of jobs the task's columns are NULL, and the other way round. If jobs are
 * wanted the task's progress is NULL, too: they tell it.
 */
extern const struct statement task_get;

/*
 * The newest or the oldest tasks that a filter takes.
 *
 *     1 int8   how many at most
 *     2 text   only tasks behind the place of this time, as of RFC 3339, ...
 *     3 int8   ... and this number; NULL, both: from the first
 *     4 bool   whether the oldest is the first
 *     5 text   the filter as a JSON object (migrations/0007_filter.sql, task_find)
 *     6 bool   whether their jobs are wanted
 *     7 int8   how many bytes they may have, about; the first is given in any case
 *     8 int8   for how many milliseconds to search before fewer are given
 *
 * The rows of each task are those of task_get; the first one has "note/seq", its number. Without a task there is one row, in
 * which all is NULL but what all rows have:
 *
 *     note/is_last   there are no more tasks
 *     note/last_us   if there may be, the place to go on from: its time, in microseconds since 1970, ...
 *     note/last_seq  ... and its number
 */
extern const struct statement task_list;

/*
 * Stops a task: its jobs that have not ended go to KILLED.
 *
 *     1 text   the id
 *     2 text   the states in which it is done, as an array: "{PENDING,RUNNING}"
 *     3 text   the states in which nothing is to be done, the same
 *     4 text   the state it goes to: "KILLED"
 *     5 text   who asks for it
 *     6 text   the reason; becomes the task's message; may be empty
 *     7 text   the etag that it must have; empty: any
 *
 * One row: "note/is_stale" (bool: it has another etag; nothing was done, and the rest is NULL), "note/old_state" (NULL:
 * there is no such task; if it is in neither array, nothing was done) and the task's columns as they are now.
 */
extern const struct statement task_abort;

/*
 * Takes a task up again: its jobs that failed or were killed become READY or WAITING. Parameters and rows as
 * task_abort, but for
 *
 *     6 bool   whether all that was done is forgotten: checkpoints, progress, bad rows, differences
 *
 * If the task has a delete_time, nothing was done.
 */
extern const struct statement task_retry;

/*
 * Removes a task and all that belongs to it. One whose source may have a peer of it goes to KILLED with a delete_time
 * instead, and a job of role RELEASE is made READY; if that is done, or the task is deleted once more, it is removed.
 *
 *     1 text   the id
 *     2 text   the states in which it is done, as an array
 *     3 text   who asks for it
 *     4 text   the etag that it must have; empty: any
 *
 * One row as from task_abort: the task as it was.
 */
extern const struct statement task_delete;

#endif
