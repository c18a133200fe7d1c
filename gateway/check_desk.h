/*
 * gateway/check_desk.h - where calls wait for what a worker finds out about a data source.
 *
 * The worker may speak to another gateway, so the result comes through the database. All who wait here are looked up
 * together, five times a second, and at once when a result came in at this gateway.
 */
#ifndef GATEWAY_CHECK_DESK_H
#define GATEWAY_CHECK_DESK_H

#include <stdbool.h>

#include "base/list.h"
#include "base/status.h"
#include "rpc/call.h"
#include "store/query.h"

struct check_desk;
struct pg_result;
struct timers;

enum { CHECK_DESK_MAX_WAITS = 256 };

enum check_wait_state {
    CHECK_WAIT_NEW,     /* not at the desk yet */
    CHECK_WAIT_WAITING, /* at the desk */
    CHECK_WAIT_LEFT,    /* on_end runs, or has run */
};

/* One that waits; embedded in the call's operation. */
struct check_wait {
    /* Set before check_desk_wait. */
    const char *id; /* the check's */
    struct rpc_call *call;
    /*
     * Runs once, on a store thread, a loop thread or the caller's of check_desk_stop, and must not block; from then on
     * the wait is not touched. rows is what check_poll brought if it is no more WAITING. Without rows: st is CANCELLED
     * (the call was cancelled, or the gateway stops) or what the store said.
     */
    void (*on_end)(struct check_wait *wait, struct status st, const struct pg_result *rows);

    struct list link; /* the rest is the desk's */
    struct list errand;
    struct check_desk *desk;
    struct rpc_cancel cancel;
    struct query query;
    enum check_wait_state state;
    bool is_asking;    /* its query is under way */
    bool is_cancelled; /* ... and is all that it waits for */
};

/* store and timers are borrowed; timers are gone before check_desk_destroy. */
struct check_desk *check_desk_create(struct store *store, struct timers *timers) MUST_CHECK;

/* Waits until the check has ended. RESOURCE_EXHAUSTED, CANCELLED: it does not; on_end will not run. Any thread. */
struct status check_desk_wait(struct check_desk *desk, struct check_wait *wait) MUST_CHECK;

/* A result may have come in. Any thread. */
void check_desk_look(struct check_desk *desk);

/* Sends all away who wait or will come. Any thread. */
void check_desk_stop(struct check_desk *desk);

/* The calls and the store are gone. NULL is allowed. */
void check_desk_destroy(struct check_desk *desk);

#endif
