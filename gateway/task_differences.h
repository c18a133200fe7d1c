/*
 * gateway/task_differences.h - ListDifferences.
 */
#ifndef GATEWAY_TASK_DIFFERENCES_H
#define GATEWAY_TASK_DIFFERENCES_H

#include <protobuf-c/protobuf-c.h>

struct rpc_call;

void task_differences_list_start(struct rpc_call *call, const ProtobufCMessage *message);

#endif
