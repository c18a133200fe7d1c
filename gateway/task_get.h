/*
 * gateway/task_get.h - answers a call with a task and its jobs, as they are now.
 */
#ifndef GATEWAY_TASK_GET_H
#define GATEWAY_TASK_GET_H

struct op;

/* Reads the task whose id is op->name and ends the call with it, or with TASK_NOT_FOUND. */
void task_get_submit(struct op *op);

#endif
