/*
 * base/hash.h - FNV-1a, 64 bits (draft-eastlake-fnv): for differences by accident and for tables of what nobody chose; whoever
 * wants two texts with one hash finds them.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define HASH_EMPTY UINT64_C(0xcbf29ce484222325)

/* The hash of what hash is of, and bytes behind it. */
static inline uint64_t hash_add(uint64_t hash, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static inline uint64_t hash_make(struct str bytes)
{
    return hash_add(HASH_EMPTY, bytes);
}

#endif
