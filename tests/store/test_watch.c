/* The history of all tasks is told whole and once, in whatever order transactions end. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/buf.h"
#include "store/task_watch_store.h"
#include "tests/harness/test.h"
#include "tests/store/calls.h"
#include "tests/store/pg_fixture.h"

enum { TEXT_BYTES = 32768, NWRITERS = 6, NWRITES = 150 };

static PGconn *open_session(const char *url)
{
    PGconn *pg = PQconnectdb(url);

    check_int(PQstatus(pg), CONNECTION_OK);
    return pg;
}

/* The first value of the first row, "" if there is none. */
static const char *ask(PGconn *pg, char ret[TEXT_BYTES], const char *sql)
{
    PGresult *result = PQexec(pg, sql);

    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
        printf("%s: %s", sql, PQresultErrorMessage(result));
    check(PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK);
    (void)snprintf(ret, TEXT_BYTES, "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return ret;
}

static void run(PGconn *pg, const char *sql)
{
    char text[TEXT_BYTES];

    (void)ask(pg, text, sql);
}

/* A database with the tasks a, b and so on. */
static const char *make_tasks(void)
{
    const char *url = pg_fixture_make_database();

    pg_fixture_run(url, "INSERT INTO data_source (name, type, parameters_json)"
                        " VALUES ('s', 'FILE', '{}'), ('d', 'POSTGRES', '{}');"
                        "INSERT INTO task (id, kind, source, destination, spec, state, stage)"
                        " SELECT chr(96 + n), 'BULKLOAD', 's', 'd', '', 'PENDING',"
                        "        'WAIT_FOR_START' FROM generate_series(1, 26) n");
    return url;
}

/* A change of a task, as all that change tasks make it: under the task's lock. */
static void change(PGconn *pg, const char *task, const char *actor)
{
    char sql[512];

    (void)snprintf(sql, sizeof(sql),
                   "UPDATE task SET version = version + 1 WHERE id = '%s';"
                   "INSERT INTO task_event (task_id, actor, state, stage)"
                   " VALUES ('%s', '%s', 'PENDING', 'WAIT_FOR_START')",
                   task, task, actor);
    run(pg, sql);
}

/* What one reads who asks again and again: a snapshot after the other. */
struct reader {
    PGconn *pg;
    char told[TEXT_BYTES];
};

static void reader_open(struct reader *reader, const char *url)
{
    reader->pg = open_session(url);
    (void)ask(reader->pg, reader->told, "SELECT task_change_snapshot()");
}

/* The actors of the changes that are new, in their order: "x,y". */
static const char *read_new(struct reader *reader, char ret[TEXT_BYTES])
{
    char next[TEXT_BYTES];
    struct buf sql = {0};

    (void)ask(reader->pg, next, "SELECT task_change_snapshot()");
    buf_printf(&sql,
               "SELECT string_agg(coalesce(e.actor, 'deleted'), ',' ORDER BY c.seq)"
               "  FROM task_changes(NULL, '%s', '%s', 0, 100000) c"
               "  LEFT JOIN task_event e ON e.task_id = c.task_id AND e.seq = c.seq",
               reader->told, next);
    (void)ask(reader->pg, ret, buf_get_text(&sql));
    buf_deinit(&sql);
    memcpy(reader->told, next, sizeof(next));
    return ret;
}

test(what_is_committed_out_of_order_is_told_once)
{
    const char *url = make_tasks();
    PGconn *early = open_session(url), *late = open_session(url);
    struct reader reader;
    char text[TEXT_BYTES];

    reader_open(&reader, url);
    run(early, "BEGIN");
    change(early, "a", "early");
    change(late, "b", "late");
    check_str(read_new(&reader, text), "late");
    check_str(read_new(&reader, text), "");
    change(late, "b", "later");
    run(early, "COMMIT");
    check_str(read_new(&reader, text), "early,later");
    check_str(read_new(&reader, text), "");
    PQfinish(early);
    PQfinish(late);
    PQfinish(reader.pg);
}

test(what_is_rolled_back_is_never_told)
{
    const char *url = make_tasks();
    PGconn *pg = open_session(url);
    struct reader reader;
    char text[TEXT_BYTES];

    reader_open(&reader, url);
    run(pg, "BEGIN");
    change(pg, "a", "undone");
    check_str(read_new(&reader, text), "");
    run(pg, "ROLLBACK");
    change(pg, "a", "done");
    check_str(read_new(&reader, text), "done");
    PQfinish(pg);
    PQfinish(reader.pg);
}

test(a_task_that_is_deleted_leaves_a_trace)
{
    const char *url = make_tasks();
    PGconn *pg = open_session(url);
    struct reader reader;
    char text[TEXT_BYTES];

    reader_open(&reader, url);
    change(pg, "a", "x");
    run(pg, "SELECT task_delete('a', '{PENDING}')");
    run(pg, "SELECT task_delete('b', '{RUNNING}')"); /* it is in another state */
    check_str(read_new(&reader, text), "deleted");
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task_tombstone"
                                         " WHERE task_id = 'a' AND state = 'PENDING'"),
              1);
    PQfinish(pg);
    PQfinish(reader.pg);
}

