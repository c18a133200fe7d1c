/*
 * base/watchdog.h - tells the service manager that the program is alive, for as long as its loops turn.
 *
 * A thread that must never stand still beats its pulse at each turn. The watchdog looks at all of them, and says nothing
 * when one has not moved since its last look: the manager then ends the program and starts it again.
 */
#ifndef BASE_WATCHDOG_H
#define BASE_WATCHDOG_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/status.h"

enum {
    PULSE_MS = 500, /* a thread with a pulse turns at least so often */
    WATCHDOG_MIN_MS =
        2000, /* the shortest time that a manager may ask for: two looks with a turn each */
    WATCHDOG_MAX_PULSES = 4,
};

/* Embedded in what has the thread; {0} at first. */
struct pulse {
    atomic_uint beats;
};

/* On the thread itself. */
static inline void pulse_beat(struct pulse *pulse)
{
    (void)atomic_fetch_add_explicit(&pulse->beats, 1, memory_order_relaxed);
}

struct watchdog;

/*
 * Starts a watchdog over pulses[0 .. npulses), 1 to WATCHDOG_MAX_PULSES, each borrowed until watchdog_stop. It looks twice
 * in the time that WATCHDOG_USEC gives; *ret is NULL if there is none, or it is meant for another process (WATCHDOG_PID).
 * INVALID_ARGUMENT: the variable is no time of WATCHDOG_MIN_MS or more. RESOURCE_EXHAUSTED: the system refused a thread.
 */
struct status watchdog_start(struct pulse *const *pulses, size_t npulses, struct watchdog **ret)
    MUST_CHECK;

/* NULL is allowed. */
void watchdog_stop(struct watchdog *watchdog);

#endif
