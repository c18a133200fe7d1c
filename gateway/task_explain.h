/*
 * gateway/task_explain.h - ExplainTask: why a task is where it is.
 */
#ifndef GATEWAY_TASK_EXPLAIN_H
#define GATEWAY_TASK_EXPLAIN_H

#include <protobuf-c/protobuf-c.h>

struct rpc_call;

void task_explain_start(struct rpc_call *call, const ProtobufCMessage *message);

#endif
