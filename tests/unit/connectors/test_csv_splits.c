/*
 * tests/unit/connectors/test_csv_splits.c - what is read depends neither on splits nor on blocks, and the scanner that is
 * made for the processor finds what the plain one finds.
 */
#include <inttypes.h>
#include <string.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "connectors/csv/csv_plan.h"
#include "connectors/csv/csv_scan.h"
#include "tests/harness/test.h"
#include "tests/unit/connectors/csv_fixture.h"

/* Numbers that look random and are the same in each run (xorshift64). */
static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed % below;
}

static const char *const pieces[] = {
    "x",
    "y z",
    "\"",
    "\"\"",
    ",",
    "\n",
    "\r\n",
    "\r",
    "\xc3\xa9",
    "\xe4\xb8\xad",
    "\xf0\x9f\x98\x80",
    "0123456789012345678901234567890123456789012345678901234567890123456789",
};

/* A text that may hold whatever makes CSV hard. */
static void draw_text(uint64_t *seed, struct buf *ret)
{
    for (uint64_t n = draw(seed, 6); n > 0; n--)
        buf_append_text(ret, pieces[draw(seed, ARRAY_LEN(pieces))]);
}

static void append_field(uint64_t *seed, struct str text, struct buf *csv)
{
    bool needs_quotes = text.len == 0 || str_find_byte(text, ',') < text.len ||
                        str_find_byte(text, '"') < text.len ||
                        str_find_byte(text, '\n') < text.len ||
                        str_find_byte(text, '\r') < text.len;

    if (!needs_quotes && draw(seed, 2)) {
        buf_append_str(csv, text);
        return;
    }
    buf_append_char(csv, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"')
            buf_append_char(csv, '"');
        buf_append_char(csv, text.data[i]);
    }
    buf_append_char(csv, '"');
}

/* Appends a row to the file and what must be read of it to expected. */
static void draw_row(uint64_t *seed, int64_t row, struct buf *csv, struct buf *expected)
{
    struct buf text = {0};

    buf_printf(expected, "%" PRId64 ": %" PRId64, row, row);
    buf_printf(csv, "%" PRId64 ",", row);
    draw_text(seed, &text);
    if (draw(seed, 5) == 0) {
        buf_append_text(expected, " -\n");
    } else {
        append_field(seed, buf_get(&text), csv);
        buf_append_text(expected, " [");
        buf_append_str(expected, buf_get(&text));
        buf_append_text(expected, "]\n");
    }
    buf_deinit(&text);
}

static void draw_file(uint64_t *seed, struct buf *csv, struct buf *expected)
{
    int64_t nrows = (int64_t)draw(seed, 60);
    const char *line_end = draw(seed, 2) ? "\r\n" : "\n";

    if (draw(seed, 2))
        buf_append_text(csv, "\xef\xbb\xbf");
    buf_append_text(csv, "a,b");
    for (int64_t row = 2; row < nrows + 2; row++) {
        buf_append_text(csv, line_end);
        draw_row(seed, row, csv, expected);
    }
    if (draw(seed, 2))
        buf_append_text(csv, line_end);
}

/* Splits follow each other without a gap and add up to the file. */
static void check_plan(const struct plan *plan)
{
    uint64_t sum_bytes = 0;

    for (size_t i = 0; i < plan->nsplits; i++) {
        const struct split *split = &plan->splits[i];
        check(split->first < split->end);
        if (i > 0)
            check(split->first == plan->splits[i - 1].end);
        sum_bytes += split->size_bytes;
    }
    if (plan->nsplits > 0)
        check_int(sum_bytes, plan->files[0].size_bytes);
}

