/*
 * base/timers.h - functions that run at a later time, on one thread.
 */
#ifndef BASE_TIMERS_H
#define BASE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct timers;

/* What waits for a point in time; embedded in the object that waits. Zeroed before first use. */
struct timer {
    /* Runs on the timer thread, must not block; may set this or other timers. */
    void (*on_fire)(struct timer *timer);
    int64_t deadline_ms; /* by clock_get_monotonic_ms; the rest is for timers.c */
    size_t place;        /* index in the heap, from 1; 0: not set */
};

struct status timers_create(struct timers **ret) MUST_CHECK;

/* Waits for a function that runs now; those not yet due never run. NULL is allowed. */
void timers_destroy(struct timers *timers);

/* Has on_fire run once, delay_ms from now; if the timer is set already, at the new time instead. Any thread. */
void timers_set(struct timers *timers, struct timer *timer, int64_t delay_ms);

/*
 * Returns true if the timer was set and now never fires; false if it was not set, or has been
 * taken up: its on_fire runs, or has run. Any thread.
 */
bool timers_cancel(struct timers *timers, struct timer *timer);

#endif
