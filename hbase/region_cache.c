#include "hbase/region_cache.h"

#include <string.h>

#include "base/mem.h"
#include "hbase/cell.h"
#include "hbase/region.h"
#include "hbase/server.h"

void hbase_region_cache_deinit(struct hbase_region_cache *cache)
{
    for (size_t i = 0; i < cache->count; i++)
        mem_free(cache->items[i]);
    mem_free(cache->items);
    *cache = (struct hbase_region_cache){0};
}

/* How many regions begin at row or before. */
static size_t count_up_to(const struct hbase_region_cache *cache, struct str row)
{
    size_t low = 0, high = cache->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (hbase_bytes_compare(cache->items[middle]->start_key, row) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct hbase_region *hbase_region_cache_find(const struct hbase_region_cache *cache,
                                                   struct str row)
{
    size_t n = count_up_to(cache, row);

    return n > 0 && hbase_region_ends_behind(cache->items[n - 1], row) ? cache->items[n - 1] : NULL;
}

static struct str copy_text(char **at, struct str text)
{
    struct str copied = str_from_bytes(*at, text.len);

    if (text.len > 0)
        memcpy(*at, text.data, text.len);
    *at += text.len;
    return copied;
}

static struct hbase_region *copy(const struct hbase_region *region)
{
    struct hbase_region *copied =
        mem_alloc(sizeof(*copied) + region->name.len + region->start_key.len + region->end_key.len);
    char *at = (char *)(copied + 1);

    copied->name = copy_text(&at, region->name);
    copied->start_key = copy_text(&at, region->start_key);
    copied->end_key = copy_text(&at, region->end_key);
    copied->server = region->server;
    return copied;
}

/* Puts region, or nothing if it is NULL, in the place of items[from .. to). */
static void replace(struct hbase_region_cache *cache, size_t from, size_t to,
                    struct hbase_region *region)
{
    size_t nnew = region ? 1 : 0;

    if (from == to && cache->count == cache->size) {
        cache->size = cache->size ? 2 * cache->size : 16;
        cache->items = mem_realloc_array(cache->items, cache->size, sizeof(struct hbase_region *));
    }
    for (size_t i = from; i < to; i++)
        mem_free(cache->items[i]);
    memmove(cache->items + from + nnew, cache->items + to,
            (cache->count - to) * sizeof(struct hbase_region *));
    if (region)
        cache->items[from] = region;
    cache->count = cache->count - (to - from) + nnew;
}

void hbase_region_cache_put(struct hbase_region_cache *cache, const struct hbase_region *region)
{
    size_t from = count_up_to(cache, region->start_key), to = from;

    if (from > 0 && hbase_region_ends_behind(cache->items[from - 1], region->start_key))
        from--;
    while (to < cache->count && hbase_region_ends_behind(region, cache->items[to]->start_key))
        to++;
    replace(cache, from, to, copy(region));
}

/* The index of the region as it is told, or count. */
static size_t find_same(const struct hbase_region_cache *cache, const struct hbase_region *region)
{
    size_t n = count_up_to(cache, region->start_key);

    if (n == 0 || !str_is_equal(cache->items[n - 1]->name, region->name) ||
        !hbase_server_is_same_place(&cache->items[n - 1]->server, &region->server))
        return cache->count;
    return n - 1;
}

void hbase_region_cache_remove(struct hbase_region_cache *cache, const struct hbase_region *region)
{
    size_t i = find_same(cache, region);

    if (i < cache->count)
        replace(cache, i, i + 1, NULL);
}

void hbase_region_cache_move(struct hbase_region_cache *cache, const struct hbase_region *region,
                             const struct hbase_server *to)
{
    size_t i = find_same(cache, region);

    if (i < cache->count)
        cache->items[i]->server = *to;
}

void hbase_region_cache_remove_server(struct hbase_region_cache *cache,
                                      const struct hbase_server *server)
{
    size_t nkept = 0;

    for (size_t i = 0; i < cache->count; i++) {
        if (hbase_server_is_same_place(&cache->items[i]->server, server))
            mem_free(cache->items[i]);
        else
            cache->items[nkept++] = cache->items[i];
    }
    cache->count = nkept;
}
