/*
 * tests/fuzz/fuzz_hbase_meta.c - any cell block, as a row of hbase:meta; a region that is read is found in a cache.
 */
#include <stdint.h>
#include <stdlib.h>

#include "hbase/meta_row.h"
#include "hbase/region.h"
#include "hbase/region_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_ARENA_BYTES = 1 << 20 };

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void use(const struct hbase_meta_row *row)
{
    struct hbase_region_cache cache = {0};
    char text[HBASE_KEY_TEXT_BYTES];

    require(hbase_region_has_row(&row->region, row->region.start_key));
    hbase_region_cache_put(&cache, &row->region);
    require(hbase_region_cache_find(&cache, row->region.start_key) != NULL);
    hbase_region_cache_remove(&cache, &row->region);
    require(cache.count == 0);
    hbase_region_cache_deinit(&cache);
    (void)hbase_key_write(row->region.start_key, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create(MAX_ARENA_BYTES);
    struct str block = str_from_bytes(data, size);
    struct hbase_cell cells[HBASE_META_MAX_CELLS];
    struct hbase_meta_row row;
    size_t n = 0;

    while (n < HBASE_META_MAX_CELLS && block.len > 0 &&
           hbase_cell_take(&block, &cells[n]).code == STATUS_OK)
        n++;
    if (hbase_meta_row_read(cells, n, arena, &row).code == STATUS_OK)
        use(&row);
    arena_destroy(arena);
    return 0;
}
