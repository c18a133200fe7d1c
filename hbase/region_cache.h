/*
 * hbase/region_cache.h - the regions of a table that are known, by start key. They never overlap: one that is put in takes
 * the place of all that it covers, which were split or merged.
 */
#ifndef HBASE_REGION_CACHE_H
#define HBASE_REGION_CACHE_H

#include <stddef.h>

#include "hbase/table.h"

/* {0} is empty. */
struct hbase_region_cache {
    struct hbase_region **items; /* items[0 .. count), in order; each in one block with its texts */
    size_t count;
    size_t size;
};

void hbase_region_cache_deinit(struct hbase_region_cache *cache);

/* The region that has row, borrowed until the cache changes, or NULL. */
const struct hbase_region *hbase_region_cache_find(const struct hbase_region_cache *cache,
                                                   struct str row);

/* Keeps a copy. */
void hbase_region_cache_put(struct hbase_region_cache *cache, const struct hbase_region *region);

/* These do nothing unless the region is known by this name and at the same server: else it is newer than what is told. */
void hbase_region_cache_remove(struct hbase_region_cache *cache, const struct hbase_region *region);
void hbase_region_cache_move(struct hbase_region_cache *cache, const struct hbase_region *region,
                             const struct hbase_server *to);

void hbase_region_cache_remove_server(struct hbase_region_cache *cache,
                                      const struct hbase_server *server);

#endif
