#include <stdint.h>

#include "base/mem.h"
#include "hbase/cell.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/hex.h"

/* r1/f:q @1500000000000 = "v1", then a marker of r1/f:q @1400000000000. */
static const char golden_hex[] =
    "00 00 00 1a 00 00 00 10 00 00 00 02 00 02 72 31 01 66 71 00 00 01 5d 3e f7 98 00 04 76 31"
    "00 00 00 18 00 00 00 10 00 00 00 00 00 02 72 31 01 66 71 00 00 01 45 f6 80 b0 00 0c";

static const struct hbase_cell golden_put = {
    .row = {"r1", 2},
    .family = {"f", 1},
    .qualifier = {"q", 1},
    .value = {"v1", 2},
    .timestamp_ms = INT64_C(1500000000000),
    .type = HBASE_PUT,
};

static const struct hbase_cell golden_marker = {
    .row = {"r1", 2},
    .family = {"f", 1},
    .qualifier = {"q", 1},
    .timestamp_ms = INT64_C(1400000000000),
    .type = HBASE_DELETE_COLUMN,
};

static void check_cell(const struct hbase_cell *got, const struct hbase_cell *expected)
{
    check(str_is_equal(got->row, expected->row));
    check(str_is_equal(got->family, expected->family));
    check(str_is_equal(got->qualifier, expected->qualifier));
    check(str_is_equal(got->value, expected->value));
    check_int(got->timestamp_ms, expected->timestamp_ms);
    check_int(got->type, expected->type);
}

test(cells_are_written_as_hbase_writes_them)
{
    struct buf block = {0};

    hbase_cell_write(&block, &golden_put);
    check_int(block.len, hbase_cell_get_size_bytes(&golden_put));
    hbase_cell_write(&block, &golden_marker);
    hex_check(buf_get(&block), golden_hex);
    buf_deinit(&block);
}

test(cells_that_hbase_wrote_are_read)
{
    struct buf block = {0};
    struct hbase_cell cell;

    hex_read(golden_hex, &block);
    struct str rest = buf_get(&block);
    check_status(hbase_cell_take(&rest, &cell), STATUS_OK);
    check_cell(&cell, &golden_put);
    check_status(hbase_cell_take(&rest, &cell), STATUS_OK);
    check_cell(&cell, &golden_marker);
    check_int(rest.len, 0);
    buf_deinit(&block);
}

static void check_round_trip(const struct hbase_cell *cell)
{
    struct buf block = {0};
    struct hbase_cell got;

    hbase_cell_write(&block, cell);
    check_int(block.len, hbase_cell_get_size_bytes(cell));
    struct str rest = buf_get(&block);
    check_status(hbase_cell_take(&rest, &got), STATUS_OK);
    check_cell(&got, cell);
    check_int(rest.len, 0);
    buf_deinit(&block);
}

test(cells_of_all_types_come_back_as_they_were)
{
    static const enum hbase_cell_type types[] = {
        HBASE_PUT,           HBASE_DELETE,        HBASE_DELETE_FAMILY_VERSION,
        HBASE_DELETE_COLUMN, HBASE_DELETE_FAMILY,
    };

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct hbase_cell cell = golden_put;
        cell.type = types[i];
        check_round_trip(&cell);
    }
}

test(cells_of_odd_shapes_come_back_as_they_were)
{
    static const int64_t times_ms[] = {0, -1, 1, INT64_MIN, INT64_MAX};
    struct hbase_cell cell = golden_put;

    cell.row = str_from_bytes("\0\xff\0", 3);
    cell.qualifier = (struct str){0};
    cell.value = str_from_bytes("\xff\0", 2);
    check_round_trip(&cell);
    cell.value = (struct str){0};
    cell.family = (struct str){0};
    check_round_trip(&cell);
    for (size_t i = 0; i < ARRAY_LEN(times_ms); i++) {
        cell.timestamp_ms = times_ms[i];
        check_round_trip(&cell);
    }
}

test(cells_of_the_largest_row_and_a_mebibyte_come_back_as_they_were)
{
    enum { VALUE_BYTES = 1024 * 1024 };
    char *bytes = mem_alloc(VALUE_BYTES);
    struct hbase_cell cell = golden_put;

    memset(bytes, 0x80, VALUE_BYTES);
    cell.row = str_from_bytes(bytes, HBASE_MAX_ROW_BYTES);
    cell.family = str_from_bytes(bytes, HBASE_MAX_FAMILY_BYTES);
    cell.qualifier = str_from_bytes(bytes, 70000);
    cell.value = str_from_bytes(bytes, VALUE_BYTES);
    check_round_trip(&cell);
    mem_free(bytes);
}

