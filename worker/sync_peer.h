/*
 * worker/sync_peer.h - the replication peer of a sync: as it should be, and as it is.
 *
 * Who disabled a peer, Sluice or a person, is told by a note that Sluice keeps among the peer's own settings: it is there
 * as long as Sluice means the peer to stand still. So nothing that a person does is undone, whichever worker looks next.
 */
#ifndef WORKER_SYNC_PEER_H
#define WORKER_SYNC_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "hbase/hbase.pb-c.h"
#include "worker/sync.h"

/* The peer as the source has it, in arena. NOT_FOUND: there is none. Blocks. */
struct status sync_peer_find(const struct sync *sync, struct arena *arena,
                             Hb__ReplicationPeerDescription **ret) MUST_CHECK;

bool sync_peer_is_enabled(const Hb__ReplicationPeerDescription *peer);

/* Whether Sluice has it stand still, or is about to. */
bool sync_peer_is_held(const Hb__ReplicationPeerDescription *peer);

bool sync_peer_has_tables(const struct sync *sync, const Hb__ReplicationPeerDescription *peer);

/*
 * FAILED_PRECONDITION: somebody has changed what Sluice does not change in a peer that it has made: its destination, its end point, or
 * that it ships the tables of its list alone. The text says what to do. Pure.
 */
struct status sync_peer_check(const struct sync *sync, const Hb__ReplicationPeerDescription *peer)
    MUST_CHECK;

/* Adds the peer, which is held. One that is there already, since an answer got lost, stays as it is. Blocks. */
struct status sync_peer_add(const struct sync *sync, int64_t bytes_per_second) MUST_CHECK;

/* Gives the peer the sync's tables. Blocks. */
struct status sync_peer_set_tables(const struct sync *sync,
                                   const Hb__ReplicationPeerDescription *peer) MUST_CHECK;

/* How many bytes a second each of the source's servers may ship; 0: no limit. Blocks. */
struct status sync_peer_set_bandwidth(const struct sync *sync,
                                      const Hb__ReplicationPeerDescription *peer,
                                      int64_t bytes_per_second) MUST_CHECK;

/* Has the peer ship, or stand still, and notes which. May be repeated at any point. Blocks. */
struct status sync_peer_release(const struct sync *sync, const Hb__ReplicationPeerDescription *peer)
    MUST_CHECK;
struct status sync_peer_hold(const struct sync *sync, const Hb__ReplicationPeerDescription *peer)
    MUST_CHECK;

#endif
