/*
 * store/plan_store.h - what a plan of jobs is made of.
 */
#ifndef STORE_PLAN_STORE_H
#define STORE_PLAN_STORE_H

#include "store/query.h"

/*
 * 1 text: a task's id; NULL: that of the task of a job. 2 text: the job's id, or NULL. No row: there is none. One row: the
 * task's columns without progress and addresses (store/task_store.h), "note/version" (int8), and the job's "note/role".
 */
extern const struct statement plan_base_get;

#endif
