/*
 * tests/unit/connectors/csv_fixture.h - a folder with CSV files in it, and what the reader makes of them, as text.
 */
#ifndef TESTS_UNIT_CONNECTORS_CSV_FIXTURE_H
#define TESTS_UNIT_CONNECTORS_CSV_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/stop.h"
#include "base/str.h"
#include "connectors/file/file_root.h"
#include "connectors/reader.h"

enum { CSV_FIXTURE_MAX_COLUMNS = 8 };

struct csv_fixture {
    char *folder;
    struct file_root *root;
    struct import_spec spec;
    struct import_column sources[CSV_FIXTURE_MAX_COLUMNS];
    struct target_column columns[CSV_FIXTURE_MAX_COLUMNS];
    struct plan plan;
    struct stop stop;
    uint64_t split_bytes; /* 0: as csv_reader does */
    size_t block_bytes;   /* 0: likewise */
    int64_t max_bad_rows; /* the next one ends the reading */
};

/*
 * A folder without files, and a spec of comma-separated columns without a header: a, an INT, and b, a STRING, both of
 * which may be null.
 */
void csv_fixture_open(struct csv_fixture *fixture);

void csv_fixture_close(struct csv_fixture *fixture);

/* Puts a column that may be null in place i, which may be the one behind the last. */
void csv_fixture_set_column(struct csv_fixture *fixture, size_t i, enum column_type type,
                            const char *name);

/* Writes or overwrites a file. */
void csv_fixture_write(struct csv_fixture *fixture, const char *name, struct str text);

/* Lists and plans the files anew. */
struct status csv_fixture_plan(struct csv_fixture *fixture);

/* Opens a split of the plan with a sink that appends bad rows to log. */
struct csv_sink {
    struct bad_row_sink base;
    struct buf *log;
    int64_t left;
};
struct status csv_fixture_open_split(struct csv_fixture *fixture, size_t split,
                                     struct csv_sink *sink, struct reader **ret);

/*
 * Plans and reads all: a line a row, "2: 17 [text]", with null as "-"; then a line a bad row: "bad 2 @5 a: why {raw}". Or
 * just the error: "CODE: text".
 */
void csv_fixture_read(struct csv_fixture *fixture, struct buf *ret);

/* Does so with text as the file x.csv; if the result is not what is expected, prints both. */
bool csv_fixture_reads_as(struct csv_fixture *fixture, struct str text, const char *expected);

#endif
