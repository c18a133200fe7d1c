#include "hbase/page.h"

#include "base/mem.h"

void hbase_position_deinit(struct hbase_position *position)
{
    buf_deinit(&position->next_row);
    buf_deinit(&position->last);
}

void hbase_position_set(struct hbase_position *position, struct str row)
{
    buf_clear(&position->next_row);
    buf_append_str(&position->next_row, row);
    position->is_in_row = false;
    position->has_cells = false;
}

void hbase_page_reader_deinit(struct hbase_page_reader *reader)
{
    hbase_position_deinit(&reader->position);
    mem_free(reader->cells);
}

/* What a page has been read to. The position is moved when all of it is known to be good. */
struct progress {
    struct hbase_page_reader *reader;
    struct str block;       /* what is left of it */
    struct str row;         /* that the result before belongs to, or the first that may come */
    bool is_in_row;         /* there may be more of it */
    bool is_first;          /* no result was read: row itself may come */
    bool has_cells;         /* of row */
    struct hbase_cell done; /* cells up to it are left out */
    bool has_done;
    struct hbase_cell last; /* the one that was read last */
    size_t ncells;
    size_t nrows;
};

static bool is_wanted(const struct hbase_page_reader *reader, const struct hbase_cell *cell)
{
    if (reader->ncolumns == 0)
        return true;
    for (size_t i = 0; i < reader->ncolumns; i++) {
        const struct hbase_column *column = &reader->columns[i];

        if (!str_is_equal(column->family, cell->family))
            continue;
        if (column->is_whole_family || cell->type == HBASE_DELETE_FAMILY ||
            cell->type == HBASE_DELETE_FAMILY_VERSION ||
            str_is_equal(column->qualifier, cell->qualifier))
            return true;
    }
    return false;
}

static struct status refuse_order(void)
{
    return status_error(STATUS_DATA_LOSS, "HBase sent rows that are not in order");
}

static struct status begin_result(struct progress *progress, struct str row)
{
    int order = hbase_bytes_compare(row, progress->row);

    if (order < 0 || (order == 0 && !progress->is_in_row && !progress->is_first))
        return refuse_order();
    if (order > 0) {
        if (progress->is_in_row && progress->has_cells)
            progress->nrows++;
        progress->has_cells = false;
        progress->has_done = false;
    }
    progress->row = row;
    progress->is_first = false;
    return status_ok();
}

static struct status read_result(struct progress *progress, uint32_t ncells, bool is_partial)
{
    struct hbase_page_reader *reader = progress->reader;

    for (uint32_t i = 0; i < ncells; i++) {
        struct hbase_cell *cell = &reader->cells[progress->ncells];
        struct status st = hbase_cell_take(&progress->block, cell);

        if (st.code == STATUS_OK && i == 0)
            st = begin_result(progress, cell->row);
        else if (st.code == STATUS_OK && !str_is_equal(cell->row, progress->row))
            st = refuse_order();
        if (st.code != STATUS_OK)
            return st;
        progress->last = *cell;
        if (progress->has_done && hbase_cell_compare(cell, &progress->done) <= 0)
            continue;
        progress->has_done = false;
        if (is_wanted(reader, cell)) {
            progress->has_cells = true;
            progress->ncells++;
        }
    }
    if (ncells > 0)
        progress->is_in_row = is_partial;
    if (ncells > 0 && !is_partial && progress->has_cells)
        progress->nrows++;
    return status_ok();
}

/* Makes room for all cells that the answer says it has, if it can have them. */
static struct status make_room(struct hbase_page_reader *reader, const Hb__ScanResponse *response)
{
    size_t ncells = 0;

    if (response->n_results > 0 ||
        (response->n_partial_flag_per_result > 0 &&
         response->n_partial_flag_per_result != response->n_cells_per_result))
        return status_error(STATUS_DATA_LOSS, "HBase sent a page that contradicts itself");
    for (size_t i = 0; i < response->n_cells_per_result; i++)
        ncells += response->cells_per_result[i];
    if (ncells > HBASE_PAGE_MAX_CELLS)
        return status_error(STATUS_RESOURCE_EXHAUSTED,
                            "HBase sent a page of %zu cells; %d is the most that is taken", ncells,
                            HBASE_PAGE_MAX_CELLS);
    if (ncells > reader->ncells_max) {
        reader->cells = mem_realloc_array(reader->cells, ncells, sizeof(*reader->cells));
        reader->ncells_max = ncells;
    }
    return status_ok();
}

static struct progress begin(struct hbase_page_reader *reader, struct str block)
{
    struct hbase_position *position = &reader->position;
    struct str last = buf_get(&position->last);
    struct progress progress = {
        .reader = reader,
        .block = block,
        .row = buf_get(&position->next_row),
        .is_in_row = position->is_in_row,
        .is_first = true,
        .has_cells = position->has_cells,
    };

    progress.has_done =
        position->is_in_row && hbase_cell_take(&last, &progress.done).code == STATUS_OK;
    return progress;
}

static void move(struct hbase_position *position, const struct progress *progress)
{
    /* Nothing was read, or nothing that is behind the position. */
    if (progress->is_first || (progress->is_in_row && progress->has_done))
        return;
    hbase_position_set(position, progress->row);
    if (progress->is_in_row) {
        struct hbase_cell last = progress->last;
        last.value = (struct str){0};
        buf_clear(&position->last);
        hbase_cell_write(&position->last, &last);
        position->is_in_row = true;
        position->has_cells = progress->has_cells;
    } else {
        buf_append_char(&position->next_row, '\0');
    }
}

struct status hbase_page_read(struct hbase_page_reader *reader, const Hb__ScanResponse *response,
                              struct str block, struct hbase_page *ret)
{
    struct progress progress = begin(reader, block);
    struct status st = make_room(reader, response);

    for (size_t i = 0; st.code == STATUS_OK && i < response->n_cells_per_result; i++)
        st = read_result(&progress, response->cells_per_result[i],
                         response->n_partial_flag_per_result > 0 &&
                             response->partial_flag_per_result[i]);
    if (st.code == STATUS_OK && progress.block.len > 0)
        st = status_error(STATUS_DATA_LOSS, "HBase sent a page with more cells than it says");
    if (st.code != STATUS_OK)
        return st;

    move(&reader->position, &progress);
    *ret = (struct hbase_page){
        .cells = reader->cells,
        .ncells = progress.ncells,
        .nrows = progress.nrows,
        .nbytes = block.len,
        .next_row = buf_get(&reader->position.next_row),
    };
    return status_ok();
}
