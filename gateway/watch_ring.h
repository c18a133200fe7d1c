/*
 * gateway/watch_ring.h - the last messages of all watches, in the order in which they are told.
 *
 * Messages have numbers that grow by 1. A watch knows the number of the next one that it has not looked at; what is
 * gone by then it has missed. So a watch costs no memory for what it has yet to get.
 */
#ifndef GATEWAY_WATCH_RING_H
#define GATEWAY_WATCH_RING_H

#include <stddef.h>
#include <stdint.h>

#include "gateway/watch_change.h"

struct watch_batch;

enum {
    WATCH_RING_CHANGES = 16384,
    WATCH_RING_BYTES = 32 * 1024 * 1024, /* of packed messages; the last one is kept in any case */
};

struct watch_ring {
    uint64_t first; /* the number of the oldest one that is kept */
    uint64_t end;   /* that of the next one to come */
    size_t nbytes;
    struct watch_change *changes;
    struct watch_batch **batches; /* of each change: what holds its task */
};

void watch_ring_init(struct watch_ring *ring);

/* Adds changes[0 .. nchanges), whose tasks are in arena. Takes ownership of their messages, and of arena. */
void watch_ring_add(struct watch_ring *ring, const struct watch_change *changes, size_t nchanges,
                    struct arena *arena);

/* The change of a number from first to below end; borrowed until the next watch_ring_add. */
const struct watch_change *watch_ring_get(const struct watch_ring *ring, uint64_t number);

/* Forgets the changes below number, which may be any up to the end. */
void watch_ring_drop_before(struct watch_ring *ring, uint64_t number);

/* Forgets all; the numbers go on. */
void watch_ring_clear(struct watch_ring *ring);

void watch_ring_deinit(struct watch_ring *ring);

#endif
