/*
 * connectors/parquet/parquet_reader.c - reads one split of a Parquet file: a query for its rows, chunk by chunk.
 *
 * A chunk of DuckDB's has at most as many rows as a batch. Its values are converted column by column; when some do not
 * fit, the rows are gone through once more: those that are bad are told to the sink in their order, and what is left is
 * converted again, closed up. So the usual case pays for one test a value.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "connectors/parquet/parquet_file.h"
#include "connectors/parquet/parquet_plan.h"
#include "connectors/parquet/value_convert.h"
#include "connectors/parquet/value_text.h"
#include "connectors/plan.h"
#include "connectors/reader.h"

struct column {
    struct value_source source;
    const struct target_column *target;
    value_convert_fn convert;
};

struct reader {
    struct reader_options options;
    struct parquet_file file;
    struct parquet_query query;
    char *sql;
    struct column *columns; /* [0 .. options.ncolumns) */
    uint64_t position;      /* the first row that is not asked for yet */
    uint64_t nrows_read;
    struct arena *arena; /* texts of the batch that were made; NULL before the first */
    uint16_t
        *bad_columns; /* [0 .. BATCH_MAX_ROWS): 1 + the first column that does not fit; 0: all do */
};

static uint64_t count_rows(const struct reader *reader)
{
    return reader->options.split->end - reader->options.split->first;
}

/* Opening: what the columns are, and whether they can be written. */

static struct status set_type(struct reader *reader, struct column *column, size_t number)
{
    const struct duck_api *duck = reader->file.duck;
    duckdb_type type = duck->column_type(&reader->query.result, number);
    const struct value_type *found = value_type_find(type);

    column->convert = found ? value_convert_find(found->kind, column->target->type) : NULL;
    if (!column->convert)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "column '%s' of file '%s' is %s in Parquet and cannot be written as %s",
                            column->target->source, reader->file.planned->path,
                            found ? found->name : value_type_get_foreign_name(type),
                            column_type_get_name(column->target->type));
    column->source = (struct value_source){.type = found};
    if (type == DUCKDB_TYPE_DECIMAL) {
        duckdb_logical_type logical = duck->column_logical_type(&reader->query.result, number);

        column->source.decimal_type = duck->decimal_internal_type(logical);
        column->source.decimal_scale = duck->decimal_scale(logical);
        duck->destroy_logical_type(&logical);
    }
    return status_ok();
}

/*
 * Names columns by their places in the file, so that no text of a user's is ever part of a statement; only those that
 * are named are read.
 */
static struct status find_columns(struct reader *reader)
{
    struct buf sql = {0};
    struct status st = parquet_query_start_schema(&reader->query, &reader->file);

    buf_append_text(&sql, "SELECT ");
    for (size_t i = 0; st.code == STATUS_OK && i < reader->options.ncolumns; i++) {
        struct column *column = &reader->columns[i];
        size_t number;

        column->target = &reader->options.columns[i];
        st = parquet_query_find_column(&reader->query, column->target->source, &number);
        if (st.code != STATUS_OK)
            break;
        st = set_type(reader, column, number);
        buf_printf(&sql, "#%zu, ", number + 1);
    }
    buf_append_text(&sql, "file_row_number FROM read_parquet(?, file_row_number = true)"
                          " WHERE file_row_number BETWEEN ? AND ?");
    reader->sql = buf_take(&sql);
    parquet_query_stop(&reader->query);
    return st;
}

static void close_reader(struct reader *reader)
{
    if (!reader)
        return;
    parquet_query_stop(&reader->query);
    parquet_file_close(&reader->file);
    arena_destroy(reader->arena);
    mem_free(reader->sql);
    mem_free(reader->columns);
    mem_free(reader->bad_columns);
    mem_free(reader);
}

static struct status open_reader(const struct reader_options *options, struct reader **ret)
{
    struct reader *reader = mem_alloc(sizeof(*reader));

