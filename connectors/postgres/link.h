/*
 * connectors/postgres/link.h - one connection to a user's database.
 *
 * All functions block, but notice a request to stop within 100 ms, whatever the server is
 * busy with: they end as CANCELLED then and the connection is closed, upon which the server
 * rolls back. (Looking up a host's name is the exception: the C library cannot be
 * interrupted in it.) A link belongs to one thread at a time.
 */
#ifndef CONNECTORS_POSTGRES_LINK_H
#define CONNECTORS_POSTGRES_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/stop.h"
#include "connectors/postgres/error.h"

struct pg_conn;
struct pg_result;
struct pg_link;

enum { PG_QUERY_MAX_PARAMS = 10 };

struct pg_link_options {
    const char *url;      /* "postgresql://..." or "key=value ..." */
    const char *password; /* NULL: only what url has */
    const char *application_name;
    const struct stop *stop; /* borrowed until close */
};

/* A statement with its values as text; NULL is SQL NULL. */
struct pg_query {
    const char *sql;
    unsigned nparams;
    const char *params[PG_QUERY_MAX_PARAMS];
};

/* A number as a value of a query. */
struct pg_number {
    char text[24]; /* 64 bits have at most 20 characters */
};
struct pg_number pg_number_make(int64_t number);

/*
 * Connects, within 10 s, and sets what a session of ours needs. INVALID_ARGUMENT: url is no
 * connection string; FAILED_PRECONDITION: the server is too old; UNAVAILABLE;
 * PERMISSION_DENIED; CANCELLED.
 */
struct status pg_link_open(const struct pg_link_options *options, struct pg_link **ret) MUST_CHECK;

/* NULL is allowed. What is open is rolled back. */
void pg_link_close(struct pg_link *link);

/* Whether the connection is gone: only close is left. */
bool pg_link_is_lost(const struct pg_link *link);

/* The error of the last function that failed. */
const struct pg_error *pg_link_get_error(const struct pg_link *link);

/* Which query of the last batch failed; their count if none did, or none answered. */
size_t pg_link_get_failed_query(const struct pg_link *link);

/*
 * The server's process and when it started, as its texts: they name it for as long as it
 * lives, and beyond.
 */
const char *pg_link_get_pid(const struct pg_link *link);
const char *pg_link_get_start_time(const struct pg_link *link);

/*
 * Appends name as an identifier; nothing if the link is lost or name is not UTF-8, so that
 * the statement is not sent, or is refused.
 */
void pg_link_quote(const struct pg_link *link, const char *name, struct buf *ret);

/* Runs statements without values, separated by ';'. */
struct status pg_link_run(struct pg_link *link, const char *sql) MUST_CHECK;

/* Runs one statement. *ret is its rows, owned by the caller (PQclear). */
struct status pg_link_query(struct pg_link *link, const struct pg_query *query,
                            struct pg_result **ret) MUST_CHECK;

/* Runs one statement; *ret is how many rows it gave. */
struct status pg_link_count(struct pg_link *link, const struct pg_query *query, size_t *ret)
    MUST_CHECK;

/*
 * Sends queries[0 .. nqueries) at once, so that the server needs nothing from us between
 * them. After one that fails the rest is not run. What failed: pg_link_get_failed_query.
 */
struct status pg_link_run_batch(struct pg_link *link, const struct pg_query *queries,
                                size_t nqueries) MUST_CHECK;

/*
 * Begins a transaction in which tables may be made: one session at a time in a database,
 * since IF NOT EXISTS alone can still fail for the second of two. No lock is waited for
 * longer than 10 s.
 */
struct status pg_link_begin_making(struct pg_link *link) MUST_CHECK;

/* Rolls back; if that cannot be done, the connection is lost, which comes to the same. */
void pg_link_rollback(struct pg_link *link);

/* For streams on top of a link. */
struct pg_conn *pg_link_get_conn(struct pg_link *link);
const struct stop *pg_link_get_stop(const struct pg_link *link);

/* Sends statements whose results are read by the functions below. */
struct status pg_link_send(struct pg_link *link, const char *sql) MUST_CHECK;

/* Whether the server has sent something that was not read. Does not block. */
bool pg_link_is_readable(const struct pg_link *link);

/* Sends what libpq holds. *ret_is_readable: whether the server sent something meanwhile. */
struct status pg_link_flush(struct pg_link *link, bool *ret_is_readable) MUST_CHECK;

/*
 * Waits for the next result; NULL: there are no more. It may be an error. Owned by the
 * caller.
 */
struct status pg_link_next_result(struct pg_link *link, struct pg_result **ret) MUST_CHECK;

/*
 * Reads all results; the first that is an error decides, and is kept as the session's
 * error.
 */
struct status pg_link_drain(struct pg_link *link) MUST_CHECK;

/* Keeps what failed as the link's error and makes a status of it. */
struct status pg_link_fail(struct pg_link *link, const struct pg_result *result) MUST_CHECK;

#endif
