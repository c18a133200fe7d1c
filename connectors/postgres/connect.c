#include "connectors/postgres/connect.h"

#include <assert.h>
#include <poll.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "connectors/postgres/error.h"
#include "connectors/postgres/link.h"
#include "connectors/postgres/wait.h"

enum { TIMEOUT_MS = 10 * 1000 };

/* A string that libpq cannot read may hold a password, so libpq's own text about it is not shown. */
static struct status validate_url(const char *url)
{
    PQconninfoOption *parsed = PQconninfoParse(url, NULL);

    if (!parsed)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "the data source's url is not a connection string of PostgreSQL");
    PQconninfoFree(parsed);
    return status_ok();
}

static PGconn *start(const struct pg_link_options *options)
{
    /* What stands before dbname is a default that the url may change; what stands behind it holds. */
    const char *const keys[] = {"keepalives_idle",
                                "keepalives_interval",
                                "keepalives_count",
                                "tcp_user_timeout",
                                "target_session_attrs",
                                "dbname",
                                "client_encoding",
                                "application_name",
                                options->password ? "password" : NULL,
                                NULL};
    const char *const values[] = {"10",
                                  "5",
                                  "3",
                                  "30000",
                                  "read-write",
                                  options->url,
                                  "UTF8",
                                  options->application_name,
                                  options->password,
                                  NULL};

    return PQconnectStartParams(keys, values, 1);
}

/* Why the connection could not be made. The server's code is in the text because errors are verbose. */
static struct status explain(const PGconn *conn)
{
    struct pg_error error;

    pg_error_read_connection(PQerrorMessage(conn), &error);
    /* libpq has no codes for what it finds wrong itself: "invalid port number", "invalid sslmode value". */
    if (error.sqlstate[0] == '\0' && str_has_prefix(str_from(error.message), "invalid "))
        return status_error(STATUS_INVALID_ARGUMENT, "the data source's url: %s", error.message);
    return pg_error_get_status(&error);
}

static struct status finish(PGconn *conn, const struct stop *stop)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + TIMEOUT_MS;
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;

    while (next != PGRES_POLLING_OK) {
        short events = 0;

        if (next == PGRES_POLLING_FAILED || PQstatus(conn) == CONNECTION_BAD)
            return explain(conn);
        struct status st = pg_wait(PQsocket(conn), next == PGRES_POLLING_READING ? POLLIN : POLLOUT,
                                   stop, deadline_ms, &events);
        if (st.code == STATUS_DEADLINE_EXCEEDED)
            return status_error(STATUS_UNAVAILABLE, "PostgreSQL does not answer");
        if (st.code != STATUS_OK)
            return st;
        next = PQconnectPoll(conn);
    }
    return status_ok();
}

/* libpq would print on standard error: notices, and why the server ended an idle session. */
static void ignore_notice(void *arg, const PGresult *notice)
{
    (void)arg;
    (void)notice;
}

struct status pg_connect(const struct pg_link_options *options, PGconn **ret)
{
    struct status st = validate_url(options->url);

    if (st.code == STATUS_OK && stop_is_requested(options->stop))
        st = status_error(STATUS_CANCELLED, "stop was requested");
    if (st.code != STATUS_OK)
        return st;

    PGconn *conn = start(options);
    assert(conn); /* NULL: out of memory */
    PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
    (void)PQsetNoticeReceiver(conn, ignore_notice, NULL);
    st = finish(conn, options->stop);
    if (st.code == STATUS_OK && PQsetnonblocking(conn, 1) != 0)
        st = explain(conn);
    if (st.code != STATUS_OK) {
        PQfinish(conn);
        return st;
    }
    PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
    *ret = conn;
    return st;
}
