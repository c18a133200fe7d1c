/*
 * worker/verify_rows.h - compares two tables row by row: both sides are read in order, side by side.
 */
#ifndef WORKER_VERIFY_ROWS_H
#define WORKER_VERIFY_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "worker/verify_column.h"

struct verify_rows;

/* Where cells come from, in HBase's order: puts only. */
struct verify_cells {
    /* The next cell, borrowed until the next call for the same cells; NULL at the end. Blocks. */
    struct status (*next)(struct verify_cells *cells, const struct hbase_cell **ret);
};

/* Borrowed until verify_rows_destroy. */
struct verify_rows_options {
    struct verify_cells *cells[VERIFY_NSIDES];
    const struct verify_families *families[VERIFY_NSIDES];
    bool has_values; /* false: only keys and timestamps are compared */
    int64_t now_ms;  /* since 1970: what has expired by then is not expected any more */
    struct verify_sink *sink;
    /*
     * Is given each cell of the source that the destination should have as it is and has not, value and all, before the sink is
     * told how it differs. An error ends the comparison. NULL: nobody wants them.
     */
    struct status (*on_lacking)(struct verify_sink *sink, const struct hbase_cell *cell);
};

struct verify_rows *verify_rows_create(const struct verify_rows_options *options) MUST_CHECK;
void verify_rows_destroy(struct verify_rows *rows); /* NULL is allowed */

/* A row that one side has at least. */
struct verify_row {
    struct str key;                /* borrowed until the next call */
    int64_t ncells[VERIFY_NSIDES]; /* 0: this side has no such row */
    int64_t nbytes;                /* of the source's cells */
    size_t ndifferences;           /* that the sink was told of */
};

/* Compares the next row; at the end *ret_is_end is true and *ret as it was. Errors are those of cells and on_lacking. Blocks. */
struct status verify_rows_next(struct verify_rows *rows, struct verify_row *ret, bool *ret_is_end)
    MUST_CHECK;

/* While a row is being compared: its key, for the functions that are told of it. */
struct str verify_rows_get_row(const struct verify_rows *rows);

#endif
