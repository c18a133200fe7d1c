/*
 * spec/migration_spec.h - what a full migration asks for, read from the texts that users send.
 *
 * Pure: the gateway reads a spec to refuse bad tasks early and to plan, the worker to execute good ones.
 */
#ifndef SPEC_MIGRATION_SPEC_H
#define SPEC_MIGRATION_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/table_names.h"

struct Pb__FullMigrationSpec;

enum {
    MIGRATION_MAX_CONCURRENCY = 256,
    MIGRATION_MAX_COLUMNS = 1000,
    MIGRATION_MAX_KEY_BYTES = 32767, /* of a row key in HBase */
};

enum migration_mode {
    MIGRATION_COPY,
    MIGRATION_VERIFY_ONLY, /* nothing is copied: what is there already is compared */
};

enum migration_verify {
    MIGRATION_VERIFY_NONE,
    MIGRATION_VERIFY_COUNT, /* rows and cells are counted on both sides */
    MIGRATION_VERIFY_FULL,  /* and every cell is compared */
};

enum migration_on_error {
    MIGRATION_ON_ERROR_STOP, /* a row that the destination refuses fails the task */
    MIGRATION_ON_ERROR_SKIP, /* it is left out and kept as a bad row */
};

/* What is copied of a row: a family, or one column of it. */
struct migration_column {
    struct str family;
    bool is_whole_family;
    struct str qualifier; /* may be empty, as HBase has it */
};

struct migration_spec {
    struct table_names tables;
    bool
        has_to_load; /* files are written and loaded, instead of rows, if there is a folder for them */
    const char
        *folder; /* of the files, as the worker and the destination's servers see it; NULL: none */
    bool has_to_create;             /* tables that the destination lacks are made */
    int64_t max_bytes_s_per_thread; /* 0: no limit */
    unsigned concurrency;           /* regions of a table at once; 0: as the worker likes */
    int64_t start_ms; /* cells of [start_ms, end_ms) are copied; all: 0 and INT64_MAX */
    int64_t end_ms;
    struct str start_key; /* rows of [start_key, end_key) are copied, any bytes; empty: no bound */
    struct str end_key;
    const struct migration_column *columns; /* columns[0 .. ncolumns); none: all are copied */
    size_t ncolumns;
    enum migration_mode mode;
    enum migration_verify verify; /* of VERIFY_ONLY not NONE */
    bool has_to_repair;           /* with FULL: cells that differ are made as the source has them */
    enum migration_on_error on_error;
};

/*
 * Reads and checks message; is_one_source: its source and destination are the same data source. What is wrong is added to
 * violations, by fields "task.full_migration.*", and *ret is then not to be used. It is in arena and borrows from
 * message.
 */
void migration_spec_read(const struct Pb__FullMigrationSpec *message, bool is_one_source,
                         struct arena *arena, struct violations *violations,
                         struct migration_spec *ret);

#endif
