/*
 * gateway/watch_hub.h - where the watches of a gateway get their changes from.
 *
 * However many watches there are, one query at a time asks the database what is new, and only while there are any. What
 * it finds goes into a ring, and each watch takes from there what it is about, as fast as its client reads. A watch that
 * begins, or goes on from a cursor, first reads by itself what was before, and then joins the ring without a gap.
 */
#ifndef GATEWAY_WATCH_HUB_H
#define GATEWAY_WATCH_HUB_H

#include "base/status.h"
#include "gateway/watch_change.h"
#include "gateway/watch_cursor.h"

struct rpc_call;
struct store;
struct watch_hub;

enum {
    WATCH_HUB_MAX_WATCHES = 8000
}; /* at a time; below rpc/'s limit of calls, so that others have room */

/* store is borrowed until watch_hub_stop. RESOURCE_EXHAUSTED: the system refused a thread. */
struct status watch_hub_create(struct store *store, struct watch_hub **ret) MUST_CHECK;

/*
 * Answers call with the changes that scope takes, until it ends. Without a cursor (NULL) it is first told what there is.
 * What scope points to lives as long as the call. Any thread.
 */
void watch_hub_add(struct watch_hub *hub, struct rpc_call *call, const struct watch_scope *scope,
                   const struct watch_point *cursor);

/* A task was changed at this gateway: looks at once if there are watches. Any thread. */
void watch_hub_wake(struct watch_hub *hub);

/* Sends all away who watch or will come, as UNAVAILABLE, and waits until no query of the hub's is under way. Blocks. */
void watch_hub_stop(struct watch_hub *hub);

/* The hub was stopped, and the calls and the store are gone. NULL is allowed. */
void watch_hub_destroy(struct watch_hub *hub);

#endif
