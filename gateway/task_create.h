/*
 * gateway/task_create.h - TaskService.CreateTask: from what a user asks for to a task with
 * jobs.
 */
#ifndef GATEWAY_TASK_CREATE_H
#define GATEWAY_TASK_CREATE_H

#include <protobuf-c/protobuf-c.h>

struct rpc_call;

/* For the table of methods (rpc/server.h). */
void task_create_start(struct rpc_call *call, const ProtobufCMessage *request);

#endif
