#include <stdio.h>
#include <string.h>

#include "hbase/cell.h"
#include "hbase/region.h"
#include "hbase/region_cache.h"
#include "tests/harness/test.h"

static struct hbase_region make(const char *name, struct str start, struct str end, int port)
{
    return (struct hbase_region){
        .name = str_from(name),
        .start_key = start,
        .end_key = end,
        .server = {.host = "rs1", .port = port},
    };
}

static void put(struct hbase_region_cache *cache, const char *name, const char *start,
                const char *end)
{
    const struct hbase_region region = make(name, str_from(start), str_from(end), 1);

    hbase_region_cache_put(cache, &region);
}

/* The name of the row's region, "-" if it is not known. */
static const char *find(const struct hbase_region_cache *cache, const char *row, char ret[64])
{
    const struct hbase_region *region = hbase_region_cache_find(cache, str_from(row));

    (void)snprintf(ret, 64, "%.*s", region ? (int)region->name.len : 1,
                   region ? region->name.data : "-");
    return ret;
}

static void check_found(const struct hbase_region_cache *cache, const char *row,
                        const char *expected)
{
    char name[64];

    check_str(find(cache, row, name), expected);
}

test(what_is_not_known_is_not_found)
{
    struct hbase_region_cache cache = {0};

    check_found(&cache, "", "-");
    put(&cache, "d-m", "d", "m");
    check_found(&cache, "c", "-");
    check_found(&cache, "d", "d-m");
    check_found(&cache, "m", "-");
    put(&cache, "-b", "", "b");
    put(&cache, "x-", "x", "");
    check_found(&cache, "", "-b");
    check_found(&cache, "b", "-");
    check_found(&cache, "zz", "x-");
    hbase_region_cache_deinit(&cache);
}

test(keys_are_compared_as_bytes)
{
    struct hbase_region_cache cache = {0};
    const struct hbase_region low =
        make("low", (struct str){"\0", 1}, (struct str){"\x80\0", 2}, 1);
    const struct hbase_region high = make("high", (struct str){"\x80\0", 2}, (struct str){0}, 1);

    hbase_region_cache_put(&cache, &high);
    hbase_region_cache_put(&cache, &low);
    check_found(&cache, "\x7f", "low");
    check_found(&cache, "\x80", "low");
    check_found(&cache, "\x80\x01", "high");
    check_found(&cache, "\xff", "high");
    check_found(&cache, "", "-");
    hbase_region_cache_deinit(&cache);
}

test(what_a_region_covers_is_no_longer_known)
{
    static const struct {
        const char *start;
        const char *end;
        const char *kept; /* of the four regions */
    } cases[] = {
        {"", "", ""},       {"", "d", "234"}, {"d", "m", "134"}, {"c", "e", "34"},
        {"e", "f", "134"},  {"d", "", "1"},   {"c", "z", ""},    {"m", "mm", "124"},
        {"lz", "m", "134"}, {"t", "", "123"}, {"s", "t", "124"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hbase_region_cache cache = {0};
        struct buf kept = {0};

        put(&cache, "3", "m", "t");
        put(&cache, "1", "", "d");
        put(&cache, "4", "t", "");
        put(&cache, "2", "d", "m");
        put(&cache, "", cases[i].start, cases[i].end);
        check_found(&cache, cases[i].start, "");
        for (size_t j = 0; j < cache.count; j++)
            buf_append_str(&kept, cache.items[j]->name);
        check_str(buf_get_text(&kept), cases[i].kept);
        buf_deinit(&kept);
        hbase_region_cache_deinit(&cache);
    }
}

test(only_what_is_known_of_that_server_is_removed_or_moved)
{
    struct hbase_region_cache cache = {0};
    const struct hbase_region here = make("r1", (struct str){0}, str_from("d"), 1);
    const struct hbase_region there = make("r1", (struct str){0}, str_from("d"), 2);
    const struct hbase_region other = make("r2", (struct str){0}, str_from("d"), 1);

    const struct hbase_server third = {.host = "rs9", .port = 9};

    hbase_region_cache_put(&cache, &here);
    hbase_region_cache_remove(&cache, &there);
    hbase_region_cache_remove(&cache, &other);
    check_found(&cache, "a", "r1");
    hbase_region_cache_move(&cache, &there, &third);
    check_int(cache.items[0]->server.port, 1);
    hbase_region_cache_move(&cache, &here, &there.server);
    check_int(cache.items[0]->server.port, 2);
    hbase_region_cache_remove(&cache, &there);
    check_found(&cache, "a", "-");
    hbase_region_cache_deinit(&cache);
}

test(all_regions_of_a_server_are_removed)
{
    struct hbase_region_cache cache = {0};
    const struct hbase_region first = make("1", str_from("a"), str_from("b"), 1);
    const struct hbase_region second = make("2", str_from("b"), str_from("c"), 2);
    const struct hbase_region third = make("3", str_from("c"), str_from("d"), 1);

    hbase_region_cache_put(&cache, &first);
    hbase_region_cache_put(&cache, &second);
    hbase_region_cache_put(&cache, &third);
    hbase_region_cache_remove_server(&cache, &first.server);
    check_found(&cache, "a", "-");
    check_found(&cache, "b", "2");
    check_found(&cache, "c", "-");
    hbase_region_cache_deinit(&cache);
}

test(keys_are_shown_as_hbases_shell_shows_them)
{
    char text[HBASE_KEY_TEXT_BYTES], all[64];

    check_str(hbase_key_write(str_from_bytes("a\0\xff\\z", 5), text), "a\\x00\\xFF\\x5Cz");
    memset(all, 0, sizeof(all));
    check_int(strlen(hbase_key_write(str_from_bytes(all, sizeof(all)), text)),
              HBASE_KEY_TEXT_BYTES - 1);
}
