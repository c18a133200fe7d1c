/*
 * store/pg_session.h - a connection for one thread that may block: migrations, and nothing that is often.
 */
#ifndef STORE_PG_SESSION_H
#define STORE_PG_SESSION_H

#include <stddef.h>

#include "base/status.h"

struct pg_session;
struct pg_session_rows;

/*
 * Connects; *ret is owned by the caller. Blocks. INVALID_ARGUMENT: database_url is none. UNAVAILABLE: it cannot be
 * reached, or refuses; the text has libpq's reason.
 */
struct status pg_session_open(const char *database_url, struct pg_session **ret) MUST_CHECK;

/* NULL is allowed. */
void pg_session_close(struct pg_session *session);

/* Runs one or more statements without parameters. Blocks. Fails with the code for the SQLSTATE and the server's text. */
struct status pg_session_run(struct pg_session *session, const char *sql) MUST_CHECK;

/*
 * Runs one statement with params[0 .. nparams), texts; NULL is SQL NULL. *ret, owned by the caller, has all values as
 * texts. Blocks.
 */
struct status pg_session_query(struct pg_session *session, const char *sql,
                               const char *const *params, int nparams, struct pg_session_rows **ret)
    MUST_CHECK;

size_t pg_session_rows_get_count(const struct pg_session_rows *rows);

/* Columns count from 0. NULL is SQL NULL. Borrowed from rows. */
const char *pg_session_rows_get(const struct pg_session_rows *rows, size_t row, int column);

/* NULL is allowed. */
void pg_session_rows_destroy(struct pg_session_rows *rows);

#endif
