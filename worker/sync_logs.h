/*
 * worker/sync_logs.h - looks at the logs that the source's servers keep for a sync, and has idle servers begin new ones.
 *
 * Only that a log is gone proves that all of it was shipped (hbase/peer_logs.h). A server that writes little keeps its log for an
 * hour; so one that has nothing to ship, as it says, and one log only, is asked for a new one, now and then.
 */
#ifndef WORKER_SYNC_LOGS_H
#define WORKER_SYNC_LOGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "hbase/peer.h"
#include "hbase/peer_logs.h"
#include "worker/sync.h"

struct sync_progress;

/* {0} at the beginning; times are those of clock_get_monotonic_ms. */
struct sync_logs {
    int64_t look_due_ms;
    int64_t renew_due_ms;
    bool was_seen; /* the last look succeeded */
};

/*
 * The queues' logs, in arena, after load was read; NULL: it is not time to look, or they cannot be seen. What goes wrong is logged, once,
 * for then nothing is proven, and that is all. Blocks.
 */
const struct hbase_peer_logs *sync_logs_look(struct sync_logs *logs, const struct sync *sync,
                                             const struct hbase_peer_load *load,
                                             struct arena *arena) MUST_CHECK;

/* Asks the servers whose queues are idle for new logs, if it is time to. seen is what sync_logs_look gave; may be NULL. Blocks. */
void sync_logs_renew(struct sync_logs *logs, const struct sync *sync,
                     const struct sync_progress *progress, const struct hbase_peer_logs *seen);

#endif
