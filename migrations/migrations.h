/*
 * migrations/migrations.h - brings the database's schema to what this program needs, and checks that it is there.
 *
 * A migration is a file NNNN_name.sql, embedded in the program and run once, in a transaction of its own. Table
 * schema_migrations remembers each with the checksum of its text; a file that was applied never changes.
 */
#ifndef MIGRATIONS_MIGRATIONS_H
#define MIGRATIONS_MIGRATIONS_H

#include <stddef.h>

#include "base/status.h"

struct migration {
    int version;      /* from 1, growing */
    const char *name; /* "0001_init" */
    const char *start;
    const char *end; /* the text is start[0 .. end - start) */
};

/* Those of this program, in order. */
extern const struct migration migrations_files[];
extern const size_t migrations_nfiles;

enum migration_state {
    MIGRATION_APPLIED,
    MIGRATION_PENDING, /* of this program, not in the database */
    MIGRATION_CHANGED, /* applied with another text */
    MIGRATION_UNKNOWN, /* applied, but not of this program */
};

struct migration_line {
    int version;
    const char *name; /* borrowed for the call */
    enum migration_state state;
    const char *applied_time; /* as text; NULL unless applied; borrowed for the call */
};

typedef void (*migration_line_fn)(void *arg, const struct migration_line *line);

/*
 * Applies what is pending of files[0 .. nfiles), in order, and tells each that it applied by on_line, which may be
 * NULL. Several at once are one after another. Blocks. FAILED_PRECONDITION: the database has a migration that is
 * unknown here or was changed; nothing was done. UNAVAILABLE: the database cannot be reached. Else as the file
 * failed; those before it stay.
 */
struct status migrations_apply(const char *database_url, const struct migration *files,
                               size_t nfiles, migration_line_fn on_line, void *arg) MUST_CHECK;

/* Tells all by on_line: those of files, then those that are unknown. Blocks. UNAVAILABLE as above. */
struct status migrations_list(const char *database_url, const struct migration *files,
                              size_t nfiles, migration_line_fn on_line, void *arg) MUST_CHECK;

/*
 * OK if the schema is what this program's migrations make, or what newer ones have made of it that say, in table
 * schema_support, that this program may go on. Blocks. FAILED_PRECONDITION: it is older, too new or changed; the text says
 * what to do. UNAVAILABLE: the database cannot be reached.
 */
struct status migrations_check(const char *database_url) MUST_CHECK;

/* "applied" and the like. Never freed. */
const char *migration_state_get_name(enum migration_state state);

#endif
