/*
 * worker/sync_progress.h - how far a sync is, from what the source's servers report of their queues.
 *
 * A lag of 0 proves nothing by itself: a server says so between two batches, and always while the peer is disabled. So a
 * queue has caught up when two reports, one after the other, say that it has nothing to ship and that it shipped nothing
 * in between; then all that was written before the first of them is there. Otherwise it is as far as the last edit that it
 * shipped. The sync is as far as the queue that is furthest behind. Pure: no clock, no calls.
 */
#ifndef WORKER_SYNC_PROGRESS_H
#define WORKER_SYNC_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hbase/peer.h"

/* All times are the source's, in milliseconds since 1970. {0} is the beginning; the first two never go back. */
struct sync_progress {
    int64_t sync_ms;       /* up to when the destination has all; 0: not known yet */
    int64_t checkpoint_ms; /* of the last edit that was shipped, at most sync_ms; 0: the same */
    int64_t lag_ms;        /* -1: not known */
    int64_t queued_logs;
    bool is_caught_up;

    int64_t trusted_from_ms; /* reports before say nothing of idleness: the peer was disabled */
    int64_t held_until_ms;   /* a server is gone, and its queue is not seen yet */
    struct sync_queue *queues;
    size_t nqueues;
};

/* Takes a look at the servers' reports in. is_enabled: the peer ships. */
void sync_progress_take(struct sync_progress *progress, const struct hbase_peer_load *load,
                        bool is_enabled);

void sync_progress_deinit(struct sync_progress *progress);

#endif
