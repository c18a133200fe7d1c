#include <string.h>

#include "hbase/hbase.pb-c.h"
#include "hbase/message.h"
#include "hbase/meta_row.h"
#include "hbase/server.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/hex.h"

enum { ARENA_BYTES = 1 << 20 };

/* A region of table t1 from "b" to "d": id 5, not offline, not split. */
#define INFO "50425546 0805 120d 0a07 64656661756c74 1202 7431 1a01 62 2201 64 2800 3000 3800"
#define SPLIT_INFO "50425546 0805 120d 0a07 64656661756c74 1202 7431 1a01 62 2201 64 2801 3001 3800"
#define INVERTED_INFO "50425546 0805 120d 0a07 64656661756c74 1202 7431 1a01 62 2201 62"

/* A row of hbase:meta as a test has it; info is hexadecimal; NULL: the column is missing. */
struct row {
    const char *info;
    const char *server;
    const char *state;
};

static struct status read_row(const struct row *row, struct arena *arena,
                              struct hbase_meta_row *ret)
{
    struct buf info = {0};
    struct hbase_cell cells[4];
    size_t n = 0;

    if (row->info) {
        hex_read(row->info, &info);
        cells[n++] =
            (struct hbase_cell){.qualifier = str_from("regioninfo"), .value = buf_get(&info)};
    }
    if (row->server)
        cells[n++] =
            (struct hbase_cell){.qualifier = str_from("server"), .value = str_from(row->server)};
    cells[n++] = (struct hbase_cell){.qualifier = str_from("serverstartcode"),
                                     .value = {"\0\0\0\0\0\0\x01\0", 8}};
    if (row->state)
        cells[n++] =
            (struct hbase_cell){.qualifier = str_from("state"), .value = str_from(row->state)};
    for (size_t i = 0; i < n; i++) {
        cells[i].row = str_from("t1,b,5.");
        cells[i].family = str_from("info");
    }
    struct status st = hbase_meta_row_read(cells, n, arena, ret);
    buf_deinit(&info);
    return st;
}

test(a_row_says_what_a_region_holds_and_where_it_is)
{
    const struct row row = {INFO, "rs-1.example_x:16020", "OPEN"};
    struct arena *arena = arena_create(ARENA_BYTES);
    struct hbase_meta_row ret = {0};

    check_status(read_row(&row, arena, &ret), STATUS_OK);
    check(str_is(ret.region.name, "t1,b,5."));
    check(str_is(ret.region.start_key, "b"));
    check(str_is(ret.region.end_key, "d"));
    check_str(ret.region.server.host, "rs-1.example_x");
    check_int(ret.region.server.port, 16020);
    check_int(ret.region.server.start_code, 256);
    check(ret.is_open && !ret.is_past);
    arena_destroy(arena);
}

test(a_region_is_open_if_it_has_a_server_and_its_state_says_so)
{
    static const struct {
        struct row row;
        bool is_open;
        bool is_past;
    } cases[] = {
        {{INFO, "rs1:1", "OPEN"}, true, false},
        {{INFO, "rs1:1", NULL}, true, false},
        {{INFO, "", "OPEN"}, false, false},
        {{INFO, NULL, NULL}, false, false},
        {{INFO, "rs1:1", "OPENING"}, false, false},
        {{INFO, "rs1:1", "A_STATE_WITH_A_VERY_LONG_NAME"}, false, false},
        {{SPLIT_INFO, "rs1:1", "SPLIT"}, false, true},
    };
    struct arena *arena = arena_create(ARENA_BYTES);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hbase_meta_row ret = {0};

        check_status(read_row(&cases[i].row, arena, &ret), STATUS_OK);
        check_int(ret.is_open, cases[i].is_open);
        check_int(ret.is_past, cases[i].is_past);
    }
    arena_destroy(arena);
}

test(a_row_that_is_no_region_is_refused)
{
    static const struct row cases[] = {
        {NULL, "rs1:1", "OPEN"},          {"", "rs1:1", "OPEN"},
        {"50425546", "rs1:1", "OPEN"},    {"58425546 0805", "rs1:1", "OPEN"},
        {INVERTED_INFO, "rs1:1", "OPEN"}, {INFO, "rs1", "OPEN"},
        {INFO, "rs1:", "OPEN"},           {INFO, ":1", "OPEN"},
        {INFO, "rs1:0", "OPEN"},          {INFO, "rs1:65536", "OPEN"},
        {INFO, "rs 1:1", "OPEN"},
    };
    struct arena *arena = arena_create(ARENA_BYTES);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hbase_meta_row ret;

        check_status(read_row(&cases[i], arena, &ret), STATUS_DATA_LOSS);
    }
    arena_destroy(arena);
}

test(a_row_takes_no_more_memory_than_there_is)
{
    const struct row row = {INFO, "rs1:1", "OPEN"};
    struct arena *arena = arena_create(100);
    struct hbase_meta_row ret;

    check_status(read_row(&row, arena, &ret), STATUS_RESOURCE_EXHAUSTED);
    arena_destroy(arena);
}

/* A server whose host is n letters. */
static struct status read_host(size_t n)
{
    char text[HBASE_MAX_HOST_BYTES + 8];
    struct hbase_server server;

    memset(text, 'h', n);
    memcpy(text + n, ":1", 3);
    return hbase_server_read_text(str_from(text), &server);
}

test(a_servers_host_has_a_longest_name)
{
    check_status(read_host(HBASE_MAX_HOST_BYTES), STATUS_OK);
    check_status(read_host(HBASE_MAX_HOST_BYTES + 1), STATUS_DATA_LOSS);
}

test(a_row_has_a_longest_name_and_so_many_cells)
{
    static char name[HBASE_META_MAX_NAME_BYTES + 1];
    struct arena *arena = arena_create(ARENA_BYTES);
    struct buf info = {0};
    struct hbase_meta_row ret;
    struct hbase_cell cell = {.row = {name, sizeof(name)},
                              .family = str_from("info"),
                              .qualifier = str_from("regioninfo")};

    hex_read(INFO, &info);
    cell.value = buf_get(&info);
    check_status(hbase_meta_row_read(&cell, 1, arena, &ret), STATUS_DATA_LOSS);
    cell.row.len--;
    check_status(hbase_meta_row_read(&cell, 1, arena, &ret), STATUS_OK);
    check_status(hbase_meta_row_read(&cell, 0, arena, &ret), STATUS_DATA_LOSS);
    buf_deinit(&info);
    arena_destroy(arena);
}
