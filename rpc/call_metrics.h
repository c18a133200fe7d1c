/*
 * rpc/call_metrics.h - what a server counts of its calls. For server.c and call.c; the families are for programs' lists.
 */
#ifndef RPC_CALL_METRICS_H
#define RPC_CALL_METRICS_H

#include <stdint.h>

#include "base/metrics.h"
#include "base/status.h"

struct rpc_call_metrics;
struct rpc_route;

extern const struct metric_family rpc_calls_total;
extern const struct metric_family rpc_call_duration_seconds;
extern const struct metric_family rpc_calls_running;
extern const struct metric_family rpc_connections_cut_total;

#define RPC_METRIC_FAMILIES \
    &rpc_calls_total, &rpc_call_duration_seconds, &rpc_calls_running, &rpc_connections_cut_total

/* For calls of routes[0 .. nroutes), borrowed until the destruction. NULL if metrics is NULL, which the others take. */
struct rpc_call_metrics *rpc_call_metrics_create(struct metrics *metrics,
                                                 const struct rpc_route *routes, size_t nroutes)
    MUST_CHECK;
void rpc_call_metrics_destroy(struct rpc_call_metrics *metrics);

/* A call begins; returns when, for the end. Any thread. */
int64_t rpc_call_metrics_begin(struct rpc_call_metrics *metrics);

/* The call of begin_us ends. route is NULL for a path that is not known; reason is ErrorInfo's, or NULL. Any thread. */
void rpc_call_metrics_end(struct rpc_call_metrics *metrics, const struct rpc_route *route,
                          enum status_code code, const char *reason, int64_t begin_us);

#endif
