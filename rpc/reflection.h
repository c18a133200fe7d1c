/*
 * rpc/reflection.h - the standard reflection service, which tells clients what they can call.
 *
 * v1 and v1alpha differ in their names alone, so one method with the messages of v1 serves both.
 * Follows grpc.github.io, "GRPC Server Reflection Protocol"; a file always comes with all that it
 * imports, also if the stream has brought that before.
 */
#ifndef RPC_REFLECTION_H
#define RPC_REFLECTION_H

#include <protobuf-c/protobuf-c.h>

#include "rpc/server.h"

struct rpc_reflection;

/* services[0 .. nservices) are listed besides health and reflection. Owned by the caller. */
struct rpc_reflection *rpc_reflection_create(const struct rpc_service *const *services,
                                             size_t nservices) MUST_CHECK;

/* When no call is left. NULL is allowed. */
void rpc_reflection_destroy(struct rpc_reflection *reflection);

enum { RPC_REFLECTION_NSERVICES = 2 };

/* The services that the method is offered in, and what it reads. */
extern const char *const rpc_reflection_services[RPC_REFLECTION_NSERVICES];
extern const struct rpc_method rpc_reflection_method;
extern const ProtobufCMessageDescriptor *const rpc_reflection_input;

#endif
