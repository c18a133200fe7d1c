#include "connectors/postgres/connect.h"

#include <assert.h>
#include <poll.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "connectors/postgres/error.h"
#include "connectors/postgres/link.h"
#include "connectors/postgres/wait.h"

enum { TIMEOUT_MS = 10 * 1000 };

/*
 * libpq's words about a string that it cannot read quote it, password and all, and are not
 * shown. What it says of a host or a port is, so these must be such: an '@' or a '/' that
 * stands in a password as it is ends it, and what follows passes for one of them.
 */
static bool is_misread(const PQconninfoOption *option)
{
    if (!option->val)
        return false;
    if (strcmp(option->keyword, "port") == 0)
        return option->val[strspn(option->val, "0123456789,")] != '\0';
    if (strcmp(option->keyword, "host") != 0)
        return false;
    /*
     * A host may begin with '@', which is a socket without a file; and there may be a list
     * of them.
     */
    for (const char *at = option->val; (at = strchr(at, '@')); at++) {
        if (at != option->val && at[-1] != ',')
            return true;
    }
    return false;
}

static struct status validate_url(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    bool is_right = true;

    if (!options)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "the data source's url is not a connection string of PostgreSQL");
    for (const PQconninfoOption *option = options; option->keyword; option++)
        is_right = is_right && !is_misread(option);
    PQconninfoFree(options);
    if (!is_right)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "the data source's url has no host or no port where one should be; in "
                            "a password '@' is written %%40 and '/' is written %%2F");
    return status_ok();
}

static PGconn *start(const struct pg_link_options *options)
{
    /*
     * What stands before dbname is a default that the url may change; what stands behind it
     * holds.
     */
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

/*
 * Why the connection could not be made. The server's code is in the text because errors are
 * verbose.
 */
static struct status explain(const PGconn *conn)
{
    struct pg_error error;

    if (PQconnectionNeedsPassword(conn))
        return status_error(STATUS_PERMISSION_DENIED, "PostgreSQL: a password is needed");
    pg_error_read_connection(PQerrorMessage(conn), &error);
    /* libpq has no codes for what it finds wrong itself: "invalid sslmode value". */
    if (error.sqlstate[0] == '\0' && str_has_prefix(str_from(error.message), "invalid "))
        return status_error(STATUS_INVALID_ARGUMENT, "the data source's url: %s", error.message);
    struct status st = pg_error_get_status(&error);
    /* No statement of ours is at fault: it has no room for its own files, say, which passes. */
    if (st.code == STATUS_INTERNAL)
        st.code = STATUS_UNAVAILABLE;
    return st;
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

/*
 * libpq would print on standard error: notices, and why the server ended an idle session.
 */
static void ignore_notice(void *arg, const PGresult *notice)
{
    (void)arg;
    (void)notice;
}

struct status pg_connect(const struct pg_link_options *options, PGconn **ret)
{
    struct status st = validate_url(options->url);

    if (st.code == STATUS_OK)
        st = pg_check_stop(options->stop);
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