/* Many sessions write at once, each now and then with the last one's transaction still open. */
struct writer {
    const char *url;
    unsigned number;
    atomic_uint *nrunning;
};

static void *write_all(void *arg)
{
    struct writer *writer = arg;
    PGconn *pg = open_session(writer->url);
    char task[2] = {(char)('a' + writer->number), '\0'};

    for (unsigned i = 0; i < NWRITES; i++) {
        char actor[32];
        (void)snprintf(actor, sizeof(actor), "w%u.%u", writer->number, i);
        run(pg, "BEGIN");
        change(pg, task, actor);
        if ((i + writer->number) % 3 == 0)
            run(pg, "SELECT pg_sleep(0.002)"); /* so that others pass it */
        run(pg, i % 7 == 6 ? "ROLLBACK" : "COMMIT");
    }
    PQfinish(pg);
    atomic_fetch_sub(writer->nrunning, 1);
    return NULL;
}

test(many_writers_at_once_are_told_whole_once_and_each_in_order)
{
    const char *url = make_tasks();
    pthread_t threads[NWRITERS];
    struct writer writers[NWRITERS];
    atomic_uint nrunning = NWRITERS;
    unsigned next[NWRITERS] = {0}, ntold = 0;
    struct reader reader;
    char text[TEXT_BYTES];

    reader_open(&reader, url);
    for (unsigned i = 0; i < NWRITERS; i++) {
        writers[i] = (struct writer){url, i, &nrunning};
        check_int(pthread_create(&threads[i], NULL, write_all, &writers[i]), 0);
    }
    for (bool is_last = false; !is_last;) {
        is_last = atomic_load(&nrunning) == 0;
        struct str rest = str_from(read_new(&reader, text));
        while (rest.len > 0) {
            struct str one = str_cut(&rest, ',');
            unsigned writer = (unsigned)(one.data[1] - '0');
            unsigned number = (unsigned)strtoul(one.data + 3, NULL, 10);
            if (number < next[writer])
                printf("%.*s came late or twice\n", (int)one.len, one.data);
            check(number >= next[writer]);
            next[writer] = number + 1;
            ntold++;
        }
    }
    for (unsigned i = 0; i < NWRITERS; i++)
        check_int(pthread_join(threads[i], NULL), 0);
    check_int(ntold, pg_fixture_get_number(url, "SELECT count(*) FROM task_event"));
    check(ntold > NWRITERS * NWRITES * 3 / 4);
    PQfinish(reader.pg);
}

