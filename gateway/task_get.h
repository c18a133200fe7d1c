/*
 * gateway/task_get.h - answers a call with a task as it is now.
 */
#ifndef GATEWAY_TASK_GET_H
#define GATEWAY_TASK_GET_H

#include <stdbool.h>

struct op;

/* Reads the task whose id is op->name, with its jobs or without, and ends the call with it, or with TASK_NOT_FOUND. */
void task_get_submit(struct op *op, bool with_jobs);

#endif
