/*
 * worker/sync_mark.h - the checkpoint of a sync: what the worker before has brought about, and how far it saw it get.
 */
#ifndef WORKER_SYNC_MARK_H
#define WORKER_SYNC_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "worker/sync.h"

struct sync_mark {
    bool is_set; /* there was a peer once; false: the sync is at its beginning */
    char tables_digest[SYNC_DIGEST_BYTES]; /* of the tables that the peer was given */
    int64_t sync_ms;                       /* as in struct sync_progress */
    int64_t checkpoint_ms;
};

enum { SYNC_MARK_BYTES = 160 };

/* checkpoint may be empty. INVALID_ARGUMENT: it is none of ours. */
struct status sync_mark_read(struct str checkpoint, struct sync_mark *ret) MUST_CHECK;

void sync_mark_write(const struct sync_mark *mark, char ret[SYNC_MARK_BYTES]);

#endif
