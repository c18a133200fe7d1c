/*
 * connectors/postgres/link.c - see link.h.
 *
 * Every wait is a poll in slices (wait.h), so libpq is always in its non-blocking mode. A
 * batch is libpq's pipeline mode: all queries and one sync. It is entered for a batch and
 * left behind it, since COPY is not allowed inside.
 */
#include "connectors/postgres/link.h"

#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/mem.h"
#include "connectors/postgres/connect.h"
#include "connectors/postgres/wait.h"

enum {
    MIN_VERSION = 120000,   /* generated columns are in the catalog since then */
    NEWER_VERSION = 140000, /* has newer_settings and check_interval */
    START_TIME_BYTES = 48,  /* a timestamptz in ISO style has at most 32 */
};

struct pg_link {
    PGconn *conn;
    const struct stop *stop;
    bool is_lost;
    size_t failed_query;
    struct pg_error error;
    struct pg_number pid;
    char start_time[START_TIME_BYTES];
};

/*
 * Behaviour that must not depend on the server's settings. search_path is left alone, since
 * triggers of the user's tables may count on it; so is synchronous_commit.
 */
static const char settings[] = "SET TimeZone = 'UTC';"
                               "SET DateStyle = 'ISO, YMD';"
                               "SET client_min_messages = error;"
                               "SET statement_timeout = 0;"
                               "SET idle_in_transaction_session_timeout = 0;"
                               "SET default_transaction_isolation = 'read committed';"
                               "SET lock_timeout = '60s'";

static const char newer_settings[] = "SET idle_session_timeout = 0";

/*
 * Without it a server that waits for a lock would not see that we went away. Not every system
 * that the server runs on has the means.
 */
static const char check_interval[] = "SET client_connection_check_interval = '1s'";

static const char who_am_i[] =
    "SELECT backend_start::text FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid()";

/* The lock's number is "sluice" in ASCII. */
static const char begin_making[] = "BEGIN;"
                                   "SET LOCAL lock_timeout = '10s';"
                                   "SELECT pg_catalog.pg_advisory_xact_lock(126909663503205)";

struct pg_number pg_number_make(int64_t number)
{
    struct pg_number ret;

    (void)snprintf(ret.text, sizeof(ret.text), "%" PRId64, number);
    return ret;
}

/* Closes the connection at once, so that the server learns of it. */
static void lose(struct pg_link *link)
{
    PQfinish(link->conn);
    link->conn = NULL;
    link->is_lost = true;
}

struct status pg_link_fail(struct pg_link *link, const PGresult *result)
{
    if (result)
        pg_error_read(result, &link->error);
    else
        pg_error_read_connection(PQerrorMessage(link->conn), &link->error);

    struct status st = pg_error_get_status(&link->error);
    if (PQstatus(link->conn) == CONNECTION_BAD)
        lose(link);
    return st;
}

/* Waits for the socket; a failure loses the connection. */
static struct status wait_for(struct pg_link *link, short events, short *ret_events)
{
    struct status st = pg_wait(PQsocket(link->conn), events, link->stop, 0, ret_events);

    if (st.code != STATUS_OK) {
        link->error = (struct pg_error){0};
        lose(link);
    }
    return st;
}

/* Takes in what the server sent. */
static struct status consume(struct pg_link *link)
{
    if (PQconsumeInput(link->conn))
        return status_ok();

    struct status st = pg_link_fail(link, NULL);
    if (!link->is_lost)
        lose(link);
    return st;
}

struct status pg_link_flush(struct pg_link *link, bool *ret_is_readable)
{
    for (;;) {
        int left = PQflush(link->conn);
        short events = 0;
        struct status st;

        if (left == 0)
            return status_ok();
        if (left < 0)
            return consume(link); /* which finds what the server said before it went */
        st = wait_for(link, POLLIN | POLLOUT, &events);
        if (st.code == STATUS_OK && (events & POLLIN) != 0) {
            *ret_is_readable = true;
            st = consume(link);
        }
        if (st.code != STATUS_OK)
            return st;
    }
}