test(csv_reads_the_same_however_it_is_cut)
{
    struct csv_fixture fixture;
    uint64_t seed = 20260101;

    csv_fixture_open(&fixture);
    fixture.spec.has_header = true;
    for (unsigned i = 0; i < 200; i++) {
        struct buf csv = {0};
        struct buf expected = {0};
        draw_file(&seed, &csv, &expected);
        fixture.split_bytes = 0;
        fixture.block_bytes = 0;
        check(csv_fixture_reads_as(&fixture, buf_get(&csv), buf_get_text(&expected)));
        for (unsigned k = 0; k < 4; k++) {
            fixture.split_bytes = k == 0 ? 1 : 1 + draw(&seed, csv.len + 1);
            fixture.block_bytes = k == 0 ? 1 : 1 + draw(&seed, 300);
            check(csv_fixture_reads_as(&fixture, buf_get(&csv), buf_get_text(&expected)));
            check_plan(&fixture.plan);
        }
        buf_deinit(&csv);
        buf_deinit(&expected);
    }
    csv_fixture_close(&fixture);
}

test(csv_cuts_splits_at_the_first_record_that_is_far_enough)
{
    static const struct {
        uint64_t split_bytes;
        uint64_t ends[4]; /* 0 behind the last one */
    } cases[] = {
        {1, {4, 11, 15}}, {4, {4, 11, 15}}, {5, {11, 15}}, {11, {11, 15}}, {12, {15}}, {100, {15}},
    };
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    csv_fixture_write(&fixture, "x.csv", str_from("1,x\n2,\"\n\n\"\n3,z\n"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fixture.split_bytes = cases[i].split_bytes;
        check_status(csv_fixture_plan(&fixture), STATUS_OK);
        size_t n = 0;
        for (; cases[i].ends[n] && n < fixture.plan.nsplits; n++)
            check_int(fixture.plan.splits[n].end, cases[i].ends[n]);
        check_int(fixture.plan.nsplits, n);
        check_int(cases[i].ends[n], 0);
    }
    csv_fixture_close(&fixture);
}

/* Larger than the planner's blocks, so that its two ways of walking take turns. */
test(csv_plans_large_files_the_same_every_time)
{
    struct csv_fixture fixture;
    struct buf csv = {0};
    struct buf expected = {0};
    uint64_t seed = 7;

    csv_fixture_open(&fixture);
    for (int64_t row = 1; row <= 40000; row++) {
        draw_row(&seed, row, &csv, &expected);
        buf_append_char(&csv, '\n');
    }
    for (unsigned i = 0; i < 3; i++) {
        fixture.split_bytes = 100000 + 77777 * i;
        check(csv_fixture_reads_as(&fixture, buf_get(&csv), buf_get_text(&expected)));
        check(fixture.plan.nsplits > 3);
        check_plan(&fixture.plan);
    }
    buf_deinit(&csv);
    buf_deinit(&expected);
    csv_fixture_close(&fixture);
}

static void check_scanners(struct str text, char delimiter, bool is_quoted)
{
    struct csv_state native = {.is_quoted = is_quoted};
    struct csv_state portable = native;
    uint32_t *places = mem_alloc_array(2 * text.len + 1, sizeof(*places));
    size_t n = csv_scanner_native.index(text, delimiter, &native, places);

    check_int(csv_scanner_portable.index(text, delimiter, &portable, places + text.len), n);
    check(memcmp(places, places + text.len, n * sizeof(*places)) == 0);
    check(native.is_quoted == portable.is_quoted);
    check(native.has_quotes == portable.has_quotes);
    check(native.has_specials == portable.has_specials);
    mem_free(places);

    native = (struct csv_state){.is_quoted = is_quoted};
    portable = native;
    struct csv_ends ends = csv_scanner_native.count(text, &native);
    struct csv_ends plain = csv_scanner_portable.count(text, &portable);
    check_int(ends.count, plain.count);
    check(ends.count == 0 || ends.last == plain.last);
    check(native.is_quoted == portable.is_quoted);
}

test(csv_scanners_agree)
{
    static const char bytes[] = {'a', ',', '\n', '"', '\r', '\0', '\x80', '\xff', '\t', 'b', 'c'};
    char text[400];
    uint64_t seed = 99;

    for (unsigned i = 0; i < 3000; i++) {
        size_t len = draw(&seed, sizeof(text));
        uint64_t nkinds = 1 + draw(&seed, sizeof(bytes));
        for (size_t k = 0; k < len; k++)
            text[k] = bytes[draw(&seed, nkinds)];
        check_scanners(str_from_bytes(text, len), i % 3 ? ',' : '\n', i % 2 == 0);
    }
}
