/*
 * tests/unit/worker/test_verify_rows.c - two tables as texts, and what is told of how they differ.
 *
 * A cell is "row/family:qualifier@timestamp=value"; cells are in HBase's order, with spaces between.
 */
#include "worker/verify_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "tests/harness/test.h"

struct text_cells {
    struct verify_cells cells;
    struct str rest;
    struct hbase_cell cell;
    struct status error; /* instead of the end */
};

static struct status next_cell(struct verify_cells *cells, const struct hbase_cell **ret)
{
    struct text_cells *text = container_of(cells, struct text_cells, cells);

    if (text->rest.len == 0) {
        *ret = NULL;
        return text->error;
    }
    struct str rest = str_cut(&text->rest, ' ');
    text->cell.row = str_cut(&rest, '/');
    text->cell.family = str_cut(&rest, ':');
    text->cell.qualifier = str_cut(&rest, '@');
    text->cell.timestamp_ms = strtoll(rest.data, NULL, 10);
    (void)str_cut(&rest, '=');
    text->cell.value = rest;
    text->cell.type = HBASE_PUT;
    *ret = &text->cell;
    return status_ok();
}

/* Writes what is told into a text: "missing f:q@5=v, extra f:q@3=w". */
struct teller {
    struct verify_sink sink;
    struct buf text;
    struct buf lacking;
    struct verify_mark last;
};

static void tell(struct verify_sink *sink, const struct verify_difference *difference)
{
    static const char *const names[] = {"?", "missing", "extra", "value", "timestamp"};
    struct teller *teller = container_of(sink, struct teller, sink);

    buf_printf(&teller->text, "%s%s %.*s:%.*s", teller->text.len > 0 ? ", " : "",
               names[difference->type], (int)difference->family.len, difference->family.data,
               (int)difference->qualifier.len, difference->qualifier.data);
    for (int side = 0; side < VERIFY_NSIDES; side++) {
        if (difference->timestamps_ms[side] > 0)
            buf_printf(&teller->text, "@%" PRId64 "=%.*s", difference->timestamps_ms[side],
                       (int)difference->values[side].len, difference->values[side].data);
    }
    teller->last = difference->mark;
}

static struct status note_lacking(struct verify_sink *sink, const struct hbase_cell *cell)
{
    struct teller *teller = container_of(sink, struct teller, sink);

    buf_printf(&teller->lacking, "%s%.*s@%" PRId64 "=%.*s", teller->lacking.len > 0 ? " " : "",
               (int)cell->qualifier.len, cell->qualifier.data, cell->timestamp_ms,
               (int)cell->value.len, cell->value.data);
    return status_ok();
}

/* A comparison of two texts. */
struct comparison {
    struct text_cells texts[VERIFY_NSIDES];
    struct teller teller;
    struct verify_rows *rows;
};

static const struct verify_family keeps_all = {{"f", 1}, INT32_MAX, 0, INT64_MAX};

/* families may be NULL: all is kept. */
static void comparison_open(struct comparison *comparison, const char *source,
                            const char *destination, const struct verify_families *families,
                            bool has_values)
{
    static const struct verify_families all = {&keeps_all, 1};

    *comparison = (struct comparison){
        .texts = {{.cells.next = next_cell, .rest = str_from(source)},
                  {.cells.next = next_cell, .rest = str_from(destination)}},
        .teller = {.sink.on_difference = tell},
    };
    struct verify_rows_options options = {
        .cells = {&comparison->texts[0].cells, &comparison->texts[1].cells},
        .families = {families ? &families[0] : &all, families ? &families[1] : &all},
        .has_values = has_values,
        .now_ms = 1000000,
        .sink = &comparison->teller.sink,
        .on_lacking = note_lacking,
    };
    comparison->rows = verify_rows_create(&options);
}

static void comparison_close(struct comparison *comparison)
{
    verify_rows_destroy(comparison->rows);
    buf_deinit(&comparison->teller.text);
    buf_deinit(&comparison->teller.lacking);
}

/* Compares all rows; the text tells their differences, row after row. */
static const char *compare(struct comparison *comparison)
{
    struct verify_row row;
    bool is_end = false;

    for (;;) {
        check_status(verify_rows_next(comparison->rows, &row, &is_end), STATUS_OK);
        if (is_end)
            return buf_get_text(&comparison->teller.text);
    }
}

struct pair {
    const char *source;
    const char *destination;
    const char *expected;
};

