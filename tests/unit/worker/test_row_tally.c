#include "worker/row_tally.h"

#include "base/compiler.h"
#include "tests/harness/test.h"

enum { MAX_CELLS = 8 };

/* Counts a page whose cells have these rows, one letter each. */
static void add(struct row_tally *tally, const char *rows, const char *next_row)
{
    struct hbase_cell cells[MAX_CELLS] = {{.timestamp_ms = 1}};
    struct hbase_page page = {.cells = cells, .next_row = str_from(next_row)};

    for (size_t i = 0; rows[i]; i++)
        cells[page.ncells++] = (struct hbase_cell){.row = {&rows[i], 1}, .type = HBASE_PUT};
    row_tally_add(tally, &page);
}

static int64_t get_cell_bytes(void)
{
    struct hbase_cell cell = {.row = {"a", 1}, .type = HBASE_PUT};

    return (int64_t)hbase_cell_get_size_bytes(&cell);
}

test(row_tally_counts_the_rows_of_a_page)
{
    struct row_tally tally = {0};

    add(&tally, "aabccc", "d");
    check_int(tally.nrows, 3);
    check_int(tally.nbytes, 6 * get_cell_bytes());
    add(&tally, "", "d"); /* the server is still looking */
    check_int(tally.nrows, 3);
    row_tally_deinit(&tally);
}

test(row_tally_counts_a_row_in_parts_once_and_at_its_end)
{
    struct row_tally tally = {0};

    add(&tally, "abb", "b");
    check_int(tally.nrows, 1);
    check_int(tally.nbytes, get_cell_bytes());
    add(&tally, "bb", "b");
    check_int(tally.nrows, 1);
    row_tally_clear(&tally);
    add(&tally, "bc", "d");
    check_int(tally.nrows, 2);
    check_int(tally.nbytes, 6 * get_cell_bytes());
    row_tally_deinit(&tally);
}

test(row_tally_counts_a_part_whose_end_comes_without_cells)
{
    struct row_tally tally = {0};

    add(&tally, "a", "a");
    check_int(tally.nrows, 0);
    add(&tally, "", "b");
    check_int(tally.nrows, 1);
    check_int(tally.nbytes, get_cell_bytes());
    row_tally_deinit(&tally);
}

test(row_tally_counts_a_part_before_the_row_behind_it)
{
    struct row_tally tally = {0};

    add(&tally, "a", "a");
    add(&tally, "bb", "b");
    check_int(tally.nrows, 1);
    check_int(tally.nbytes, get_cell_bytes());
    add(&tally, "c", "d");
    check_int(tally.nrows, 3);
    check_int(tally.nbytes, 4 * get_cell_bytes());
    row_tally_deinit(&tally);
}

test(row_tally_counts_all_at_the_end)
{
    struct row_tally tally = {0};
    struct hbase_page end = {.is_end = true};

    add(&tally, "a", "a");
    row_tally_add(&tally, &end);
    check_int(tally.nrows, 1);
    row_tally_deinit(&tally);
}
