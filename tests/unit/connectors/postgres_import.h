/*
 * tests/unit/connectors/postgres_import.h - imports into a database: what a runner does, in
 * a few words.
 *
 * Rows are given as text, "a=1 b=2 c=-": the key's value, then that of the one other
 * column, '-' for null.
 */
#ifndef TESTS_UNIT_CONNECTORS_POSTGRES_IMPORT_H
#define TESTS_UNIT_CONNECTORS_POSTGRES_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/stop.h"
#include "connectors/writer.h"
#include "spec/import_spec.h"

enum { POSTGRES_IMPORT_MAX_COLUMNS = 20 };

struct postgres_import {
    const char *url;
    const char *password; /* NULL: none is given */
    const char *task_id;
    int64_t token;
    int64_t first_token; /* of the run */
    struct stop stop;
    struct import_spec spec;
    struct import_column columns[POSTGRES_IMPORT_MAX_COLUMNS];
    struct destination *destination;
    struct writer *writer;
    const struct unit *units;
    size_t nunits;
    char *json;
    unsigned nagain; /* how often the writer asked for a split again */
};

/*
 * An import of HBase form, ROW||STRING and f:v||INT, into default.t of a new database;
 * nothing is opened.
 */
void postgres_import_init(struct postgres_import *import);

/* Puts a column in place i; what was behind it is gone. */
void postgres_import_set_column(struct postgres_import *import, size_t i, const char *target,
                                enum column_type type);

/* The same import as SQL form, with the columns' names "k" and "v". */
void postgres_import_set_sql(struct postgres_import *import);

/* Closes all that is open, keeps the rest. */
void postgres_import_close(struct postgres_import *import);

/* Closes and opens again, with the next token and a destination alone. */
struct status postgres_import_open(struct postgres_import *import);

/* Opens, makes the table. */
struct status postgres_import_make(struct postgres_import *import, bool *ret_made);

/* Opens, makes the table, begins and opens a writer. */
struct status postgres_import_start(struct postgres_import *import, bool drops_units);

/* Writes rows, numbered from first on, without a commit. */
struct status postgres_import_write(struct postgres_import *import, struct writer *writer,
                                    int64_t first, const char *rows, bool *ret_again);

/*
 * Writes rows as unit number and commits, as often as it is asked for, at most ten times.
 */
struct status postgres_import_split(struct postgres_import *import, struct writer *writer,
                                    uint32_t number, const char *rows);

struct status postgres_import_commit(struct writer *writer, uint32_t number, bool *ret_again);

/*
 * The table's rows in the form above, by key; borrowed until the next question to the
 * server.
 */
const char *postgres_import_get_rows(const struct postgres_import *import);

#endif
