#include "store/sqlstate.h"

#include <libpq-fe.h>

#include "base/compiler.h"
#include "tests/harness/postgres/server.h"
#include "tests/harness/test.h"

test(sqlstate_becomes_the_code_of_its_row)
{
    static const struct {
        const char *sqlstate;
        enum status_code code;
    } cases[] = {
        {"22001", STATUS_INVALID_ARGUMENT},
        {"22P02", STATUS_INVALID_ARGUMENT},
        {"23505", STATUS_ALREADY_EXISTS},
        {"23503", STATUS_FAILED_PRECONDITION},
        {"23514", STATUS_FAILED_PRECONDITION},
        {"23502", STATUS_INTERNAL},
        {"40001", STATUS_ABORTED},
        {"40P01", STATUS_ABORTED},
        {"53300", STATUS_RESOURCE_EXHAUSTED},
        {"57014", STATUS_DEADLINE_EXCEEDED},
        {"57P01", STATUS_UNAVAILABLE},
        {"57P03", STATUS_UNAVAILABLE},
        {"08006", STATUS_UNAVAILABLE},
        {"25006", STATUS_UNAVAILABLE},
        {"25001", STATUS_INTERNAL},
        {"42P01", STATUS_INTERNAL},
        {"XX000", STATUS_INTERNAL},
        {"", STATUS_INTERNAL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_int(sqlstate_get_code(cases[i].sqlstate), cases[i].code);
}

/* As the store's, for whom a PGresult has another name. */
static struct status fail(const char *url, const char *sql)
{
    PGconn *conn = PQconnectdb(url);
    PGresult *result = PQexec(conn, sql);
    struct status st = sqlstate_get_status(result);

    PQclear(result);
    PQfinish(conn);
    return st;
}

test(a_failed_statement_has_the_code_and_the_words_of_the_server)
{
    const char *url = postgres_server_make_database();
    struct status st = fail(url, "SELECT 1 / 0");

    check_status(st, STATUS_INVALID_ARGUMENT);
    check_str(st.text, "division by zero");
}

test(what_libpq_says_itself_is_of_a_lost_connection)
{
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_FATAL_ERROR);

    check_status(sqlstate_get_status(result), STATUS_UNAVAILABLE);
    PQclear(result);
}