struct status pg_link_next_result(struct pg_link *link, PGresult **ret)
{
    while (PQisBusy(link->conn)) {
        short events = 0;
        struct status st = wait_for(link, POLLIN, &events);

        if (st.code == STATUS_OK)
            st = consume(link);
        if (st.code != STATUS_OK)
            return st;
    }
    *ret = PQgetResult(link->conn);
    return status_ok();
}

static bool is_error(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

struct status pg_link_drain(struct pg_link *link)
{
    struct status first = status_ok();

    while (!link->is_lost) {
        PGresult *result = NULL;
        struct status st = pg_link_next_result(link, &result);

        if (st.code != STATUS_OK)
            return first.code != STATUS_OK ? first : st;
        if (!result)
            break;
        if (first.code == STATUS_OK && is_error(result))
            first = pg_link_fail(link, result);
        PQclear(result);
    }
    return first;
}

/* Begins to send; is_sent is what libpq's function gave back. */
static struct status check_sent(struct pg_link *link, int is_sent)
{
    bool is_readable = false;

    if (!is_sent)
        return pg_link_fail(link, NULL);
    return pg_link_flush(link, &is_readable);
}

/* Before each statement. */
static struct status check_usable(struct pg_link *link)
{
    link->error = (struct pg_error){0};
    if (!link->is_lost)
        return status_ok();
    /* Whoever went on after a stop was noticed is to hear of the stop, not of what it did to the connection. */
    struct status st = pg_check_stop(link->stop);
    if (st.code == STATUS_OK)
        st = status_error(STATUS_UNAVAILABLE, "the connection to PostgreSQL is lost");
    return st;
}

struct status pg_link_send(struct pg_link *link, const char *sql)
{
    struct status st = check_usable(link);

    if (st.code == STATUS_OK)
        st = check_sent(link, PQsendQuery(link->conn, sql));
    return st;
}

bool pg_link_is_readable(const struct pg_link *link)
{
    struct pollfd item = {.fd = PQsocket(link->conn), .events = POLLIN};

    return poll(&item, 1, 0) > 0;
}

struct status pg_link_run(struct pg_link *link, const char *sql)
{
    struct status st = pg_link_send(link, sql);

    if (st.code == STATUS_OK)
        st = pg_link_drain(link);
    return st;
}

static int send_query(PGconn *conn, const struct pg_query *query)
{
    return PQsendQueryParams(conn, query->sql, (int)query->nparams, NULL, query->params, NULL, NULL,
                             0);
}

struct status pg_link_query(struct pg_link *link, const struct pg_query *query, PGresult **ret)
{
    PGresult *result = NULL;
    struct status st = check_usable(link);

    if (st.code == STATUS_OK)
        st = check_sent(link, send_query(link->conn, query));
    if (st.code == STATUS_OK)
        st = pg_link_next_result(link, &result);
    if (st.code != STATUS_OK)
        return st;

    if (is_error(result))
        st = pg_link_fail(link, result);
    if (!link->is_lost) {
        struct status rest = pg_link_drain(link);
        if (st.code == STATUS_OK)
            st = rest;
    }
    if (st.code != STATUS_OK) {
        PQclear(result);
        return st;
    }
    *ret = result;
    return st;
}

struct status pg_link_count(struct pg_link *link, const struct pg_query *query, size_t *ret)
{
    PGresult *rows = NULL;
    struct status st = pg_link_query(link, query, &rows);

    if (st.code == STATUS_OK)
        *ret = (size_t)PQntuples(rows);
    PQclear(rows);
    return st;
}

/* Reads the answers of a batch of nqueries up to its sync. */
static struct status read_batch(struct pg_link *link, size_t nqueries)
{
    struct status first = status_ok();
    size_t nanswered = 0;

    for (;;) {
        PGresult *result = NULL;
        struct status st = pg_link_next_result(link, &result);

        if (st.code != STATUS_OK)
            return first.code != STATUS_OK ? first : st;
        if (!result && PQstatus(link->conn) == CONNECTION_BAD) {
            st = pg_link_fail(link, NULL);
            return first.code != STATUS_OK ? first : st;
        }
        if (!result) { /* the end of one query's results */
            nanswered++;
            continue;
        }
        bool is_sync = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        if (first.code == STATUS_OK && is_error(result)) {
            link->failed_query = nanswered < nqueries ? nanswered : nqueries;
            first = pg_link_fail(link, result);
        }
        PQclear(result);
        if (is_sync || link->is_lost)
            return first;
    }
}

struct status pg_link_run_batch(struct pg_link *link, const struct pg_query *queries,
                                size_t nqueries)
{
    struct status st = check_usable(link);

    link->failed_query = nqueries;
    if (st.code != STATUS_OK)
        return st;

    int is_sent = PQenterPipelineMode(link->conn);
    for (size_t i = 0; i < nqueries && is_sent; i++)
        is_sent = send_query(link->conn, &queries[i]);
    if (is_sent)
        is_sent = PQpipelineSync(link->conn);
    st = check_sent(link, is_sent);
    if (st.code == STATUS_OK)
        st = read_batch(link, nqueries);
    if (!link->is_lost && !PQexitPipelineMode(link->conn))
        lose(link);
    return st;
}

struct status pg_link_begin_making(struct pg_link *link)
{
    return pg_link_run(link, begin_making);
}

void pg_link_rollback(struct pg_link *link)
{
    if (link->is_lost || PQtransactionStatus(link->conn) == PQTRANS_IDLE)
        return;
    struct pg_error kept = link->error;
    struct status st = pg_link_run(link, "ROLLBACK");
    if (st.code != STATUS_OK && !link->is_lost)
        lose(link);
    link->error = kept;
}

static struct status apply_settings(struct pg_link *link, int version)
{
    struct status st = pg_link_run(link, settings);

    if (st.code == STATUS_OK && version >= NEWER_VERSION)
        st = pg_link_run(link, newer_settings);
    if (st.code == STATUS_OK && version >= NEWER_VERSION) {
        st = pg_link_run(link, check_interval);
        if (st.code != STATUS_OK && pg_error_is(&link->error, "22"))
            st = status_ok();
    }
    return st;
}

/* Prepares a session that is connected. */
static struct status set_up(struct pg_link *link)
{
    int version = PQserverVersion(link->conn);
    struct pg_query query = {.sql = who_am_i};
    PGresult *rows = NULL;

    if (version < MIN_VERSION)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "the server is PostgreSQL %d; 12 or newer is needed", version / 10000);
    struct status st = apply_settings(link, version);
    if (st.code == STATUS_OK)
        st = pg_link_query(link, &query, &rows);
    if (st.code != STATUS_OK)
        return st;
    link->pid = pg_number_make(PQbackendPID(link->conn));
    if (PQntuples(rows) == 1)
        (void)snprintf(link->start_time, sizeof(link->start_time), "%s", PQgetvalue(rows, 0, 0));
    PQclear(rows);
    return st;
}