static void check_pairs(const struct pair *pairs, size_t npairs,
                        const struct verify_families *families, bool has_values)
{
    for (size_t i = 0; i < npairs; i++) {
        struct comparison comparison;

        comparison_open(&comparison, pairs[i].source, pairs[i].destination, families, has_values);
        check_str(compare(&comparison), pairs[i].expected);
        comparison_close(&comparison);
    }
}

test(cells_are_missing_extra_or_changed)
{
    static const struct pair pairs[] = {
        {"", "", ""},
        {"r/f:a@5=v", "r/f:a@5=v", ""},
        {"r/f:a@5=v", "", "missing f:a@5=v"},
        {"", "r/f:a@5=v", "extra f:a@5=v"},
        {"r/f:a@5=v", "r/f:a@5=w", "value f:a@5=v@5=w"},
        {"r/f:a@5=v", "r/f:a@6=v", "timestamp f:a@5=v@6=v"},
        {"r/f:a@5=v", "r/f:a@6=w", "missing f:a@5=v, extra f:a@6=w"},
        {"r/f:a@5=v", "r/f:b@5=v", "missing f:a@5=v, extra f:b@5=v"},
        {"r/f:a@5=v", "r/g:a@5=v", "missing f:a@5=v, extra g:a@5=v"},
        {"r/f:a@5=v", "s/f:a@5=v", "missing f:a@5=v, extra f:a@5=v"},
        {"r/f:@5=", "r/f:@5=", ""},
        {"r/f:@5=", "r/f:@5=x", "value f:@5=@5=x"},
        {"r/f:@5= r/f:a@5=", "r/f:a@5=", "missing f:@5="},
        {"r/f:a@5=v rr/f:a@5=v", "rr/f:a@5=v", "missing f:a@5=v"},
        {"a/f:a@5=v c/f:a@5=v", "b/f:a@5=v d/f:a@5=v",
         "missing f:a@5=v, extra f:a@5=v, missing f:a@5=v, extra f:a@5=v"},
        {"r/f:a@5=v r/f:b@5=v r/g:a@5=v", "r/f:a@5=v r/g:a@5=v", "missing f:b@5=v"},
    };

    check_pairs(pairs, ARRAY_LEN(pairs), NULL, true);
}

test(cells_with_one_value_are_paired_once_and_within_their_column)
{
    static const struct pair pairs[] = {
        {"r/f:a@9=v r/f:a@5=v", "r/f:a@7=v", "timestamp f:a@9=v@7=v, missing f:a@5=v"},
        {"r/f:a@9=v r/f:a@5=w", "r/f:a@8=w r/f:a@4=v",
         "timestamp f:a@9=v@4=v, timestamp f:a@5=w@8=w"},
        {"r/f:a@9=v r/f:a@5=v", "r/f:a@5=v", "missing f:a@9=v"},
        {"r/f:a@5=v", "r/f:b@6=v", "missing f:a@5=v, extra f:b@6=v"},
        {"r/f:a@5=v s/f:a@5=v", "r/f:a@6=v s/f:a@5=v", "timestamp f:a@5=v@6=v"},
    };

    check_pairs(pairs, ARRAY_LEN(pairs), NULL, true);
}

test(without_values_only_keys_are_compared)
{
    static const struct pair pairs[] = {
        {"r/f:a@5=v", "r/f:a@5=w", ""},
        {"r/f:a@5=v", "r/f:a@6=v", "missing f:a@5=, extra f:a@6="},
    };

    check_pairs(pairs, ARRAY_LEN(pairs), NULL, false);
}

