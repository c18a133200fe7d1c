/*
 * gateway/gateway.h - what the services of the gateway share.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct check_desk;
struct lease_desk;
struct metrics;
struct pulse;
struct rpc_server;
struct rpc_service;
struct secret_key_file;
struct store;
struct task_ends;
struct timers;
struct watch_hub;

enum {
    GATEWAY_MIN_LEASE_MS = 1000,
    GATEWAY_MAX_LEASE_MS = 600000,
    GATEWAY_NSERVICES = 3,
};

/* What rpc_call_get_self returns in the services. Constant while they run. */
struct gateway {
    struct store *store;     /* borrowed, as is the next */
    struct metrics *metrics; /* NULL: nothing is counted */
    struct timers *timers;   /* owned, as is what follows */
    struct lease_desk *desk; /* where workers wait for jobs */
    struct check_desk *check_desk;
    struct watch_hub *watches;
    struct task_ends *ends; /* NULL: without metrics */
    struct gateway_health *health;
    int64_t lease_ms;
    struct secret_key_file *secret_keys; /* borrowed; NULL: secrets are stored plain */
};

/* For rpc_server_options: their self is the struct gateway. */
extern const struct rpc_service *const gateway_services[GATEWAY_NSERVICES];

/* store is borrowed until gateway_stop, metrics, which may be NULL, until gateway_destroy. RESOURCE_EXHAUSTED: the system refused a thread. */
struct status gateway_create(struct store *store, int64_t lease_ms, struct metrics *metrics,
                             struct gateway **ret) MUST_CHECK;

/*
 * From now on the server's health is what store_is_ready says, and the file of keys is looked at. server is borrowed until
 * gateway_stop.
 */
void gateway_follow_health(struct gateway *gateway, struct rpc_server *server);

/* Beats whenever these were looked at. After gateway_follow_health; borrowed until gateway_stop. */
struct pulse *gateway_get_pulse(struct gateway *gateway);

/*
 * Sends away the workers that wait, leaves the server's health alone and ends what runs by
 * itself. Calls may go on. Blocks; comes before rpc_server_stop.
 */
void gateway_stop(struct gateway *gateway);

/* All calls and the store are gone. NULL is allowed. */
void gateway_destroy(struct gateway *gateway);

#endif
