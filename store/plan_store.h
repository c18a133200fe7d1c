/*
 * store/plan_store.h - what a plan of jobs is made of, and changes of a task, which may come with a new one.
 */
#ifndef STORE_PLAN_STORE_H
#define STORE_PLAN_STORE_H

#include "store/query.h"

/*
 * 1 text: a task's id; NULL: that of the task of a job. 2 text: the job's id, or NULL. No row: there is none. One row: the
 * task's columns without progress and addresses (store/task_store.h), "note/version" (int8), and the job's "note/role".
 */
extern const struct statement plan_base_get;

/*
 * Changes what users may change of a task.
 *
 *     1 text   the id
 *     2 text   the etag that it must have; empty: any
 *     3 text   display_name; NULL: as it is
 *     4 text   labels, a JSON object of texts; NULL: as they are
 *     5 text   who asks for it
 *     6 int8   the "note/version" that the spec and the plan were made from
 *     7 bytes  the packed spec; empty: as it is
 *     8 - 11   if the spec has other tables, the jobs of the plan that follows: ids, roles, steps and tables, as
 *              task_create has them. Jobs that are in both stay as they are, but for those of the roles PEER and INCR,
 *              which their workers lose; all empty: the jobs stay as they are
 *    12 int8   how many bytes a second each thread of its jobs may move, 0: no limit; NULL: as it is
 *
 * One row: "note/outcome", DONE, NOT_FOUND, CHANGED (it has another etag), DELETING (it has a delete_time) or RACED (it
 * has another version), and if it is done "note/ready", a bool (a job may be leased at once), and the task's columns. If there is nothing to change,
 * nothing does.
 */
extern const struct statement task_update;

#endif
