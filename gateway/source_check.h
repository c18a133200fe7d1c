/*
 * gateway/source_check.h - CheckDataSource, which waits for what a worker finds out, and FinishCheck, which brings it.
 */
#ifndef GATEWAY_SOURCE_CHECK_H
#define GATEWAY_SOURCE_CHECK_H

#include <protobuf-c/protobuf-c.h>

struct rpc_call;

/* The start functions of rpc_method. */
void source_check_start(struct rpc_call *call, const ProtobufCMessage *message);
void source_check_finish(struct rpc_call *call, const ProtobufCMessage *message);

#endif
