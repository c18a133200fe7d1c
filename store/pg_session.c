#include "store/pg_session.h"

#include <libpq-fe.h>

#include "base/mem.h"
#include "base/str.h"
#include "store/database_url.h"
#include "store/sqlstate.h"

struct pg_session {
    PGconn *pg;
};

struct pg_session_rows {
    PGresult *result;
};

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

struct status pg_session_open(const char *database_url, struct pg_session **ret)
{
    static const char *const names[] = {"fallback_application_name", "connect_timeout",
                                        "target_session_attrs",      "dbname",
                                        "client_encoding",           NULL};
    const char *const values[] = {"sluice", "10", "primary", database_url, "UTF8", NULL};
    struct status st = database_url_validate(database_url);

    if (st.code != STATUS_OK)
        return st;
    PGconn *pg = PQconnectdbParams(names, values, 1);
    if (PQstatus(pg) != CONNECTION_OK) {
        struct str text = str_from(PQerrorMessage(pg));
        struct str line = str_trim(str_cut(&text, '\n'));
        st = status_error(STATUS_UNAVAILABLE, "%.*s", (int)line.len, line.data);
        PQfinish(pg);
        return st;
    }
    (void)PQsetNoticeReceiver(pg, ignore_notice, NULL);

    struct pg_session *session = mem_alloc(sizeof(*session));
    session->pg = pg;
    *ret = session;
    return status_ok();
}

void pg_session_close(struct pg_session *session)
{
    if (!session)
        return;
    PQfinish(session->pg);
    mem_free(session);
}

static struct status check_result(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
        return status_ok();
    return sqlstate_get_status(result);
}

struct status pg_session_run(struct pg_session *session, const char *sql)
{
    PGresult *result = PQexec(session->pg, sql);
    struct status st = check_result(result);

    PQclear(result);
    return st;
}

struct status pg_session_query(struct pg_session *session, const char *sql,
                               const char *const *params, int nparams, struct pg_session_rows **ret)
{
    PGresult *result = PQexecParams(session->pg, sql, nparams, NULL, params, NULL, NULL, 0);
    struct status st = check_result(result);

    if (st.code != STATUS_OK) {
        PQclear(result);
        return st;
    }
    *ret = mem_alloc(sizeof(**ret));
    (*ret)->result = result;
    return status_ok();
}

size_t pg_session_rows_get_count(const struct pg_session_rows *rows)
{
    return (size_t)PQntuples(rows->result);
}

const char *pg_session_rows_get(const struct pg_session_rows *rows, size_t row, int column)
{
    if (PQgetisnull(rows->result, (int)row, column))
        return NULL;
    return PQgetvalue(rows->result, (int)row, column);
}

void pg_session_rows_destroy(struct pg_session_rows *rows)
{
    if (!rows)
        return;
    PQclear(rows->result);
    mem_free(rows);
}
