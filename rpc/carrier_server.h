/*
 * rpc/carrier_server.h - calls that come many on one stream (rpc/carrier.proto); for server.c and call.c only.
 *
 * The stream is a call of core, and each call on it a struct rpc_call without one, which holds the stream: it is there until
 * all its calls are gone. Any thread.
 */
#ifndef RPC_CARRIER_SERVER_H
#define RPC_CARRIER_SERVER_H

#include <protobuf-c/protobuf-c.h>

#include "base/status.h"
#include "base/str.h"

struct rpc_call;
struct rpc_service;

extern const struct rpc_service rpc_carrier_service;

/* How a carried call has ended, told on its stream. details: a packed google.rpc.Status, or empty. reply: if st is OK. */
void rpc_carrier_answer(struct rpc_call *call, struct status st, struct str details,
                        const ProtobufCMessage *reply);

#endif