    reader->options = *options;
    reader->columns = mem_alloc_array(options->ncolumns, sizeof(*reader->columns));
    reader->bad_columns = mem_alloc_array(BATCH_MAX_ROWS, sizeof(*reader->bad_columns));
    reader->position = options->split->first;

    struct status st = parquet_file_open(options->root, &options->plan->files[options->split->file],
                                         &reader->file);
    if (st.code == STATUS_OK)
        st = find_columns(reader);
    if (st.code != STATUS_OK) {
        close_reader(reader);
        return st;
    }
    *ret = reader;
    return st;
}

/* Reading: from chunk to batch. */

/* A null in a column that needs a value is a value that does not fit. */
static enum convert_result convert_value(const struct column *column, size_t row,
                                         const struct value_target *target)
{
    bool is_null = value_is_null(&column->source, row);
    union value value;

    target->values->is_null[target->row] = is_null;
    if (is_null)
        return column->target->is_nullable ? CONVERT_OK : CONVERT_IS_NULL;
    if (!column->source.type->read(&column->source, row, &value))
        return CONVERT_NOT_OF_TYPE;
    return column->convert(target, &value);
}

/* Converts all rows, each to its own place; returns whether some are bad. */
static bool convert_column(struct reader *reader, size_t number, struct batch *batch, size_t nrows)
{
    const struct column *column = &reader->columns[number];
    struct value_target target = {
        .column = column->target,
        .values = &batch->columns[number],
        .arena = reader->arena,
    };
    bool has_bad = false;

    for (size_t row = 0; row < nrows; row++) {
        target.row = row;
        if (convert_value(column, row, &target) == CONVERT_OK)
            continue;
        has_bad = true;
        if (reader->bad_columns[row] == 0)
            reader->bad_columns[row] = (uint16_t)(number + 1);
    }
    return has_bad;
}

static struct status report_bad(struct reader *reader, struct batch *batch, size_t row)
{
    size_t number = reader->bad_columns[row] - 1U;
    const struct column *column = &reader->columns[number];
    const struct value_target target = {
        .column = column->target,
        .values = &batch->columns[number],
        .row = row,
        .arena = reader->arena,
    };
    char reason[CONVERT_REASON_BYTES];
    char storage[VALUE_TEXT_BYTES];
    struct str raw = {0};
    union value value;
    enum convert_result result = convert_value(column, row, &target);

    if (result != CONVERT_IS_NULL) {
        bool is_read = column->source.type->read(&column->source, row, &value);
        raw = is_read ? value_write_text(column->source.type->kind, &value, storage)
                      : str_from("infinity");
    }
    convert_write_reason(result, column->target, raw, reason);

    const struct bad_row bad = {
        .file = reader->file.planned->path,
        .row = batch->row_numbers[row],
        .column = column->target->source,
        .reason = reason,
        .raw = raw,
    };
    return reader->options.bad_rows->on_bad_row(reader->options.bad_rows, &bad);
}

/* Converts the good rows once more, one behind the other. */
static void close_up(struct reader *reader, struct batch *batch, size_t nrows)
{
    size_t place = 0;

    for (size_t row = 0; row < nrows; row++) {
        if (reader->bad_columns[row] != 0)
            continue;
        for (size_t i = 0; i < batch->ncolumns; i++) {
            const struct value_target target = {
                .column = reader->columns[i].target,
                .values = &batch->columns[i],
                .row = place,
                .arena = reader->arena,
            };
            (void)convert_value(&reader->columns[i], row, &target);
        }
        batch->row_numbers[place++] = batch->row_numbers[row];
    }
    batch->nrows = place;
}

static struct status convert_chunk(struct reader *reader, duckdb_data_chunk chunk,
                                   struct batch *batch)
{
    const struct duck_api *duck = reader->file.duck;
    size_t nrows = duck->data_chunk_get_size(chunk);
    const int64_t *row_numbers = parquet_query_get_values(&reader->query, chunk, batch->ncolumns);
    bool has_bad = false;
    struct status st = status_ok();

