/*
 * gateway/task_parts.h - what belongs to a task, listed page by page: its events, its bad rows, its differences.
 */
#ifndef GATEWAY_TASK_PARTS_H
#define GATEWAY_TASK_PARTS_H

#include <protobuf-c/protobuf-c.h>

struct rpc_call;

/* For the table of methods (rpc/server.h). */
void task_parts_list_events(struct rpc_call *call, const ProtobufCMessage *request);
void task_parts_list_bad_rows(struct rpc_call *call, const ProtobufCMessage *request);
void task_parts_list_differences(struct rpc_call *call, const ProtobufCMessage *request);

#endif
