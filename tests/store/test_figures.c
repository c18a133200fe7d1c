/* Tasks that end are counted once, in whatever order transactions end and however often one looks. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "store/figure_store.h"
#include "tests/harness/test.h"
#include "tests/store/pg_fixture.h"

enum { TEXT_BYTES = 8192 };

static PGconn *open_session(const char *url)
{
    PGconn *pg = PQconnectdb(url);

    check_int(PQstatus(pg), CONNECTION_OK);
    return pg;
}

static void run(PGconn *pg, const char *sql)
{
    PGresult *result = PQexec(pg, sql);

    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        printf("%s: %s", sql, PQresultErrorMessage(result));
    check(PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK);
    PQclear(result);
}

/* A task a, b and so on that runs, for each letter. */
static void make_tasks(PGconn *pg, const char *letters)
{
    char sql[512];

    for (; *letters != '\0'; letters++) {
        (void)snprintf(sql, sizeof(sql),
                       "INSERT INTO task (id, kind, source, destination, spec, state, stage)"
                       " VALUES ('%c', 'BULKLOAD', 's', 'd', '', 'PENDING', 'WAIT_FOR_START');"
                       "SELECT task_move('%c', 'RUNNING', 'WAIT_FOR_SUCCESS', '', 'w')",
                       *letters, *letters);
        run(pg, sql);
    }
}

static const char *make_database(void)
{
    const char *url = pg_fixture_make_database();

    pg_fixture_run(url, "INSERT INTO data_source (name, type, parameters_json)"
                        " VALUES ('s', 'FILE', '{}'), ('d', 'POSTGRES', '{}')");
    return url;
}

/* A task ends, or tells something. */
static void move(PGconn *pg, const char *task, const char *state, const char *message)
{
    char sql[256];

    (void)snprintf(sql, sizeof(sql), "SELECT task_move('%s', '%s', 'FINISHED', '%s', 'w')", task,
                   state, message);
    run(pg, sql);
}

/* Who looks again and again. */
struct reader {
    PGconn *pg;
    char snapshot[TEXT_BYTES]; /* "": it has not looked yet */
    char time[32];
};

/* What has ended since the last look: "FAILED 2 (1 lost), KILLED 1 (0 lost)". */
static const char *look(struct reader *reader, char ret[TEXT_BYTES])
{
    char snapshots[TEXT_BYTES + 8], times[64];
    const char *const params[] = {snapshots, times};
    struct buf text = {0};

    (void)snprintf(snapshots, sizeof(snapshots), *reader->snapshot ? "{\"%s\"}" : "{NULL}",
                   reader->snapshot);
    (void)snprintf(times, sizeof(times), "{%s}", *reader->snapshot ? reader->time : "0");
    PGresult *rows = PQexecParams(reader->pg, figure_ends.sql, (int)ARRAY_LEN(params), NULL, params,
                                  NULL, NULL, 0);
    if (PQresultStatus(rows) != PGRES_TUPLES_OK)
        printf("%s", PQresultErrorMessage(rows));
    check(PQresultStatus(rows) == PGRES_TUPLES_OK && PQntuples(rows) > 0);
    for (int i = 0; i < PQntuples(rows) && !PQgetisnull(rows, i, 3); i++)
        buf_printf(&text, "%s%s %s (%s lost)", i > 0 ? ", " : "", PQgetvalue(rows, i, 4),
                   PQgetvalue(rows, i, 5), PQgetvalue(rows, i, 6));
    (void)snprintf(reader->snapshot, sizeof(reader->snapshot), "%s", PQgetvalue(rows, 0, 1));
    (void)snprintf(reader->time, sizeof(reader->time), "%s", PQgetvalue(rows, 0, 2));
    (void)snprintf(ret, TEXT_BYTES, "%s", buf_get_text(&text));
    buf_deinit(&text);
    PQclear(rows);
    return ret;
}

test(ends_are_counted_by_state_and_once)
{
    const char *url = make_database();
    PGconn *pg = open_session(url);
    struct reader reader = {.pg = open_session(url)};
    char text[TEXT_BYTES];

    make_tasks(pg, "abcdefg");
    move(pg, "a", "SUCCEEDED", "");
    check_str(look(&reader, text), ""); /* what was before the first look is the past */
    move(pg, "b", "SUCCEEDED", "");
    move(pg, "c", "SUCCEEDED", "");
    move(pg, "d", "FAILED", "no such file");
    move(pg, "e", "FAILED", "given up: lost by its workers 20 times in a row without progress");
    move(pg, "f", "KILLED", "");
    check_str(look(&reader, text), "FAILED 2 (1 lost), KILLED 1 (0 lost), SUCCEEDED 2 (0 lost)");
    check_str(look(&reader, text), "");
    move(pg, "f", "KILLED", "its peer cannot be removed yet"); /* it tells, and has ended before */
    check_str(look(&reader, text), "");
    move(pg, "f", "PENDING", ""); /* a retry */
    move(pg, "f", "SUCCEEDED", "");
    check_str(look(&reader, text), "SUCCEEDED 1 (0 lost)");
    PQfinish(pg);
    PQfinish(reader.pg);
}

test(ends_that_are_committed_out_of_order_are_counted)
{
    const char *url = make_database();
    PGconn *early = open_session(url), *late = open_session(url);
    struct reader reader = {.pg = open_session(url)};
    char text[TEXT_BYTES];

    make_tasks(late, "abc");
    check_str(look(&reader, text), "");
    run(early, "BEGIN");
    move(early, "a", "FAILED", "x");
    move(late, "b", "SUCCEEDED", "");
    check_str(look(&reader, text), "SUCCEEDED 1 (0 lost)");
    run(early, "COMMIT");
    check_str(look(&reader, text), "FAILED 1 (0 lost)");
    run(early, "BEGIN");
    move(early, "c", "KILLED", "");
    check_str(look(&reader, text), "");
    run(early, "ROLLBACK");
    check_str(look(&reader, text), "");
    PQfinish(early);
    PQfinish(late);
    PQfinish(reader.pg);
}

test(tasks_that_are_deleted_count_as_far_as_their_end_is_known_to_be_new)
{
    const char *url = make_database();
    PGconn *pg = open_session(url);
    struct reader reader = {.pg = open_session(url)};
    char text[TEXT_BYTES];

    make_tasks(pg, "ab");
    check_str(look(&reader, text), "");
    run(pg, "SELECT task_delete('a', '{RUNNING}')");
    check_str(look(&reader, text), "KILLED 1 (0 lost)");
    move(pg, "b", "SUCCEEDED", "");
    check_str(look(&reader, text), "SUCCEEDED 1 (0 lost)");
    run(pg, "SELECT task_delete('b', '{SUCCEEDED}')");
    check_str(look(&reader, text), "");
    make_tasks(pg, "c"); /* made, ended and deleted between two looks */
    move(pg, "c", "FAILED", "x");
    run(pg, "SELECT task_delete('c', '{FAILED}')");
    check_str(look(&reader, text), "FAILED 1 (0 lost)");
    PQfinish(pg);
    PQfinish(reader.pg);
}
