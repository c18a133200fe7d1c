#include "hbase/region.h"

#include <stdio.h>
#include <string.h>

#include "hbase/cell.h"

enum {
    SHOWN_KEY_BYTES = 40,
    SHOWN_BYTE_BYTES = 4, /* "\x00" */
};
static_assert(SHOWN_KEY_BYTES * SHOWN_BYTE_BYTES + sizeof("...") <= HBASE_KEY_TEXT_BYTES,
              "room for a key of odd bytes");

bool hbase_region_ends_behind(const struct hbase_region *region, struct str row)
{
    return region->end_key.len == 0 || hbase_bytes_compare(row, region->end_key) < 0;
}

bool hbase_region_has_row(const struct hbase_region *region, struct str row)
{
    return hbase_bytes_compare(region->start_key, row) <= 0 &&
           hbase_region_ends_behind(region, row);
}

struct status hbase_region_copy_text(struct str text, struct arena *arena, struct str *ret)
{
    char *to = arena_try_alloc(arena, text.len);

    if (!to)
        return status_error(STATUS_RESOURCE_EXHAUSTED,
                            "the regions take more memory than is allowed");
    if (text.len > 0)
        memcpy(to, text.data, text.len);
    *ret = str_from_bytes(to, text.len);
    return status_ok();
}

struct status hbase_region_copy(const struct hbase_region *region, struct arena *arena,
                                struct hbase_region *ret)
{
    struct hbase_region copied = {.server = region->server};
    struct status st = hbase_region_copy_text(region->name, arena, &copied.name);

    if (st.code == STATUS_OK)
        st = hbase_region_copy_text(region->start_key, arena, &copied.start_key);
    if (st.code == STATUS_OK)
        st = hbase_region_copy_text(region->end_key, arena, &copied.end_key);
    if (st.code == STATUS_OK)
        *ret = copied;
    return st;
}

const char *hbase_key_write(struct str key, char ret[HBASE_KEY_TEXT_BYTES])
{
    char *at = ret;

    for (size_t i = 0; i < key.len && i < SHOWN_KEY_BYTES; i++) {
        if (key.data[i] >= ' ' && key.data[i] <= '~' && key.data[i] != '\\')
            *at++ = key.data[i];
        else
            at += snprintf(at, SHOWN_BYTE_BYTES + 1, "\\x%02X", (unsigned char)key.data[i]);
    }
    (void)snprintf(at, sizeof("..."), "%s", key.len > SHOWN_KEY_BYTES ? "..." : "");
    return ret;
}
