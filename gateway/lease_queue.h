/*
 * gateway/lease_queue.h - workers that wait for a job: who asks the database next, and who
 * has waited enough.
 *
 * Waiters share their questions. One question is under way at a time, asked for those
 * who came first, at most LEASE_QUEUE_MAX_ASKERS; "no job" answers all who were there when it
 * began. So what waiting costs does not grow with the number of workers: a question a second,
 * and one whenever a job may have become ready.
 *
 * Pure: no locks, no clock, no I/O. Points in time are milliseconds of one clock that never
 * jumps.
 */
#ifndef GATEWAY_LEASE_QUEUE_H
#define GATEWAY_LEASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/list.h"

enum {
    LEASE_QUEUE_POLL_MS =
        1000, /* for jobs that became ready without a wake: elsewhere, or as time passed */
    LEASE_QUEUE_MAX_WAITERS = 4096,
    LEASE_QUEUE_MAX_ASKERS = 128, /* for whom one question asks, for a job each */
    LEASE_QUEUE_NEVER = -1,
};

/* One who waits; embedded in the object that does. Its link is {0} while it is in no queue. */
struct lease_waiter {
    struct list link;
    int64_t deadline_ms; /* not answered "no job" before this */
    uint64_t arrival;    /* how many questions had begun when it came */
    unsigned place;      /* in the question under way, from 1; 0: it does not ask for this one */
};

struct lease_queue {
    struct list waiters; /* in the order of arrival */
    size_t nwaiters;
    uint64_t nquestions;  /* begun so far; the number of the last one */
    uint64_t last_no;     /* the number of the last question that was answered "no job" */
    bool is_asking;       /* question nquestions is under way */
    bool is_woken;        /* a job may have become ready since the last question began */
    unsigned nasked;      /* for so many does the question under way ask */
    int64_t next_poll_ms; /* when to ask without being woken */
};

void lease_queue_init(struct lease_queue *queue);

/* Adds a waiter; its deadline_ms is set. False: there are LEASE_QUEUE_MAX_WAITERS. */
bool lease_queue_add(struct lease_queue *queue, struct lease_waiter *waiter) MUST_CHECK;

/* Takes a waiter out. Returns whether it was in the queue. */
bool lease_queue_remove(struct lease_queue *queue, struct lease_waiter *waiter);

/* A job may have become ready. */
void lease_queue_wake(struct lease_queue *queue);

/* If it is time for a question, begins one and returns true: the first nasked waiters are those whom it is for. */
bool lease_queue_begin(struct lease_queue *queue, int64_t now_ms);

/*
 * The question under way brought a job for the waiter at a place, from 1. Takes it out and returns it, or returns NULL if it
 * has left: the job must be given back then. Places are asked for in their order.
 */
struct lease_waiter *lease_queue_take_asker(struct lease_queue *queue, unsigned place);

/* The question under way is over. It brought a job for each whom it was for, or was not for jobs: there may be more. */
void lease_queue_end_with_more(struct lease_queue *queue);

/* The question under way is over. Whom it was for and is still there is answered "no job", as are all behind them. */
void lease_queue_end_with_none(struct lease_queue *queue, int64_t now_ms);

/* The question under way failed. Moves all whom it was to answer to the end of ret_failed. */
void lease_queue_end_with_failure(struct lease_queue *queue, int64_t now_ms,
                                  struct list *ret_failed);

/*
 * Moves those who have waited until their deadline, and were answered "no job" in vain, to
 * the end of ret_expired.
 */
void lease_queue_take_expired(struct lease_queue *queue, int64_t now_ms, struct list *ret_expired);

/*
 * After how many milliseconds begin or take_expired has something to do by itself;
 * LEASE_QUEUE_NEVER: not at all.
 */
int64_t lease_queue_get_delay_ms(const struct lease_queue *queue, int64_t now_ms);

#endif