test(versions_that_the_other_side_does_not_keep_are_no_difference)
{
    static const struct verify_family two = {{"f", 1}, 2, 0, INT64_MAX};
    static const struct verify_families narrow_destination[] = {{&keeps_all, 1}, {&two, 1}};
    static const struct verify_families narrow_source[] = {{&two, 1}, {&keeps_all, 1}};
    static const struct pair at_destination[] = {
        {"r/f:a@5=1 r/f:a@4=2 r/f:a@3=3", "r/f:a@5=1 r/f:a@4=2", ""},
        {"r/f:a@5=1 r/f:a@4=2 r/f:a@3=3", "r/f:a@5=1", "missing f:a@4=2, missing f:a@3=3"},
        {"r/f:a@5=1 r/f:a@4=2 r/f:a@3=3", "r/f:a@9=x r/f:a@5=1", "extra f:a@9=x"},
        {"r/f:a@5=1 r/f:a@4=2", "r/f:a@5=1 r/f:a@4=2 r/f:a@3=3", "extra f:a@3=3"},
        {"r/f:a@5=1 r/f:b@4=2 r/f:b@3=2", "r/f:a@5=1 r/f:b@4=2", "missing f:b@3=2"},
    };
    static const struct pair at_source[] = {
        {"r/f:a@5=1 r/f:a@4=2", "r/f:a@5=1 r/f:a@4=2 r/f:a@3=3", ""},
        {"r/f:a@5=1", "r/f:a@5=1 r/f:a@4=2 r/f:a@3=3", "extra f:a@4=2, extra f:a@3=3"},
        {"r/f:a@5=1 r/f:a@4=2 r/f:a@3=3", "r/f:a@5=1 r/f:a@4=2", "missing f:a@3=3"},
    };

    check_pairs(at_destination, ARRAY_LEN(at_destination), narrow_destination, true);
    check_pairs(at_source, ARRAY_LEN(at_source), narrow_source, true);
}

test(an_update_that_is_not_there_yet_is_one_difference)
{
    static const struct verify_family one = {{"f", 1}, 1, 0, INT64_MAX};
    static const struct verify_families families[] = {{&one, 1}, {&one, 1}};
    static const struct pair pairs[] = {
        {"r/f:a@9=new", "r/f:a@5=old", "missing f:a@9=new"},
        {"r/f:a@9=same", "r/f:a@5=same", "timestamp f:a@9=same@5=same"},
    };

    check_pairs(pairs, ARRAY_LEN(pairs), families, true);
}

test(cells_that_have_expired_at_the_other_side_are_no_difference)
{
    /* It is 1,000,000 ms, and 30,000 ms are left to clocks that differ. */
    static const struct verify_family short_lived = {{"f", 1}, INT32_MAX, 0, 100000};
    static const struct verify_family keeps_one = {{"f", 1}, INT32_MAX, 1, 100000};
    static const struct verify_families one_side[] = {{&keeps_all, 1}, {&short_lived, 1}};
    static const struct verify_families other_side[] = {{&short_lived, 1}, {&keeps_all, 1}};
    static const struct verify_families min_versions[] = {{&keeps_all, 1}, {&keeps_one, 1}};
    static const struct pair cases[] = {
        {"r/f:a@929999=v", "", ""},
        {"r/f:a@930000=v", "", "missing f:a@930000=v"},
        {"", "r/f:a@5=v", "extra f:a@5=v"},
        {"r/f:a@5=v", "r/f:a@5=w", "value f:a@5=v@5=w"},
    };
    static const struct pair other_cases[] = {
        {"", "r/f:a@5=v", ""},
        {"r/f:a@5=v", "", "missing f:a@5=v"},
    };
    static const struct pair min_cases[] = {
        {"r/f:a@6=v r/f:a@5=w", "r/f:a@6=v", ""},
        {"r/f:a@6=v r/f:a@5=w", "", "missing f:a@6=v, missing f:a@5=w"},
    };

    check_pairs(cases, ARRAY_LEN(cases), one_side, true);
    check_pairs(other_cases, ARRAY_LEN(other_cases), other_side, true);
    check_pairs(min_cases, ARRAY_LEN(min_cases), min_versions, true);
}

test(rows_are_told_one_by_one_with_their_cells)
{
    struct comparison comparison;
    struct verify_row row;
    bool is_end = false;

    comparison_open(&comparison, "a/f:a@1=v a/f:b@1=v c/f:a@1=v", "b/f:a@1=v c/f:a@1=w", NULL,
                    true);
    check_status(verify_rows_next(comparison.rows, &row, &is_end), STATUS_OK);
    check(str_is(row.key, "a"));
    check_int(row.ncells[VERIFY_SOURCE], 2);
    check_int(row.ncells[VERIFY_DESTINATION], 0);
    check_int(row.ndifferences, 2);
    check_status(verify_rows_next(comparison.rows, &row, &is_end), STATUS_OK);
    check(str_is(row.key, "b"));
    check_int(row.ncells[VERIFY_SOURCE], 0);
    check_int(row.ndifferences, 1);
    check_status(verify_rows_next(comparison.rows, &row, &is_end), STATUS_OK);
    check(str_is(row.key, "c"));
    check_int(row.ncells[VERIFY_SOURCE], 1);
    check_int(row.ncells[VERIFY_DESTINATION], 1);
    check_int(row.ndifferences, 1);
    check(!is_end);
    check_status(verify_rows_next(comparison.rows, &row, &is_end), STATUS_OK);
    check(is_end);
    comparison_close(&comparison);
}

