/*
 * store/connection.h - one pipelined connection: made without blocking, made again when it is lost.
 *
 * All of it belongs to one thread, which waits by epoll. A connection takes batches, each with a sync of its own, and
 * gives them back in its list "done" after the sync, or when it is lost.
 */
#ifndef STORE_CONNECTION_H
#define STORE_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/status.h"
#include "store/query.h"

struct query_batch;
struct lane_metrics;
struct pg_conn;

enum connection_state {
    CONNECTION_DOWN,       /* none; the next attempt is due at retry_ms */
    CONNECTION_CONNECTING, /* libpq is at it */
    CONNECTION_PREPARING,  /* settings and statements were sent */
    CONNECTION_UP,         /* takes batches */
};

/* What all connections of a lane share; outlives them. */
struct connection_settings {
    const char *database_url;
    const char *lane_name;
    enum statement_lane lane;
    unsigned statement_timeout_ms;
    const struct statement *const *statements;
    const struct lane_metrics *counts;
    int epoll_fd; /* where a connection puts its socket, with itself as data.ptr */
};

/* Sets a session; $1 is the limit on a statement in ms, $2 whether it only reads. */
extern const char connection_settings_sql[];

struct connection {
    const struct connection_settings *settings;
    enum connection_state state;
    struct pg_conn *pg; /* not NULL unless DOWN */
    int fd;             /* in the epoll set, or -1 */
    uint32_t events;    /* what fd is watched for */
    struct list sent;   /* batches that wait for their sync, in order */
    struct list done;   /* batches for the lane to take */
    size_t nsent;
    int64_t up_ms;    /* UP: since when */
    int64_t retry_ms; /* DOWN: when to try */
    int64_t
        deadline_ms; /* else: by when something must have arrived; INT64_MAX: nothing is awaited */
    int64_t backoff_ms; /* before the attempt after the next one */
    unsigned nfailures; /* attempts in a row that failed */
    struct status st;   /* why it is not up */
};

void connection_init(struct connection *connection, const struct connection_settings *settings);

/* Disconnects. What was sent and not answered is in done, lost. */
void connection_deinit(struct connection *connection);

/* Goes on after its socket became readable or writable. */
void connection_step(struct connection *connection, int64_t now_ms);

/* Does what is due at this time: connects, or gives up waiting. */
void connection_tick(struct connection *connection, int64_t now_ms);

/* Gives up its connection, whatever is under way on it. */
void connection_give_up(struct connection *connection, int64_t now_ms);

/* When connection_tick is due next; INT64_MAX: no time. */
int64_t connection_get_due_ms(const struct connection *connection);

/*
 * Sends a batch over a connection that is UP; params are the batch's parameters in binary form. Takes ownership of
 * batch if it returns true. False: the connection was lost before; nothing of the batch was executed.
 */
bool connection_send(struct connection *connection, struct query_batch *batch,
                     const struct buf *params, int64_t now_ms);

#endif
