/* A task and its data sources: while one names them they stay, in whatever order transactions end. */

#include <libpq-fe.h>

#include "base/compiler.h"
#include "tests/harness/postgres/server.h"
#include "tests/harness/test.h"
#include "tests/store/pg_fixture.h"

static const char make_task[] =
    "INSERT INTO task (id, kind, source, destination, spec, state, stage)"
    " VALUES ('t', 'BULKLOAD', 'files', 'db', '', 'PENDING', 'WAIT_FOR_START')";
static const char count_waiting[] = "SELECT count(*) FROM pg_stat_activity"
                                    " WHERE datname = current_database()"
                                    "   AND wait_event_type = 'Lock'";
static const char foreign_key_violation[] = "23503";

static PGconn *connect_to(const char *url)
{
    PGconn *pg = PQconnectdb(url);

    check_int(PQstatus(pg), CONNECTION_OK);
    return pg;
}

/* A database with the two data sources of make_task. */
static const char *make_database(void)
{
    const char *url = pg_fixture_make_database();

    pg_fixture_run(url, "INSERT INTO data_source (name, type, parameters_json)"
                        " VALUES ('files', 'FILE', '{}'), ('db', 'POSTGRES', '{}')");
    return url;
}

/* Ends what was asked for; its SQLSTATE is to be this one, "": it has succeeded. */
static void check_result(PGresult *result, const char *sqlstate)
{
    const char *found = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    check_str(found ? found : "", sqlstate);
    PQclear(result);
}

/* What the second session gets whose statement waits for the first one, which has done another and commits. */
static void check_second(const char *first_sql, const char *second_sql, const char *sqlstate)
{
    const char *url = make_database();
    PGconn *first = connect_to(url);
    PGconn *second = connect_to(url);

    check_result(PQexec(first, "BEGIN"), "");
    check_result(PQexec(first, first_sql), "");
    check_int(PQsendQuery(second, second_sql), 1);
    check(postgres_server_wait(url, count_waiting, "1"));
    check_result(PQexec(first, "COMMIT"), "");
    check_result(PQgetResult(second), sqlstate);
    PQfinish(first);
    PQfinish(second);
}

test(a_data_source_stays_while_a_task_names_it)
{
    static const char *const refused[] = {
        "DELETE FROM data_source WHERE name = 'files'", "DELETE FROM data_source WHERE name = 'db'",
        "UPDATE data_source SET name = 'other' WHERE name = 'files'"};
    PGconn *pg = connect_to(make_database());

    check_result(PQexec(pg, make_task), "");
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        check_result(PQexec(pg, refused[i]), foreign_key_violation);
    check_result(PQexec(pg, "UPDATE data_source SET parameters_json = '{\"a\": 1}'"), "");
    check_result(PQexec(pg, "DELETE FROM task"), "");
    check_result(PQexec(pg, "DELETE FROM data_source"), "");
    PQfinish(pg);
}

test(a_task_of_a_data_source_that_is_not_there_is_refused)
{
    PGconn *pg = connect_to(make_database());

    check_result(PQexec(pg, "DELETE FROM data_source WHERE name = 'db'"), "");
    check_result(PQexec(pg, make_task), foreign_key_violation);
    PQfinish(pg);
}

test(who_deletes_a_data_source_sees_the_task_that_was_made_before)
{
    check_second(make_task, "DELETE FROM data_source WHERE name = 'files'", foreign_key_violation);
}

test(who_makes_a_task_sees_that_its_data_source_was_deleted_before)
{
    check_second("DELETE FROM data_source WHERE name = 'files'", make_task, foreign_key_violation);
}

test(who_changes_a_data_source_holds_up_no_task)
{
    const char *url = make_database();
    PGconn *first = connect_to(url);
    PGconn *second = connect_to(url);

    check_result(PQexec(first, "BEGIN"), "");
    check_result(PQexec(first, "UPDATE data_source SET version = version + 1"), "");
    check_result(PQexec(second, make_task), "");
    check_result(PQexec(first, "COMMIT"), "");
    PQfinish(first);
    PQfinish(second);
}
