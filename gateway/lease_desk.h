/*
 * gateway/lease_desk.h - where workers wait for a job.
 *
 * Glue between the queue of those who wait, their calls, the database and the clock. A
 * waiting call leaves at once when it is cancelled, or when the gateway stops, and takes no
 * job with it: one that was leased for it meanwhile is given back.
 */
#ifndef GATEWAY_LEASE_DESK_H
#define GATEWAY_LEASE_DESK_H

#include <stdint.h>

#include "base/compiler.h"

struct lease_desk;
struct rpc_call;
struct store;
struct timers;

enum {
    LEASE_MAX_WORKER_ID_BYTES = 128,
    LEASE_MAX_WAIT_MS = 60000,
};

/* store and timers are borrowed until lease_desk_stop has returned. */
struct lease_desk *lease_desk_create(struct store *store, struct timers *timers, int64_t lease_ms)
    MUST_CHECK;

/*
 * Ends call with a job for that worker, or, when there is none for wait_ms, with a reply
 * without one. worker_id is at most LEASE_MAX_WORKER_ID_BYTES long and lives as long as the
 * call. Any thread.
 */
void lease_desk_ask(struct lease_desk *desk, struct rpc_call *call, const char *worker_id,
                    int64_t wait_ms);

/* A job may have become ready: asks for those who wait. Any thread. */
void lease_desk_wake(struct lease_desk *desk);

/*
 * Sends all away who wait or will come, as UNAVAILABLE, and waits until nothing is under
 * way. Blocks.
 */
void lease_desk_stop(struct lease_desk *desk);

/*
 * The desk was stopped, and the calls that asked and the store are gone: a last on_done may
 * outlive the stop. NULL is allowed.
 */
void lease_desk_destroy(struct lease_desk *desk);

#endif
