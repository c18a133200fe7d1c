/*
 * connectors/reader.h - what reads rows: one vtable a format.
 *
 * A source is cut into splits, each a part of one file with whole rows. A split is what one thread works on, what is
 * committed at once, and what is not done again after a crash; so the plan must come out the same every time as
 * long as the files are the same.
 */
#ifndef CONNECTORS_READER_H
#define CONNECTORS_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/stop.h"
#include "connectors/batch.h"
#include "spec/import_spec.h"

struct file_root;
struct reader;

/* A file of the plan. */
struct plan_file {
    char *path; /* relative to the root */
    uint64_t size_bytes;
    int64_t modified_ns; /* since 1970 */
};

struct split {
    uint32_t file;     /* index in the plan's files */
    uint64_t first;    /* CSV: the first byte; Parquet: the first row, from 0 */
    uint64_t end;      /* one past the last */
    int64_t first_row; /* the number of its first row in the file, from 1 */
    uint64_t
        size_bytes; /* what it adds to bytes_total; the splits of a plan add up to the files' sizes */
};

struct plan {
    struct plan_file *files;
    size_t nfiles;
    struct split *splits;
    size_t nsplits;
    unsigned max_threads; /* how many readers memory is enough for; 0: any number */
};

void plan_deinit(struct plan *plan);

/* A row that does not fit. Texts are borrowed for the duration of the call. */
struct bad_row {
    const char *file;
    int64_t row;          /* from 1 */
    uint64_t byte_offset; /* CSV */
    const char *column;   /* the reader's name; "" if the row as a whole is wrong */
    const char *reason;   /* "'abc' is not an INT" */
    struct str raw;       /* as it stands in the file, or the value; the receiver cuts it */
};

/* Takes bad rows. OK: leave the row out and go on. Else: stop reading; next returns that status. */
struct bad_row_sink {
    struct status (*on_bad_row)(struct bad_row_sink *sink, const struct bad_row *row);
};

struct reader_options {
    const struct import_spec *spec;
    const struct file_root *root;        /* borrowed until the reader is closed */
    const struct target_column *columns; /* [0 .. ncolumns), in the order of spec->columns */
    size_t ncolumns;
    const struct plan *plan;
    const struct split *split;
    struct bad_row_sink *bad_rows;
    const struct stop *stop;
};

struct reader_type {
    const char *name; /* "CSV" */

    /*
     * Cuts the files into splits, in their order: fills plan->splits; plan->files is filled already. Checks what can
     * be checked (header, columns of the schema). Blocks. INVALID_ARGUMENT: the files do not fit spec; the text
     * names file and column. CANCELLED: stop was requested.
     */
    struct status (*plan)(const struct import_spec *spec, const struct file_root *root,
                          const struct stop *stop, struct plan *plan);

    /* Opens a split for reading. FAILED_PRECONDITION: the file is not as it was planned. */
    struct status (*open)(const struct reader_options *options, struct reader **ret);
    /* Fills batch with the next rows; batch->nrows is 0 at the end. CANCELLED: stop was requested. Blocks. */
    struct status (*next)(struct reader *reader, struct batch *batch);
    /* How many bytes of the split are read, 0 to split->size_bytes; also after the end. */
    uint64_t (*get_bytes_read)(const struct reader *reader);
    void (*close)(struct reader *reader); /* NULL is allowed */
};

extern const struct reader_type csv_reader;
extern const struct reader_type parquet_reader;

#endif
