/*
 * gateway/lease_desk.h - where workers wait for a job.
 *
 * Glue between the queue of those who wait, their calls, the database and the clock. A
 * waiting call leaves at once when it is cancelled, or when the gateway stops, and takes no
 * job with it: one that was leased for it meanwhile is given back.
 *
 * Those who can do the same wait in one queue and share their questions; "no job" answers
 * nobody else.
 */
#ifndef GATEWAY_LEASE_DESK_H
#define GATEWAY_LEASE_DESK_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/str.h"

struct lease_desk;
struct lease_wish;
struct rpc_call;
struct store;
struct timers;
struct watch_hub;

enum { LEASE_MAX_SETS = 64 }; /* different sets of capabilities that are waited with */

/* store, timers and watches, which are told of leases, are borrowed until lease_desk_stop has returned. */
struct lease_desk *lease_desk_create(struct store *store, struct timers *timers,
                                     struct watch_hub *watches, int64_t lease_ms) MUST_CHECK;

/*
 * Ends call with a job that such a worker can do, or, when there is none for as long as it waits, with a reply without one.
 * wish lives as long as the call. Any thread.
 */
void lease_desk_ask(struct lease_desk *desk, struct rpc_call *call, const struct lease_wish *wish);

/* How many workers wait here that can do jobs of that capability. Any thread. */
size_t lease_desk_count(struct lease_desk *desk, struct str capability);

/* A job may have become ready: asks for all who wait. Any thread. */
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
