/*
 * connectors/parquet/parquet_file.h - one open Parquet file, and statements about it.
 *
 * DuckDB is given the file as /proc/self/fd/N, the descriptor that file_root opened: what a statement reads is what
 * the root allowed, whatever the file is called.
 */
#ifndef CONNECTORS_PARQUET_PARQUET_FILE_H
#define CONNECTORS_PARQUET_PARQUET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "connectors/parquet/duck_api.h"

struct file_root;
struct plan_file;

enum { PARQUET_PATH_BYTES = 32 }; /* "/proc/self/fd/" and a number, and NUL */

/* {0} is closed. */
struct parquet_file {
    const struct duck_api *duck;
    duckdb_connection connection;
    const struct plan_file *planned; /* the plan outlives the file */
    int fd;
    char path[PARQUET_PATH_BYTES];
};

/* FAILED_PRECONDITION: the file is not as it was planned, or libduckdb is missing. *ret is not to be moved. */
struct status parquet_file_open(const struct file_root *root, const struct plan_file *planned,
                                struct parquet_file *ret) MUST_CHECK;

void parquet_file_close(struct parquet_file *file);

/* Rows of a file, counted from 0. */
struct row_range {
    uint64_t first;
    uint64_t last;
};

/* A statement that runs. {0} is none. Used by one thread. */
struct parquet_query {
    const struct parquet_file *file;
    duckdb_prepared_statement statement;
    duckdb_result result;
    duckdb_data_chunk chunk;
    bool has_result;
};

/*
 * Runs sql, whose first parameter is the file; with a range (NULL: none), the second and the third are its ends. file
 * must outlive the query, which is not to be moved. INVALID_ARGUMENT: the file is no Parquet file, or is damaged.
 * FAILED_PRECONDITION: its pages are larger than our memory. RESOURCE_EXHAUSTED: they were, while other files are read.
 */
struct status parquet_query_start(struct parquet_query *query, const struct parquet_file *file,
                                  const char *sql, const struct row_range *range) MUST_CHECK;

/* The next rows in *ret, borrowed until the next call; NULL at the end. Errors as parquet_query_start. */
struct status parquet_query_next(struct parquet_query *query, duckdb_data_chunk *ret) MUST_CHECK;

/* Ends the query, also in the midst of its rows; it may be started again. */
void parquet_query_stop(struct parquet_query *query);

/* The values of column number column of a chunk. */
const void *parquet_query_get_values(const struct parquet_query *query, duckdb_data_chunk chunk,
                                     size_t column);

/* Starts `SELECT *` without rows: what its result says of columns is the file's schema. */
struct status parquet_query_start_schema(struct parquet_query *query,
                                         const struct parquet_file *file) MUST_CHECK;

/*
 * The number of the column with exactly that name in the result of parquet_query_start_schema. INVALID_ARGUMENT: there
 * is none; the text lists those that there are.
 */
struct status parquet_query_find_column(struct parquet_query *query, const char *name, size_t *ret)
    MUST_CHECK;

#endif
