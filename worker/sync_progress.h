/*
 * worker/sync_progress.h - how far a sync is, from what the source's servers report of their queues.
 *
 * A lag of 0 proves nothing: a server says so between two batches, while the peer is disabled, while it cannot reach the
 * destination yet, and while its reader sleeps, up to five minutes after a quiet time. So two things are told apart. How far
 * the sync is for certain, sync_ms: all that was written before a queue's oldest log was begun, or some seconds before its last
 * edit that was shipped, is at the destination; the queue that is furthest behind counts, and where the logs are not
 * seen nothing is certain. How far it is by the servers' own word, lag_ms: a queue has caught up when two reports, one after the
 * other, say that it has nothing to ship and that it shipped nothing in between. Pure: no clock, no calls.
 */
#ifndef WORKER_SYNC_PROGRESS_H
#define WORKER_SYNC_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hbase/peer.h"
#include "hbase/peer_logs.h"

/* All times are the source's, in milliseconds since 1970. {0} is the beginning; the first two never go back. */
struct sync_progress {
    int64_t sync_ms;       /* up to when the destination has all, for certain; 0: not known yet */
    int64_t checkpoint_ms; /* of the last edit that was shipped, at most sync_ms; 0: the same */
    int64_t lag_ms;        /* by the servers' word; -1: not known */
    int64_t queued_logs;
    bool is_caught_up; /* by the same */

    int64_t trusted_from_ms; /* reports before say nothing of idleness: the peer was disabled */
    int64_t held_until_ms;   /* a server is gone, and its queue is not seen yet */
    struct sync_queue *queues;
    size_t nqueues;
};

/* What is written gets its timestamp first, and its place in a log up to so much later. */
enum { SYNC_PROGRESS_SLACK_MS = 5000 };

/* Takes a look at the servers' reports in, and at their logs, which were read later; NULL: not known. is_enabled: the peer ships. */
void sync_progress_take(struct sync_progress *progress, const struct hbase_peer_load *load,
                        const struct hbase_peer_logs *logs, bool is_enabled);

/* Whether a queue has caught up, by the word of its server. */
bool sync_progress_is_idle(const struct sync_progress *progress, const char *server,
                           const char *id);

void sync_progress_deinit(struct sync_progress *progress);

#endif
