/*
 * rpc/health.h - the standard health service (grpc.io, "GRPC Health Checking Protocol").
 */
#ifndef RPC_HEALTH_H
#define RPC_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "rpc/server.h"

struct rpc_health;

/* Answers for "" and for the services; the array is copied. Owned by the caller. */
struct rpc_health *rpc_health_create(const struct rpc_service *const *services, size_t nservices)
    MUST_CHECK;

/* When no call is left. NULL is allowed. */
void rpc_health_destroy(struct rpc_health *health);

/* What is answered for all of them, at first SERVING. Watchers are told. Any thread. */
void rpc_health_set_serving(struct rpc_health *health, bool is_serving);

/* From here on NOT_SERVING is answered, whatever rpc_health_set_serving says. Watchers are told. Any thread. */
void rpc_health_leave(struct rpc_health *health);

extern const struct rpc_service rpc_health_service;

#endif
