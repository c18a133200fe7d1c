/*
 * gateway/task_update.h - TaskService.UpdateTask, and labels as the store takes them.
 */
#ifndef GATEWAY_TASK_UPDATE_H
#define GATEWAY_TASK_UPDATE_H

#include "sluice/v1/task.pb-c.h"

struct arena;
struct rpc_call;

/* The labels of a task as a JSON object, from arena. Of two with the same key the last counts. */
const char *task_labels_write(const Pb__Task *task, struct arena *arena);

/* For the table of methods (rpc/server.h). */
void task_update_start(struct rpc_call *call, const ProtobufCMessage *request);

#endif
