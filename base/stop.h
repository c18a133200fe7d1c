/*
 * base/stop.h - a request to stop, seen by the threads that do long work.
 */
#ifndef BASE_STOP_H
#define BASE_STOP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* {0} is not requested. Who does long work asks at least every 100 ms, and before it blocks. */
struct stop {
    atomic_bool is_requested;
};

/* Any thread. */
static inline void stop_request(struct stop *stop)
{
    atomic_store(&stop->is_requested, true);
}

/* Any thread. */
static inline bool stop_is_requested(const struct stop *stop)
{
    return atomic_load(&stop->is_requested);
}

/* Waits for pause_ms; false as soon as a stop is requested. Blocks. */
bool stop_pause(const struct stop *stop, int64_t pause_ms);

#endif
