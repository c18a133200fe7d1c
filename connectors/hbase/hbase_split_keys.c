#include "connectors/hbase/hbase_split_keys.h"

#include <stdlib.h>

#include "hbase/cell.h"

static int compare(const void *left, const void *right)
{
    return hbase_bytes_compare(*(const struct str *)left, *(const struct str *)right);
}

static size_t count_regions(uint64_t size_bytes)
{
    uint64_t n = size_bytes / HBASE_SPLIT_REGION_BYTES + 1;

    return n < HBASE_SPLIT_MAX_REGIONS ? (size_t)n : HBASE_SPLIT_MAX_REGIONS;
}

void hbase_split_keys_choose(struct str *keys, size_t nkeys, uint64_t size_bytes,
                             struct arena *arena, struct str **ret, size_t *ret_count)
{
    size_t nregions = count_regions(size_bytes), count = 0;
    struct str *chosen = arena_alloc(arena, nregions * sizeof(*chosen));

    if (nkeys > 0)
        qsort(keys, nkeys, sizeof(*keys), compare);
    for (size_t i = 1; i < nregions && nkeys > 0; i++) {
        struct str key = keys[i * nkeys / nregions];

        /* A region that begins with the first key would leave the one before it empty. */
        if (compare(&key, count > 0 ? &chosen[count - 1] : &keys[0]) > 0)
            chosen[count++] = key;
    }
    *ret = chosen;
    *ret_count = count;
}
