/*
 * gateway/task_events.h - TaskService.ListTaskEvents: the history of a task.
 */
#ifndef GATEWAY_TASK_EVENTS_H
#define GATEWAY_TASK_EVENTS_H

#include <protobuf-c/protobuf-c.h>

struct rpc_call;

/* For the table of methods (rpc/server.h). */
void task_events_list_start(struct rpc_call *call, const ProtobufCMessage *request);

#endif
