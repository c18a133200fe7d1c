/*
 * gateway/services.h - the services, a file each; their self is a struct gateway.
 */
#ifndef GATEWAY_SERVICES_H
#define GATEWAY_SERVICES_H

#include "rpc/server.h"

extern const struct rpc_service task_service;
extern const struct rpc_service data_source_service;
extern const struct rpc_service worker_service;

#endif
