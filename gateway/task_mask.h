/*
 * gateway/task_mask.h - tasks as clients may see them: without the secrets in their specs.
 */
#ifndef GATEWAY_TASK_MASK_H
#define GATEWAY_TASK_MASK_H

#include "sluice/v1/task.pb-c.h"

struct arena;

/* Has task show "***" in the place of secrets. What changes is allocated from arena; its old spec stays as it is. */
void task_mask(Pb__Task *task, struct arena *arena);

#endif