    if (nrows > BATCH_MAX_ROWS)
        return status_error(STATUS_INTERNAL, "DuckDB gave %zu rows at once", nrows);
    memset(reader->bad_columns, 0, nrows * sizeof(*reader->bad_columns));
    for (size_t row = 0; row < nrows; row++)
        batch->row_numbers[row] = row_numbers[row] + 1;
    for (size_t i = 0; i < batch->ncolumns; i++) {
        duckdb_vector vector = duck->data_chunk_get_vector(chunk, i);

        reader->columns[i].source.values = duck->vector_get_data(vector);
        reader->columns[i].source.validity = duck->vector_get_validity(vector);
        has_bad |= convert_column(reader, i, batch, nrows);
    }
    reader->nrows_read += nrows;
    batch->nrows = nrows;
    if (!has_bad)
        return st;
    for (size_t row = 0; row < nrows && st.code == STATUS_OK; row++) {
        if (reader->bad_columns[row] != 0)
            st = report_bad(reader, batch, row);
    }
    if (st.code == STATUS_OK)
        close_up(reader, batch, nrows);
    return st;
}

/* Asks for the next rows of the split: all of them, if they need not be in memory together. */
static struct status start_query(struct reader *reader)
{
    uint64_t nrows = reader->options.split->end - reader->position;

    if (!reader->file.duck->execute_streaming && nrows > PARQUET_SPLIT_ROWS)
        nrows = PARQUET_SPLIT_ROWS;
    const struct row_range range = {reader->position, reader->position + nrows - 1};
    reader->position += nrows;
    return parquet_query_start(&reader->query, &reader->file, reader->sql, &range);
}

/* At the end: the file has been what it was planned as, and all of the split's rows have come. */
static struct status check_end(const struct reader *reader)
{
    struct status st = plan_check_file(reader->file.planned, reader->file.fd);

    if (st.code == STATUS_OK && reader->nrows_read != count_rows(reader))
        st = status_error(STATUS_INVALID_ARGUMENT,
                          "file '%s' has %llu rows where its footer says %llu",
                          reader->file.planned->path, (unsigned long long)reader->nrows_read,
                          (unsigned long long)count_rows(reader));
    return st;
}

/* The next chunk; NULL at the end of the split. */
static struct status next_chunk(struct reader *reader, duckdb_data_chunk *ret)
{
    for (;;) {
        struct status st = status_ok();

        if (stop_is_requested(reader->options.stop))
            return status_error(STATUS_CANCELLED, "stop was requested");
        if (!reader->query.file) {
            *ret = NULL;
            if (reader->position == reader->options.split->end)
                return check_end(reader);
            st = start_query(reader);
        }
        if (st.code == STATUS_OK)
            st = parquet_query_next(&reader->query, ret);
        if (st.code != STATUS_OK || *ret)
            return st;
        parquet_query_stop(&reader->query);
    }
}

static struct status read_next(struct reader *reader, struct batch *batch)
{
    duckdb_data_chunk chunk;

    assert(batch->ncolumns == reader->options.ncolumns);
    batch->nrows = 0;
    while (batch->nrows == 0) {
        struct status st = next_chunk(reader, &chunk);

        if (st.code != STATUS_OK || !chunk)
            return st;
        arena_destroy(reader->arena);
        reader->arena = arena_create(0);
        st = convert_chunk(reader, chunk, batch);
        if (st.code != STATUS_OK) {
            batch->nrows = 0;
            return st;
        }
    }
    return status_ok();
}

static uint64_t get_bytes_read(const struct reader *reader)
{
    uint64_t nrows = count_rows(reader);
    uint64_t size_bytes = reader->options.split->size_bytes;

    if (reader->nrows_read >= nrows)
        return size_bytes;
    return (uint64_t)((int128)size_bytes * reader->nrows_read / nrows);
}

const struct reader_type parquet_reader = {
    .name = "Parquet",
    .plan = parquet_plan,
    .open = open_reader,
    .next = read_next,
    .get_bytes_read = get_bytes_read,
    .close = close_reader,
};
