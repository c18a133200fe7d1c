#include "gateway/watch_ring.h"

#include <assert.h>

#include "base/arena.h"
#include "base/mem.h"
#include "rpc/packed.h"

/* Changes that were added together share an arena, which goes with the last of them. */
struct watch_batch {
    struct arena *arena;
    size_t nchanges; /* that are in the ring */
};

void watch_ring_init(struct watch_ring *ring)
{
    *ring = (struct watch_ring){
        .changes = mem_alloc_array(WATCH_RING_CHANGES, sizeof(*ring->changes)),
        .batches = mem_alloc_array(WATCH_RING_CHANGES, sizeof(struct watch_batch *)),
    };
}

static void unref(struct watch_batch *batch)
{
    if (--batch->nchanges > 0)
        return;
    arena_destroy(batch->arena);
    mem_free(batch);
}

static void drop_first(struct watch_ring *ring)
{
    size_t place = ring->first++ % WATCH_RING_CHANGES;

    ring->nbytes -= rpc_packed_get_size_bytes(ring->changes[place].packed);
    rpc_packed_unref(ring->changes[place].packed);
    unref(ring->batches[place]);
}

void watch_ring_add(struct watch_ring *ring, const struct watch_change *changes, size_t nchanges,
                    struct arena *arena)
{
    struct watch_batch *batch = mem_alloc(sizeof(*batch));

    *batch = (struct watch_batch){.arena = arena, .nchanges = nchanges + 1};
    for (size_t i = 0; i < nchanges; i++) {
        size_t size_bytes = rpc_packed_get_size_bytes(changes[i].packed);
        while (ring->first < ring->end && (ring->end - ring->first == WATCH_RING_CHANGES ||
                                           ring->nbytes + size_bytes > WATCH_RING_BYTES))
            drop_first(ring);
        size_t place = ring->end++ % WATCH_RING_CHANGES;
        ring->changes[place] = changes[i];
        ring->batches[place] = batch;
        ring->nbytes += size_bytes;
    }
    unref(batch);
}

const struct watch_change *watch_ring_get(const struct watch_ring *ring, uint64_t number)
{
    assert(number >= ring->first && number < ring->end);
    return &ring->changes[number % WATCH_RING_CHANGES];
}

void watch_ring_drop_before(struct watch_ring *ring, uint64_t number)
{
    assert(number <= ring->end);
    while (ring->first < number)
        drop_first(ring);
}

void watch_ring_clear(struct watch_ring *ring)
{
    watch_ring_drop_before(ring, ring->end);
}

void watch_ring_deinit(struct watch_ring *ring)
{
    watch_ring_clear(ring);
    mem_free(ring->changes);
    mem_free(ring->batches);
}