test(a_cell_that_is_cut_anywhere_is_refused_and_nothing_is_taken)
{
    struct buf block = {0};

    hbase_cell_write(&block, &golden_put);
    for (size_t len = 1; len < block.len; len++) {
        char *exact = mem_alloc(len); /* so that the sanitizer sees a step beyond the end */
        struct hbase_cell cell;

        memcpy(exact, block.data, len);
        struct str rest = str_from_bytes(exact, len);
        check_status(hbase_cell_take(&rest, &cell), STATUS_DATA_LOSS);
        check_int(rest.len, len);
        mem_free(exact);
    }
    buf_deinit(&block);
}

test(a_cell_whose_lengths_lie_is_refused)
{
    static const struct {
        size_t place;
        const char *hex;
        const char *text;
    } cases[] = {
        {0, "00 00 00 1b", "a cell that HBase sent is not well formed: it is cut off"},
        {0, "ff ff ff ff", "a cell that HBase sent is not well formed: it is cut off"},
        {0, "00 00 00 13", "a cell that HBase sent is not well formed: it is too short"},
        {0, "00 00 00 19",
         "a cell that HBase sent is not well formed: the lengths of its parts do not add up"},
        {4, "00 00 00 11",
         "a cell that HBase sent is not well formed: the lengths of its parts do not add up"},
        {4, "00 00 00 0b",
         "a cell that HBase sent is not well formed: the lengths of its parts do not add up"},
        {4, "ff ff ff f0",
         "a cell that HBase sent is not well formed: the lengths of its parts do not add up"},
        {8, "ff ff ff ff",
         "a cell that HBase sent is not well formed: the lengths of its parts do not add up"},
        {12, "00 05", "a cell that HBase sent is not well formed: its row is longer than its key"},
        {12, "ff ff", "a cell that HBase sent is not well formed: its row is longer than its key"},
        {16, "03", "a cell that HBase sent is not well formed: its family is longer than its key"},
        {16, "ff", "a cell that HBase sent is not well formed: its family is longer than its key"},
        {27, "00", "a cell that HBase sent is not well formed: its type is none that there is"},
        {27, "ff", "a cell that HBase sent is not well formed: its type is none that there is"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf block = {0}, lie = {0};
        struct hbase_cell cell;

        hbase_cell_write(&block, &golden_put);
        hex_read(cases[i].hex, &lie);
        memcpy(block.data + cases[i].place, lie.data, lie.len);
        struct str rest = buf_get(&block);
        struct status st = hbase_cell_take(&rest, &cell);
        check_status(st, STATUS_DATA_LOSS);
        check_str(st.text, cases[i].text);
        buf_deinit(&block);
        buf_deinit(&lie);
    }
}

test(cells_are_in_hbases_order)
{
    static const struct hbase_cell ordered[] = {
        {.row = {"", 0}, .timestamp_ms = 1, .type = HBASE_PUT},
        {.row = {"\0", 1}, .timestamp_ms = 1, .type = HBASE_PUT},
        {.row = {"a", 1}, .timestamp_ms = 2, .type = HBASE_PUT},
        {.row = {"a", 1}, .timestamp_ms = 1, .type = HBASE_DELETE_FAMILY},
        {.row = {"a", 1}, .timestamp_ms = 1, .type = HBASE_DELETE_COLUMN},
        {.row = {"a", 1}, .timestamp_ms = 1, .type = HBASE_DELETE},
        {.row = {"a", 1}, .timestamp_ms = 1, .type = HBASE_PUT},
        {.row = {"a", 1}, .qualifier = {"q", 1}, .timestamp_ms = 9, .type = HBASE_PUT},
        {.row = {"a", 1}, .family = {"f", 1}, .timestamp_ms = 9, .type = HBASE_PUT},
        {.row = {"a\0", 2}, .timestamp_ms = 9, .type = HBASE_PUT},
        {.row = {"a\x7f", 2}, .timestamp_ms = 9, .type = HBASE_PUT},
        {.row = {"a\xff", 2}, .timestamp_ms = 9, .type = HBASE_PUT},
    };

    for (size_t i = 0; i < ARRAY_LEN(ordered); i++) {
        for (size_t j = 0; j < ARRAY_LEN(ordered); j++) {
            int order = hbase_cell_compare(&ordered[i], &ordered[j]);
            check_int((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}
