/*
 * worker/sync_stall.h - why a sync does not get on though its peer ships: told as well as it can be seen from here.
 */
#ifndef WORKER_SYNC_STALL_H
#define WORKER_SYNC_STALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "hbase/peer.h"
#include "worker/sync.h"

struct sync_progress;

/* What was seen last to move, and when by clock_get_monotonic_ms. {0} before the first look. */
struct sync_stall {
    int64_t shipped_ms;
    int64_t moved_ms;
    int64_t looked_ms;
    struct status status;
};

/*
 * OK: it gets on, or has nothing to do, or does not get on for a short while only. Otherwise the text says what is wrong. May ask the destination,
 * now and then. Blocks.
 */
struct status sync_stall_look(struct sync_stall *stall, const struct sync *sync,
                              const struct sync_progress *progress,
                              const struct hbase_peer_load *load, bool is_enabled) MUST_CHECK;

#endif
