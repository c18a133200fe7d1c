/*
 * gateway/task_progress.h - how far a task is, by its jobs.
 */
#ifndef GATEWAY_TASK_PROGRESS_H
#define GATEWAY_TASK_PROGRESS_H

#include "sluice/v1/task.pb-c.h"

struct arena;

/*
 * Sets task's progress from its state and its jobs, as the function task_progress of the database does where jobs do not come
 * along (migrations/0016_statements.sql). It is allocated from arena; its times and its lag are those of the jobs.
 */
void task_progress_sum(Pb__Task *task, struct arena *arena);

#endif
