#include "worker/row_tally.h"

/* The row of a part got no more cells: it is complete. */
static void end_part(struct row_tally *tally)
{
    if (!tally->has_part)
        return;
    tally->nrows++;
    tally->nbytes += tally->part_bytes;
    tally->part_bytes = 0;
    tally->has_part = false;
}

/* Takes the cells of one row; is_part: more of it may come. */
static void add_row(struct row_tally *tally, struct str row, int64_t nbytes, bool is_part)
{
    if (tally->has_part && !str_is_equal(buf_get(&tally->part_row), row))
        end_part(tally);
    if (!tally->has_part) {
        buf_clear(&tally->part_row);
        buf_append_str(&tally->part_row, row);
        tally->has_part = true;
    }
    tally->part_bytes += nbytes;
    if (!is_part)
        end_part(tally);
}

void row_tally_add(struct row_tally *tally, const struct hbase_page *page)
{
    for (size_t i = 0; i < page->ncells;) {
        struct str row = page->cells[i].row;
        int64_t nbytes = 0;

        for (; i < page->ncells && str_is_equal(page->cells[i].row, row); i++)
            nbytes += (int64_t)hbase_cell_get_size_bytes(&page->cells[i]);
        add_row(tally, row, nbytes, !page->is_end && str_is_equal(row, page->next_row));
    }
    if (tally->has_part &&
        (page->is_end || !str_is_equal(buf_get(&tally->part_row), page->next_row)))
        end_part(tally);
}

void row_tally_clear(struct row_tally *tally)
{
    tally->nrows = 0;
    tally->nbytes = 0;
}

void row_tally_deinit(struct row_tally *tally)
{
    buf_deinit(&tally->part_row);
    *tally = (struct row_tally){0};
}
