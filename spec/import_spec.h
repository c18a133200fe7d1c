/*
 * spec/import_spec.h - what a bulk import asks for, read from the texts that users send.
 *
 * readerConfig and writerConfig are JSON as LTS documents it ("Submit a data import task using an API operation");
 * what is ours besides is in docs/bulk-import.md. Pure: the gateway reads a spec to refuse bad tasks early, the worker
 * to execute good ones.
 */
#ifndef SPEC_IMPORT_SPEC_H
#define SPEC_IMPORT_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "spec/column_type.h"
#include "spec/violations.h"

struct Pb__BulkloadSpec;

enum {
    IMPORT_MAX_COLUMNS = 1000,
    IMPORT_MAX_NAME_BYTES = 256, /* of a column, family:qualifier, table or namespace */
    IMPORT_MAX_PATH_BYTES = 4096,
    IMPORT_MAX_CONFIG_BYTES = 256 * 1024,
    IMPORT_MAX_BAD_ROWS = 100000,
    IMPORT_MAX_INSTANCES = 1000,
    IMPORT_MAX_SPARK_PARAMS = 256,
};

enum import_format {
    IMPORT_CSV,
    IMPORT_PARQUET,
};

enum import_duplicates {
    IMPORT_DUPLICATES_LAST,  /* of equal keys in one split the last row wins */
    IMPORT_DUPLICATES_ERROR, /* equal keys within one import fail it */
};

struct import_column {
    const char *source;    /* the reader's name of it */
    const char *target;    /* "family:qualifier", "ROW", or an SQL column's name */
    bool is_key;           /* the ROW column; never set in SQL form */
    enum column_type type; /* in HBase form; SQL form learns it from the table */
};

struct import_spec {
    enum import_format format;
    const char *path; /* a file or folder, relative to the data source; no ".." in it */
    struct import_column *columns; /* columns[0 .. ncolumns), in the reader's order */
    size_t ncolumns;
    bool is_sql; /* columns are an existing table's; else HBase form with one key */
    const char *namespace;
    const char *table;
    bool is_compressed;   /* "zstd" was asked for */
    int64_t timestamp_ms; /* of the cells; INT64_MIN: not given */
    bool has_header;      /* CSV: the first record of each file names the columns */
    char delimiter;       /* CSV: one byte of ASCII */
    int64_t max_bad_rows; /* how many rows may be left out */
    enum import_duplicates duplicates;
    unsigned max_threads; /* of instances and driver_spec, 1 to 8 */
};

/*
 * Reads and checks spec. On success *ret is owned by the caller; on failure violations has all that is wrong, by
 * fields "task.bulkload.*".
 */
struct status import_spec_read(const struct Pb__BulkloadSpec *spec, struct violations *violations,
                               struct import_spec **ret) MUST_CHECK;

/* NULL is allowed. */
void import_spec_destroy(struct import_spec *spec);

#endif
