/*
 * gateway/watch.h - what the hub and its watches know of each other; for watch_hub.c and watch.c only.
 *
 * A watch is in one state at a time, under the hub's lock. Who makes it WATCH_OVER is the one who ends its call, once
 * the lock is free. Messages are sent under the lock: that calls nobody back, and so nobody sends on a call that another
 * thread has just ended.
 */
#ifndef GATEWAY_WATCH_H
#define GATEWAY_WATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/timers.h"
#include "gateway/fault.h"
#include "gateway/watch_page.h"
#include "gateway/watch_ring.h"
#include "rpc/call.h"
#include "store/query.h"

struct rpc_packed;
struct store;

enum {
    WATCH_QUERY_TIMEOUT_MS = 10000,
    WATCH_PAGE_CHANGES = 64,           /* that a watch reads by itself at a time */
    WATCH_PAGE_BYTES = 32 * 1024,      /* of their specs and labels, unless one is larger */
    WATCH_MAX_PAGES_BYTES = 256 << 20, /* of what all watches have read and not sent */
    WATCH_ARENA_BYTES = 64 << 20,      /* for unpacking an answer of the database */
};

enum watch_state {
    WATCH_NEW,     /* not with the hub yet */
    WATCH_WAITING, /* for a round of the hub that began after it came */
    WATCH_IDLE,    /* has looked at all that is in the ring */
    WATCH_DUE,     /* in the hub's list due: there is something to look at */
    WATCH_SENDING, /* a message is on its way */
    WATCH_READING, /* its query is under way */
    WATCH_OVER,    /* somebody ends the call, or has */
};

/* What it sends from. */
enum watch_phase {
    WATCH_REST,     /* the changes up to the snapshot that its cursor is before */
    WATCH_CURRENT,  /* the tasks that there are */
    WATCH_CATCH_UP, /* the changes up to the snapshot that the ring goes on from at number */
    WATCH_FOLLOW,   /* the ring, from number on */
};

/* In the arena of its call. */
struct watch {
    struct watch_hub *hub;
    struct rpc_call *call;
    struct watch_scope scope;
    struct rpc_cancel cancel;
    struct rpc_send send;
    struct query query;
    struct watch_question question;

    enum watch_state
        state; /* under the hub's lock, as is all below; but while it is READING that is the query's */
    enum watch_phase phase;
    struct list all; /* in the hub's list of that name, until it is over */
    struct list due;
    uint64_t round;    /* WAITING: for this one */
    bool is_resumed;   /* it came with a cursor */
    bool is_leaving;   /* READING: to be ended when the answer is there, */
    enum fault leaves; /* with that */
    struct status st;  /* what to end with if there is no fault */

    struct watch_point point;
    uint64_t number;
    bool has_number;  /* it goes on from there, in this phase or a later one */
    int64_t last_seq; /* CURRENT: of the last task that was read */
    bool is_whole;    /* nothing more to read in this phase */
    bool is_last;     /* the task is deleted: nothing comes after the page */

    struct rpc_packed *page[WATCH_PAGE_CHANGES]; /* page[next_sent .. npage) is yet to be sent */
    unsigned npage;
    unsigned next_sent;
    size_t page_bytes; /* that the hub has counted for it */
};

struct watch_hub {
    struct store *store;
    struct timers *timers; /* its thread is the hub's own */
    struct timer timer;

    /* The query under way, and what it is about. */
    struct query query;
    struct watch_question question;
    struct buf ids; /* of the tasks whose progress is asked for */

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    struct list all; /* watches that are not over */
    struct list due;
    unsigned nwatches;
    unsigned nwatches_of_all; /* those that are not about one task */
    size_t pages_bytes;
    struct watch_ring ring;
    struct watch_point point;    /* that the ring's end has come to; {0}: nobody watches */
    struct watch_point boundary; /* the last one that was not between two snapshots, */
    uint64_t boundary_number;    /* and what comes behind it in the ring */
    uint64_t nrounds_begun;
    uint64_t nrounds_done;
    bool is_asking;
    bool is_woken;
    bool is_stopping;
    int64_t round_ms; /* when the last round began, by the process's clock; the others likewise */
    int64_t progress_ms;
    int64_t sweep_ms;
    int64_t lonely_ms;       /* since when nobody watches */
    int64_t retry_ms;        /* no query before */
    int64_t progress_seq;    /* up to where tasks were asked for their progress */
    struct watch_seen *seen; /* what progress was told last */
};

/* Has a waiting watch begin; the hub is at a boundary. The lock is held, as for all that follows. */
void watch_begin(struct watch *watch, struct list *ending);

/* Goes on with a watch that is DUE, or whose message was sent or query answered. */
void watch_advance(struct watch *watch, struct list *ending);

/* Makes it WATCH_OVER, in the list ending, with a fault, or, FAULT_NFAULTS, with watch->st. */
void watch_take(struct watch *watch, enum fault fault, struct list *ending);

/* As watch_take, now or when its query has come back. */
void watch_dismiss(struct watch *watch, enum fault fault, struct list *ending);

/* Ends the calls of all that are in the list. The lock is not held. */
void watch_end_all(struct list *ending);

/* Fills in what a new watch has to have. */
void watch_init(struct watch *watch);

#endif