test(what_the_destination_lacks_is_given_with_its_value)
{
    static const struct verify_family one = {{"f", 1}, 1, 0, INT64_MAX};
    static const struct verify_families families[] = {{&one, 1}, {&one, 1}};
    struct comparison comparison;

    comparison_open(&comparison, "r/f:a@5=v r/f:b@5=v r/f:c@5=v r/f:d@9=v",
                    "r/f:b@5=w r/f:c@5=v r/f:d@3=v", NULL, true);
    (void)compare(&comparison);
    check_str(buf_get_text(&comparison.teller.lacking), "a@5=v b@5=v d@9=v");
    comparison_close(&comparison);
    comparison_open(&comparison, "r/f:a@9=v r/f:a@5=w", "r/f:a@9=v", families, true);
    (void)compare(&comparison);
    check_str(buf_get_text(&comparison.teller.lacking), "");
    comparison_close(&comparison);
}

static struct verify_mark get_mark(const char *source, const char *destination)
{
    struct comparison comparison;

    comparison_open(&comparison, source, destination, NULL, true);
    (void)compare(&comparison);
    struct verify_mark mark = comparison.teller.last;
    comparison_close(&comparison);
    return mark;
}

test(differences_have_one_mark_if_they_are_the_same)
{
    static const struct pair others[] = {
        {"", "r/f:a@5=v", ""},          {"r/f:a@5=w", "", ""},          {"r/f:a@6=v", "", ""},
        {"r/f:b@5=v", "", ""},          {"r/g:a@5=v", "", ""},          {"r/fa:@5=v", "", ""},
        {"r/f:a@5=v", "r/f:a@6=v", ""}, {"r/f:a@5=v", "r/f:a@5=w", ""},
    };
    struct verify_mark mark = get_mark("r/f:a@5=v", "");
    struct verify_mark again = get_mark("r/f:a@5=v r/f:b@5=v", "r/f:b@5=v");

    check(memcmp(&mark, &again, sizeof(mark)) == 0);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        struct verify_mark other = get_mark(others[i].source, others[i].destination);

        check(memcmp(&mark, &other, sizeof(mark)) != 0);
    }
}

test(only_the_beginning_of_a_value_is_told)
{
    char source[400], destination[400];
    struct comparison comparison;

    (void)snprintf(source, sizeof(source), "r/f:a@5=%0300d", 1);
    (void)snprintf(destination, sizeof(destination), "r/f:a@5=%0300d", 2);
    comparison_open(&comparison, source, destination, NULL, true);
    check_int(strlen(compare(&comparison)), strlen("value f:a@5=@5=") + 2 * 256);
    check_int(comparison.teller.lacking.len, strlen("a@5=") + 300);
    comparison_close(&comparison);
}

test(more_versions_than_wait_for_a_pair_are_all_told)
{
    struct buf source = {0};
    struct comparison comparison;
    struct verify_row row;
    bool is_end = false;

    for (int i = 0; i < VERIFY_MAX_UNPAIRED + 10; i++)
        buf_printf(&source, "%sr/f:a@%d=%d", i == 0 ? "" : " ", 9999 - i, i);
    comparison_open(&comparison, buf_get_text(&source), "", NULL, true);
    check_status(verify_rows_next(comparison.rows, &row, &is_end), STATUS_OK);
    check_int(row.ndifferences, VERIFY_MAX_UNPAIRED + 10);
    comparison_close(&comparison);
    buf_deinit(&source);
}

test(an_error_of_either_side_ends_the_comparison)
{
    for (int side = 0; side < VERIFY_NSIDES; side++) {
        struct comparison comparison;
        struct verify_row row;
        bool is_end = false;

        comparison_open(&comparison, "r/f:a@5=v", "r/f:a@5=v", NULL, true);
        comparison.texts[side].error = status_error(STATUS_UNAVAILABLE, "nobody is there");
        check_status(verify_rows_next(comparison.rows, &row, &is_end), STATUS_UNAVAILABLE);
        comparison_close(&comparison);
    }
}
