#include "worker/verify_rows.h"

#include "base/mem.h"

struct verify_rows {
    struct verify_rows_options options;
    const struct hbase_cell *next[VERIFY_NSIDES]; /* not compared yet; NULL: there are no more */
    bool is_in_row[VERIFY_NSIDES];                /* next is of the row that is being compared */
    bool has_begun;
    struct buf row;
    struct verify_column column;
    const struct verify_family *families[VERIFY_NSIDES]; /* of the column; NULL: there is none */
    int64_t ncells[VERIFY_NSIDES];                       /* of the row */
    int64_t nbytes;                                      /* of the row's cells at the source */
};

static struct status advance(struct verify_rows *rows, enum verify_side side)
{
    struct verify_cells *cells = rows->options.cells[side];
    struct status st = cells->next(cells, &rows->next[side]);

    rows->is_in_row[side] =
        rows->next[side] && str_is_equal(rows->next[side]->row, buf_get(&rows->row));
    return st;
}

static struct status begin(struct verify_rows *rows)
{
    rows->has_begun = true;
    struct status st = advance(rows, VERIFY_SOURCE);

    return st.code == STATUS_OK ? advance(rows, VERIFY_DESTINATION) : st;
}

/* Goes to the row that comes first; false: there is none. */
static bool open_row(struct verify_rows *rows)
{
    const struct hbase_cell *source = rows->next[VERIFY_SOURCE];
    const struct hbase_cell *destination = rows->next[VERIFY_DESTINATION];

    if (!source && !destination)
        return false;
    int order = !source        ? 1
                : !destination ? -1
                               : hbase_bytes_compare(source->row, destination->row);
    buf_clear(&rows->row);
    buf_append_str(&rows->row, order <= 0 ? source->row : destination->row);
    rows->is_in_row[VERIFY_SOURCE] = order <= 0;
    rows->is_in_row[VERIFY_DESTINATION] = order >= 0;
    rows->ncells[VERIFY_SOURCE] = rows->ncells[VERIFY_DESTINATION] = 0;
    rows->nbytes = 0;
    return true;
}

/* The order of the two next cells, which are of one row: < 0: only the source has the first one. */
static int compare_next(const struct verify_rows *rows)
{
    const struct hbase_cell *source = rows->next[VERIFY_SOURCE];
    const struct hbase_cell *destination = rows->next[VERIFY_DESTINATION];

    if (!rows->is_in_row[VERIFY_DESTINATION])
        return -1;
    if (!rows->is_in_row[VERIFY_SOURCE])
        return 1;
    int order = hbase_bytes_compare(source->family, destination->family);
    if (order == 0)
        order = hbase_bytes_compare(source->qualifier, destination->qualifier);
    if (order == 0 && source->timestamp_ms != destination->timestamp_ms)
        order = source->timestamp_ms > destination->timestamp_ms ? -1 : 1;
    return order;
}

static const struct verify_family *find_family(const struct verify_families *families,
                                               struct str name)
{
    for (size_t i = 0; i < families->nfamilies; i++) {
        if (str_is_equal(families->families[i].name, name))
            return &families->families[i];
    }
    return NULL;
}

static void go_to_column(struct verify_rows *rows, const struct hbase_cell *cell)
{
    if (verify_column_has(&rows->column, cell))
        return;
    verify_column_open(&rows->column, cell);
    for (int side = 0; side < VERIFY_NSIDES; side++)
        rows->families[side] = find_family(rows->options.families[side], cell->family);
}

static struct status give_lacking(struct verify_rows *rows, const struct hbase_cell *cell)
{
    if (!rows->options.on_lacking)
        return status_ok();
    return rows->options.on_lacking(rows->options.sink, cell);
}

static struct status take_both(struct verify_rows *rows)
{
    const struct hbase_cell *source = rows->next[VERIFY_SOURCE];
    const struct hbase_cell *destination = rows->next[VERIFY_DESTINATION];
    size_t nbefore = rows->column.ndifferences;
    struct status st = status_ok();

    verify_column_add_both(&rows->column, source, destination);
    if (rows->column.ndifferences > nbefore)
        st = give_lacking(rows, source);
    rows->ncells[VERIFY_SOURCE]++;
    rows->ncells[VERIFY_DESTINATION]++;
    rows->nbytes += (int64_t)hbase_cell_get_size_bytes(source);
    if (st.code == STATUS_OK)
        st = advance(rows, VERIFY_SOURCE);
    return st.code == STATUS_OK ? advance(rows, VERIFY_DESTINATION) : st;
}

static struct status take_one(struct verify_rows *rows, enum verify_side side)
{
    enum verify_side other = side == VERIFY_SOURCE ? VERIFY_DESTINATION : VERIFY_SOURCE;
    const struct hbase_cell *cell = rows->next[side];
    bool is_hidden = !verify_column_shows(&rows->column, other, rows->families[other],
                                          cell->timestamp_ms, rows->options.now_ms);
    struct status st = status_ok();

    if (side == VERIFY_SOURCE && !is_hidden)
        st = give_lacking(rows, cell);
    verify_column_add_one(&rows->column, side, cell, is_hidden);
    rows->ncells[side]++;
    if (side == VERIFY_SOURCE)
        rows->nbytes += (int64_t)hbase_cell_get_size_bytes(cell);
    return st.code == STATUS_OK ? advance(rows, side) : st;
}

struct status verify_rows_next(struct verify_rows *rows, struct verify_row *ret, bool *ret_is_end)
{
    struct status st = rows->has_begun ? status_ok() : begin(rows);

    if (st.code != STATUS_OK)
        return st;
    *ret_is_end = !open_row(rows);
    if (*ret_is_end)
        return st;
    rows->column.ndifferences = 0;
    while (st.code == STATUS_OK &&
           (rows->is_in_row[VERIFY_SOURCE] || rows->is_in_row[VERIFY_DESTINATION])) {
        int order = compare_next(rows);
        enum verify_side first = order <= 0 ? VERIFY_SOURCE : VERIFY_DESTINATION;

        go_to_column(rows, rows->next[first]);
        st = order == 0 ? take_both(rows) : take_one(rows, first);
    }
    verify_column_close(&rows->column);
    *ret = (struct verify_row){
        .key = buf_get(&rows->row),
        .ncells = {rows->ncells[VERIFY_SOURCE], rows->ncells[VERIFY_DESTINATION]},
        .nbytes = rows->nbytes,
        .ndifferences = rows->column.ndifferences,
    };
    return st;
}

struct str verify_rows_get_row(const struct verify_rows *rows)
{
    return buf_get(&rows->row);
}

struct verify_rows *verify_rows_create(const struct verify_rows_options *options)
{
    struct verify_rows *rows = mem_alloc(sizeof(*rows));

    rows->options = *options;
    rows->column.sink = options->sink;
    rows->column.has_values = options->has_values;
    return rows;
}

void verify_rows_destroy(struct verify_rows *rows)
{
    if (!rows)
        return;
    verify_column_deinit(&rows->column);
    buf_deinit(&rows->row);
    mem_free(rows);
}
