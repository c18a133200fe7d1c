/*
 * gateway/task_list.h - TaskService.ListTasks: pages of the tasks that a filter takes.
 */
#ifndef GATEWAY_TASK_LIST_H
#define GATEWAY_TASK_LIST_H

#include <protobuf-c/protobuf-c.h>

struct rpc_call;

/* For the table of methods (rpc/server.h). */
void task_list_start(struct rpc_call *call, const ProtobufCMessage *request);

#endif