struct status pg_link_open(const struct pg_link_options *options, struct pg_link **ret)
{
    PGconn *conn = NULL;
    struct status st = pg_connect(options, &conn);

    if (st.code != STATUS_OK)
        return st;
    struct pg_link *link = mem_alloc(sizeof(*link));
    link->stop = options->stop;
    link->conn = conn;
    st = set_up(link);
    if (st.code != STATUS_OK) {
        pg_link_close(link);
        return st;
    }
    *ret = link;
    return st;
}

void pg_link_close(struct pg_link *link)
{
    if (!link)
        return;
    PQfinish(link->conn);
    mem_free(link);
}

bool pg_link_is_lost(const struct pg_link *link)
{
    return link->is_lost;
}

const struct pg_error *pg_link_get_error(const struct pg_link *link)
{
    return &link->error;
}

size_t pg_link_get_failed_query(const struct pg_link *link)
{
    return link->failed_query;
}

const char *pg_link_get_pid(const struct pg_link *link)
{
    return link->pid.text;
}

const char *pg_link_get_start_time(const struct pg_link *link)
{
    return link->start_time;
}

PGconn *pg_link_get_conn(struct pg_link *link)
{
    return link->conn;
}

const struct stop *pg_link_get_stop(const struct pg_link *link)
{
    return link->stop;
}

void pg_link_quote(const struct pg_link *link, const char *name, struct buf *ret)
{
    char *quoted = link->is_lost ? NULL : PQescapeIdentifier(link->conn, name, strlen(name));

    if (!quoted)
        return;
    buf_append_text(ret, quoted);
    PQfreemem(quoted);
}
