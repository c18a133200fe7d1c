/*
 * store/store.h - Sluice's database: two lanes of pipelined connections.
 *
 * Writes go over two connections, reads over two others, so that no read waits behind a commit; one thread a lane. An
 * idle connection takes all that is queued, at most max_batch queries of each statement. A lost connection is made
 * again at once, then with backoff; queries wait for it for a moment before they fail.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/status.h"
#include "store/query.h"

struct metrics;
struct store;

enum { STORE_MAX_CONNECTIONS = 16 }; /* a lane */

/* What it points to must outlive the store. */
struct store_options {
    const char *database_url; /* libpq's form: postgresql://... or key=value */
    unsigned connections;     /* a lane, at most STORE_MAX_CONNECTIONS; 0: 2 */
    unsigned max_batch;       /* queries in one statement; 0: 128; 1: a transaction each */
    unsigned max_queued;      /* a lane; beyond it queries end as RESOURCE_EXHAUSTED; 0: 4096 */
    unsigned statement_timeout_ms;             /* 0: 15000 */
    const struct statement *const *statements; /* prepared on connect; ends with NULL */
    struct metrics *metrics;                   /* NULL: nothing is counted */
};

/*
 * Starts connecting and returns; *ret is owned by the caller. Queries may be submitted at once. INVALID_ARGUMENT:
 * database_url is none. RESOURCE_EXHAUSTED: the system refused a thread.
 */
struct status store_create(const struct store_options *options, struct store **ret) MUST_CHECK;

/* Waits until a connection of each lane is up, at most timeout_ms. Blocks. UNAVAILABLE: it is not; the text says why. */
struct status store_wait_ready(struct store *store, unsigned timeout_ms) MUST_CHECK;

/* Whether each lane has a connection now. Any thread. */
bool store_is_ready(struct store *store);

/* on_done never runs from inside. Any thread. */
void store_submit(struct store *store, struct query *query);

/*
 * For who stops and cannot wait for a database that does not answer: after delay_ms what was sent ends as if its connection were
 * lost, what is queued or comes later as UNAVAILABLE, and no connection is made any more. Any thread.
 */
void store_end_by(struct store *store, unsigned delay_ms);

/*
 * Ends what is queued as UNAVAILABLE, waits for what was sent, disconnects, frees. Blocks; nothing is submitted any
 * more but by on_done, and that of a write submits writes only. NULL is allowed.
 */
void store_destroy(struct store *store);

#endif
