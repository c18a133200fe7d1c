/*
 * connectors/postgres/wait.h - waiting for a server so that a request to stop is seen.
 */
#ifndef CONNECTORS_POSTGRES_WAIT_H
#define CONNECTORS_POSTGRES_WAIT_H

#include <stdint.h>

#include "base/status.h"
#include "base/stop.h"

/* CANCELLED: stop was requested. */
struct status pg_check_stop(const struct stop *stop) MUST_CHECK;

/*
 * Waits until one of events (POLLIN, POLLOUT) is there on fd; *ret_events has them.
 * deadline_ms is of the monotonic clock; 0: none. CANCELLED: stop was requested.
 * DEADLINE_EXCEEDED.
 */
struct status pg_wait(int fd, short events, const struct stop *stop, int64_t deadline_ms,
                      short *ret_events) MUST_CHECK;

/* Sleeps. CANCELLED: stop was requested. */
struct status pg_wait_ms(int64_t delay_ms, const struct stop *stop) MUST_CHECK;

#endif
