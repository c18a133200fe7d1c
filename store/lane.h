/*
 * store/lane.h - a queue of queries, a few connections, and the thread that brings them together.
 */
#ifndef STORE_LANE_H
#define STORE_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "store/query.h"

struct lane;
struct store_options;

/* Starts the thread. options, without zeros, must outlive the lane. RESOURCE_EXHAUSTED: the system refused. */
struct status lane_create(const struct store_options *options, enum statement_lane kind,
                          struct lane **ret) MUST_CHECK;

/* Any thread. */
void lane_submit(struct lane *lane, struct query *query);

/* Waits until a connection is up, until deadline_ms by clock_get_monotonic_ms. UNAVAILABLE: none is. Blocks. */
struct status lane_wait_up(struct lane *lane, int64_t deadline_ms) MUST_CHECK;

/* Whether a connection is up now. Any thread. */
bool lane_is_up(struct lane *lane);

/* From end_ms on, by clock_get_monotonic_ms, no answer is waited for: store_end_by. Any thread. */
void lane_end_by(struct lane *lane, int64_t end_ms);

/* Ends what is queued as UNAVAILABLE, waits for what was sent, frees. Blocks. NULL is allowed. */
void lane_destroy(struct lane *lane);

#endif
