/*
 * gateway/task_watch.h - WatchTask and WatchTasks: streams of what becomes of tasks.
 */
#ifndef GATEWAY_TASK_WATCH_H
#define GATEWAY_TASK_WATCH_H

#include <protobuf-c/protobuf-c.h>

struct rpc_call;

/* The start functions of rpc_method. */
void task_watch_start(struct rpc_call *call, const ProtobufCMessage *request);
void task_watch_all_start(struct rpc_call *call, const ProtobufCMessage *request);

#endif
