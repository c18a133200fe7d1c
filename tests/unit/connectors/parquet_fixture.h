/*
 * tests/unit/connectors/parquet_fixture.h - Parquet files made by DuckDB in a folder of their own, and read back as
 * text.
 */
#ifndef TESTS_UNIT_CONNECTORS_PARQUET_FIXTURE_H
#define TESTS_UNIT_CONNECTORS_PARQUET_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/stop.h"
#include "connectors/file/file_root.h"
#include "connectors/reader.h"

enum { PARQUET_FIXTURE_MAX_COLUMNS = 8, PARQUET_FIXTURE_PATH_BYTES = 512 };

struct parquet_fixture {
    char folder[64];
    struct file_root *root;
    struct import_column sources[PARQUET_FIXTURE_MAX_COLUMNS];
    struct import_spec spec;
    struct target_column columns[PARQUET_FIXTURE_MAX_COLUMNS];
    struct plan plan;
    struct bad_row_sink sink;
    struct buf bad_rows;   /* a line each: "file:row column: reason [raw]" */
    unsigned max_bad_rows; /* a further one stops reading with INVALID_ARGUMENT */
    unsigned nbad_rows;
    struct stop stop;
};

/*
 * Whether libduckdb is there. If it is not, the test is to return: it says so loudly, and fails where CI is "true".
 */
bool parquet_fixture_can_run(void);

/* Opens an empty folder; rows are read into columns[0 .. ncolumns). The fixture is not to be moved. */
void parquet_fixture_open(struct parquet_fixture *fixture, const struct target_column *columns,
                          size_t ncolumns);

/* Deletes the folder and all that is in it. */
void parquet_fixture_close(struct parquet_fixture *fixture);

/* The path of a file of the folder. */
void parquet_fixture_get_path(const struct parquet_fixture *fixture, const char *name,
                              char ret[PARQUET_FIXTURE_PATH_BYTES]);

/* Writes what a query selects to a file; options go to COPY ("" or ", ROW_GROUP_SIZE 2048"). */
void parquet_fixture_write(struct parquet_fixture *fixture, const char *name, const char *select,
                           const char *options);

/* A file's bytes, owned by the caller. */
struct buf parquet_fixture_load(struct parquet_fixture *fixture, const char *name);

/* Writes a file of these bytes. */
void parquet_fixture_save(struct parquet_fixture *fixture, const char *name, struct str bytes);

/* Plans the whole folder anew. */
struct status parquet_fixture_plan(struct parquet_fixture *fixture) MUST_CHECK;

/*
 * Reads one split of the plan and appends its rows, a line each: "row number|value|value"; NULL is a null, texts stand as
 * they are, VARBINARY and UUID in hex digits, a DECIMAL as its unscaled value and scale: "1250e-2".
 */
struct status parquet_fixture_read(struct parquet_fixture *fixture, size_t split, struct buf *ret)
    MUST_CHECK;

/* Plans and reads all splits; the text is owned by the caller. */
struct status parquet_fixture_read_all(struct parquet_fixture *fixture, struct buf *ret) MUST_CHECK;

#endif
