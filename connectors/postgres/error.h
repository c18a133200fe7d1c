/*
 * connectors/postgres/error.h - what a PostgreSQL server said when it refused something.
 */
#ifndef CONNECTORS_POSTGRES_ERROR_H
#define CONNECTORS_POSTGRES_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct pg_result;

enum {
    PG_SQLSTATE_BYTES = 6, /* five characters and NUL */
    PG_NAME_BYTES = 64,    /* what the server keeps of a name, and NUL */
};

/* Texts that are longer are cut at a character's end. All "": no server said it. */
struct pg_error {
    char sqlstate[PG_SQLSTATE_BYTES];
    char message[256]; /* the primary one: one line */
    char table[PG_NAME_BYTES];
    char column[PG_NAME_BYTES];
    char constraint[PG_NAME_BYTES];
    char detail[256];
    char copy_context[256]; /* the line of the context that is about a COPY */
};

/* Reads the fields of a failed result. */
void pg_error_read(const struct pg_result *result, struct pg_error *ret);

/*
 * Reads what libpq says of a failed connection; while it was made with verbose errors, the
 * code is in the text: "... FATAL:  28P01: password authentication failed ...".
 */
void pg_error_read_connection(const char *text, struct pg_error *ret);

/* The code for an error; UNAVAILABLE if no server said it. Never OK. */
enum status_code pg_error_get_code(const struct pg_error *error);

/* The error's code and message. */
struct status pg_error_get_status(const struct pg_error *error) MUST_CHECK;

/* Whether the SQLSTATE begins with prefix. */
bool pg_error_is(const struct pg_error *error, const char *prefix);

/*
 * Whether it is over when the transaction is tried again: deadlock, serialization, a lock
 * that was held too long.
 */
bool pg_error_is_passing(const struct pg_error *error);

/* Where in a COPY something went wrong. */
struct pg_copy_place {
    int64_t line;               /* from 1; 0: the context names none */
    char column[PG_NAME_BYTES]; /* "": none is named */
};

/* Reads the place from the context of an error in a COPY into table. */
void pg_error_read_copy_place(const struct pg_error *error, const char *table,
                              struct pg_copy_place *ret);

#endif