/* Pages of a long time go another way; they must tell the same. */
test(pages_behind_a_long_time_miss_and_repeat_nothing)
{
    const char *url = make_tasks();
    PGconn *open = open_session(url);
    struct reader reader;
    char text[TEXT_BYTES];

    run(open, "BEGIN");
    change(open, "a", "open");
    reader_open(&reader, url);
    pg_fixture_run(url, "DO $$ BEGIN FOR i IN 1..4500 LOOP"
                        " INSERT INTO task_event (task_id, actor, state, stage)"
                        " VALUES (chr(97 + i % 26), 'x', 'PENDING', 'WAIT_FOR_START');"
                        " COMMIT; END LOOP; END $$");
    pg_fixture_run(url, "SELECT task_delete('z', '{PENDING}')");
    run(open, "COMMIT");
    struct buf sql = {0};
    buf_printf(&sql,
               "WITH RECURSIVE p AS ("
               "    SELECT 0 AS page, 0::bigint AS last, NULL::bigint[] AS seqs"
               "    UNION ALL"
               "    SELECT page + 1, f.seqs[cardinality(f.seqs)], f.seqs FROM p, LATERAL ("
               "        SELECT array_agg(seq ORDER BY seq) AS seqs"
               "          FROM task_changes(NULL, '%s', task_change_snapshot(), p.last, 100)) f"
               "     WHERE f.seqs IS NOT NULL)"
               " SELECT count(*) || ' ' || count(DISTINCT seq) || ' ' ||"
               "        (SELECT count(*) + 1 FROM task_event) FROM p, unnest(p.seqs) seq",
               reader.told);
    (void)ask(reader.pg, text, buf_get_text(&sql));
    long long ntold = strtoll(text, NULL, 10);
    char expected[TEXT_BYTES];
    (void)snprintf(expected, sizeof(expected), "%lld %lld %lld", ntold, ntold, ntold);
    check_str(text, expected);
    check(ntold > 4300);
    buf_deinit(&sql);
    PQfinish(open);
    PQfinish(reader.pg);
}

test(a_snapshot_names_so_many_open_transactions_and_misses_none)
{
    const char *url = make_tasks();
    PGconn *open[5];
    char snapshot[TEXT_BYTES], text[TEXT_BYTES];
    PGconn *pg = open_session(url);
    struct buf sql = {0};

    for (unsigned i = 0; i < 5; i++) {
        open[i] = open_session(url);
        run(open[i], "BEGIN");
        change(open[i], (char[]){(char)('a' + i), '\0'}, "open");
    }
    change(pg, "z", "done"); /* while five others are open, of which three are named */
    (void)ask(pg, snapshot, "SELECT task_change_snapshot(3)");
    buf_printf(&sql, "SELECT count(*) FROM pg_snapshot_xip('%s')", snapshot);
    check_str(ask(pg, text, buf_get_text(&sql)), "3");
    for (unsigned i = 0; i < 5; i++) {
        run(open[i], "COMMIT");
        PQfinish(open[i]);
    }
    buf_clear(&sql);
    buf_printf(&sql,
               "SELECT string_agg(e.actor, ',' ORDER BY c.seq)"
               "  FROM task_changes(NULL, '%s', task_change_snapshot(3), 0, 100) c"
               "  JOIN task_event e ON e.task_id = c.task_id AND e.seq = c.seq",
               snapshot);
    check_str(ask(pg, text, buf_get_text(&sql)), "open,open,open,open,open,done");
    buf_deinit(&sql);
    PQfinish(pg);
}

static void sweep(const char *url)
{
    struct store *store = calls_open(url, 1, 1);
    struct call call = {
        .query = {.statement = &task_watch_sweep, .params = {param_int(100)}, .timeout_ms = 10000}};

    call_run(store, &call);
    check_status(call.st, STATUS_OK);
    store_destroy(store);
}

test(traces_of_deleted_tasks_go_after_their_time)
{
    const char *url = make_tasks();

    pg_fixture_run(url, "SELECT task_delete('a', '{PENDING}'), task_delete('b', '{PENDING}');"
                        "UPDATE task_tombstone SET time = now() - interval '26 hours'"
                        " WHERE task_id = 'a'");
    sweep(url);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task_tombstone"), 1);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task_tombstone WHERE task_id = 'b'"),
              1);
}

/* A dump brings the numbers that another cluster gave to its transactions, which ours has yet to come to. */
test(what_a_restored_dump_brings_is_the_past)
{
    const char *url = make_tasks();
    struct reader reader;
    char text[TEXT_BYTES];

    pg_fixture_run(url, "INSERT INTO task_event (task_id, actor, state, stage, xid)"
                        " VALUES ('a', 'old', 'PENDING', 'WAIT_FOR_START', '900000000');"
                        "INSERT INTO task_event (task_id, actor, state, stage)"
                        " VALUES ('a', 'ours', 'PENDING', 'WAIT_FOR_START')");
    reader_open(&reader, url);
    check_str(read_new(&reader, text), "");
    sweep(url);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task_event WHERE xid = '3'"), 1);
    check_str(read_new(&reader, text), "");
    PQfinish(reader.pg);
}
