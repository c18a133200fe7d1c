/*
 * store/explain_store.h - the statement that finds what a task waits for.
 */
#ifndef STORE_EXPLAIN_STORE_H
#define STORE_EXPLAIN_STORE_H

#include "store/query.h"

enum { EXPLAIN_MAX_COUNT = 1000 }; /* jobs elsewhere are counted up to so many */

/*
 * Reads a task and its jobs that have not ended, or failed.
 *
 *     1 text   the task's id
 *     2 int8   how many jobs at most
 *
 * A row for each job, in the order of steps; if there is none, one whose job's columns are NULL. No row: there is no such
 * task. Of the task: the fields id and state of a Pb__TaskExplanation, "note/message", "note/is_deleted" (0 or 1),
 * "note/capability" (what a worker needs for its jobs), "note/leasable" and "note/running" (how many jobs of that
 * capability, of all tasks, may be leased now or run). Of the job, after "told/": the fields id, role, table and next_time
 * of a Pb__JobExplanation; "note/job_state", "note/job_message", "note/worker_id", "note/attempt", "note/left_ms" (until
 * lease_end_time; negative: it has passed), "note/earlier" (jobs of earlier steps that are not done).
 */
extern const struct statement task_explain;

#endif
