/*
 * tests/store/test_batches.c - many leases by one statement, many jobs ended by another, and what neither reads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

#include "store/job_store.h"
#include "tests/harness/test.h"
#include "tests/store/calls.h"
#include "tests/store/pg_fixture.h"

static const char *url;

/* One session, so that what is sent together is one batch. */
static struct store *open_store(void)
{
    url = pg_fixture_make_database();
    struct store *store = calls_open(url, 1, 0);

    calls_add_sources(store);
    return store;
}

static long long count(const char *what)
{
    char sql[512];

    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", what);
    return pg_fixture_get_number(url, sql);
}

/* n tasks of a job each, all ready, job i before job i + 1. */
static void add_tasks(unsigned n)
{
    char sql[1024];

    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO task (id, kind, source, destination, spec, state, stage)"
                   " SELECT 't-' || i, 'BULKLOAD', 'files', 'db', '', 'PENDING', 'WAIT_FOR_START'"
                   "   FROM generate_series(1, %u) i;"
                   "INSERT INTO job (id, task_id, step, role, state, lease_end_time)"
                   " SELECT 'j-' || i, 't-' || i, 1, 'FULL', 'READY',"
                   "        now() - interval '1 hour' + i * interval '1 ms'"
                   "   FROM generate_series(1, %u) i;",
                   n, n);
    pg_fixture_run(url, sql);
}

/* Leases for the workers of an array; begins behind job j-<behind>, or at the beginning if that is 0. */
static void lease_for(struct store *store, struct call *call, const char *workers, int behind)
{
    char id[32], sql[128];

    call_prepare_lease(call, "w", 60000);
    call->query.params[0] = param_text(workers);
    (void)snprintf(id, sizeof(id), "j-%d", behind);
    (void)snprintf(sql, sizeof(sql),
                   "SELECT extract(epoch FROM lease_end_time) * 1000000 FROM job WHERE id = '%s'",
                   id);
    if (behind > 0) {
        call->query.params[3] = param_int(pg_fixture_get_number(url, sql));
        call->query.params[4] = param_text(id);
    }
    call_run(store, call);
}

test(one_question_leases_for_many_workers)
{
    struct store *store = open_store();
    struct call call;

    add_tasks(5);
    lease_for(store, &call, "{a,\"b \\\"2\\\"\",c}", 0);
    check_int(call.nrows, 3);
    check_str(call.id, "j-1");
    check_int(count("job WHERE state = 'RUNNING' AND (id, worker_id) IN (('j-1', 'a'),"
                    " ('j-2', 'b \"2\"'), ('j-3', 'c'))"),
              3);
    check_int(count("task WHERE state = 'RUNNING' AND version = 2"), 3);
    check_int(count("task_event WHERE state = 'RUNNING' AND actor = 'a' AND task_id = 't-1'"), 1);
    check_int(count("task_event WHERE state = 'RUNNING'"), 3);
    lease_for(store, &call, "{a,b,c}", 0);
    check_int(call.nrows, 2);
    store_destroy(store);
}

test(jobs_of_one_task_begin_it_once)
{
    struct store *store = open_store();
    struct call task, call;

    call_prepare_create(&task, "t", "{FULL,FULL,FULL}", "{0,0,0}");
    call_run(store, &task);
    lease_for(store, &call, "{a,b,c}", 0);
    check_int(call.nrows, 3);
    check_int(count("task WHERE version = 2"), 1);
    check_int(count("task_event WHERE state = 'RUNNING'"), 1);
    store_destroy(store);
}

/* A job that is given up takes its task's other jobs along, which are not leased then either. */
test(a_job_that_is_given_up_leaves_the_others_to_others)
{
    struct store *store = open_store();
    struct call task, call;

    call_prepare_create(&task, "t", "{FULL,FULL}", "{0,0}");
    call_run(store, &task);
    pg_fixture_run(url, "UPDATE job SET tries = 20, lease_end_time = now() - interval '1 day'"
                        " WHERE id = (SELECT min(id) FROM job)");
    add_tasks(1);
    lease_for(store, &call, "{a,b,c}", 0);
    check_int(call.nrows, 1);
    check_str(call.id, "j-1");
    check_int(count("job WHERE state = 'FAILED'"), 1);
    check_int(count("job WHERE state = 'KILLED'"), 1);
    check_int(count("job WHERE state = 'RUNNING' AND worker_id = 'a'"), 1);
    store_destroy(store);
}

/* Leases that change no task do not wait for those who have it locked, and are not passed over. */
test(more_jobs_of_a_running_task_are_leased_while_it_is_locked)
{
    struct store *store = open_store();
    PGconn *pg = PQconnectdb(url);
    struct call task, call;

    call_prepare_create(&task, "t", "{FULL,FULL}", "{0,0}");
    call_run(store, &task);
    lease_for(store, &call, "{a}", 0);
    check_int(call.nrows, 1);
    PQclear(PQexec(pg, "BEGIN"));
    PQclear(PQexec(pg, "SELECT 1 FROM task FOR NO KEY UPDATE"));
    lease_for(store, &call, "{b}", 0);
    check_int(call.nrows, 1);
    PQclear(PQexec(pg, "ROLLBACK"));
    PQfinish(pg);
    store_destroy(store);
}

static void wait_for_a_waiter(void)
{
    const struct timespec pause = {.tv_nsec = 5000000};

    while (count("pg_locks WHERE locktype IN ('advisory', 'transactionid') AND NOT granted") == 0)
        (void)nanosleep(&pause, NULL);
}

/*
 * The statement that makes the lease has begun, and waits at the first job; then the second one's task changes, which the
 * statement's snapshot does not show. What the lease locks is the newest row all the same, and that is what it changes.
 */
test(a_task_that_changes_while_it_is_leased_begins_as_it_is_then)
{
    struct store *store = open_store();
    PGconn *other = PQconnectdb(url), *worker = PQconnectdb(url);

    add_tasks(2);
    /* Asked for each job when it is locked, and again by the statement that locks its task. */
    pg_fixture_run(url, "CREATE SEQUENCE looks;"
                        "CREATE OR REPLACE FUNCTION job_is_lost(p_job job) RETURNS boolean"
                        " LANGUAGE plpgsql AS"
                        " 'BEGIN IF p_job.id = ''j-1'' AND nextval(''looks'') = 2 THEN"
                        " PERFORM pg_advisory_xact_lock(1); END IF; RETURN false; END'");
    PQclear(PQexec(other, "SELECT pg_advisory_lock(1)"));
    check(PQsendQuery(worker, "SELECT n, (leased).id, (leased_task).labels ->> 'k' FROM"
                              " job_take('{a,b}', 60000, '{bulkload:file:postgres}', NULL, NULL)"
                              " ORDER BY n"));
    wait_for_a_waiter();
    PQclear(PQexec(other, "UPDATE task SET labels = '{\"k\": \"new\"}', version = version + 1"
                          " WHERE id = 't-2'"));
    PQclear(PQexec(other, "SELECT pg_advisory_unlock(1)"));
    PGresult *leased = PQgetResult(worker);
    check_int(PQntuples(leased), 2);
    check_str(PQgetvalue(leased, 1, 1), "j-2");
    check_str(PQgetvalue(leased, 1, 2), "new");
    PQclear(leased);
    check_int(count("task WHERE state = 'RUNNING' AND id = 't-2' AND version = 3"
                    " AND labels = '{\"k\": \"new\"}'"),
              1);
    check_int(count("task_event WHERE state = 'RUNNING' AND task_id = 't-2' AND actor = 'b'"), 1);
    PQfinish(worker);
    PQfinish(other);
    store_destroy(store);
}

/* The lease ran out and another worker gets the job, while the first one's end is looked at. */
test(an_end_that_meets_a_newer_lease_is_too_late)
{
    struct store *store = open_store();
    PGconn *next = PQconnectdb(url), *worker = PQconnectdb(url);

    add_tasks(1);
    pg_fixture_run(url, "UPDATE job SET role = 'RELEASE', state = 'RUNNING', lease_token = 7,"
                        " worker_id = 'a', lease_end_time = now() - interval '1 s'");
    PQclear(PQexec(next, "BEGIN"));
    PQclear(PQexec(next, "SELECT job_take('{b}', 60000, '{bulkload:file:postgres}', NULL, NULL)"));
    check(PQsendQuery(worker, "SELECT outcome FROM job_end('{j-1}', '{7}', '{SKIPPED}', '{m}',"
                              " '{NULL}', '{0}', '{1}', '{NULL}', '{NULL}', '{NULL}', '{NULL}')"));
    wait_for_a_waiter();
    PQclear(PQexec(next, "COMMIT"));
    PGresult *ended = PQgetResult(worker);
    check_str(PQgetvalue(ended, 0, 0), "LOST");
    PQclear(ended);
    check_int(count("job WHERE state = 'RUNNING' AND worker_id = 'b' AND lease_token > 7"), 1);
    PQfinish(worker);
    PQfinish(next);
    store_destroy(store);
}

/* How many pages a lease behind job j-<behind> reads; it is rolled back. */
static long long count_pages(int behind)
{
    PGconn *pg = PQconnectdb(url);
    long long npages = -1;
    char sql[512];

    (void)snprintf(sql, sizeof(sql),
                   "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF)"
                   " SELECT * FROM job_take('{w}', 15000, '{bulkload:file:postgres}',"
                   "        (SELECT lease_end_time FROM was WHERE id = 'j-%d'), 'j-%d')",
                   behind, behind);
    PQclear(PQexec(pg, "BEGIN"));
    PQclear(PQexec(pg, sql)); /* reads the catalogue */
    PGresult *plan = PQexec(pg, sql);
    for (int i = 0; i < PQntuples(plan) && npages < 0; i++) {
        const char *hit = strstr(PQgetvalue(plan, i, 0), "shared hit=");
        if (hit)
            npages = strtoll(hit + strlen("shared hit="), NULL, 10);
    }
    PQclear(plan);
    PQclear(PQexec(pg, "ROLLBACK"));
    PQfinish(pg);
    return npages;
}

/* While a transaction is open, what was leased before stays at the head of the index. */
test(a_lease_does_not_read_what_was_leased_before)
{
    struct store *store = open_store();
    PGconn *pg = PQconnectdb(url);

    add_tasks(20000);
    pg_fixture_run(url, "CREATE TABLE was AS SELECT id, lease_end_time FROM job");
    PQclear(PQexec(pg, "BEGIN ISOLATION LEVEL REPEATABLE READ"));
    PQclear(PQexec(pg, "SELECT 1 FROM job"));
    pg_fixture_run(url, "UPDATE job SET state = 'RUNNING', lease_end_time = now() + interval '1 h'"
                        " WHERE id NOT IN ('j-20000', 'j-19999')");
    check(count_pages(0) > 5 * count_pages(19998));
    PQclear(PQexec(pg, "ROLLBACK"));
    PQfinish(pg);
    store_destroy(store);
}

/* What came to stand before the last lease is found all the same, once what is behind it is leased. */
test(a_lease_finds_what_came_late)
{
    struct store *store = open_store();
    struct call call;

    add_tasks(3);
    lease_for(store, &call, "{a}", 2);
    check_str(call.id, "j-3");
    lease_for(store, &call, "{a,b,c}", 2);
    check_int(call.nrows, 2);
    check_str(call.id, "j-1");
    store_destroy(store);
}

/* Ends of all kinds in one batch are what they are one by one. */
test(jobs_end_together_as_they_do_alone)
{
    static const char *const outcomes[] = {"SUCCEEDED", "SKIPPED",   "FAILED",   "RETRY",
                                           "RELEASED",  "SUCCEEDED", "SUCCEEDED"};
    enum { N = ARRAY_LEN(outcomes) };
    struct store *store = open_store();
    struct call leases[N], calls[N];

    add_tasks(N);
    for (int i = 0; i < N; i++)
        lease_for(store, &leases[i], "{w}", 0);
    leases[5].token++;                                          /* a lease that is lost */
    (void)snprintf(leases[6].id, sizeof(leases[6].id), "none"); /* a job that is gone */
    for (int i = 0; i < N; i++) {
        call_prepare_finish(&calls[i], &leases[i], outcomes[i], 0);
        call_start(store, &calls[i]);
    }
    for (int i = 0; i < N; i++) {
        call_wait(&calls[i]);
        check_str(calls[i].outcome, i == 5 ? "LOST" : i == 6 ? "STOP" : "DONE");
        check_int(calls[i].is_ready, i == 3 || i == 4);
    }
    check_int(count("task WHERE state = 'SUCCEEDED' AND id IN ('t-1', 't-2')"), 2);
    check_int(count("task_event WHERE state = 'SUCCEEDED' AND actor = 'w'"), 2);
    check_int(count("task WHERE state = 'FAILED' AND id = 't-3'"), 1);
    check_int(count("job WHERE state = 'READY' AND id IN ('j-4', 'j-5')"), 2);
    check_int(count("job WHERE state = 'RUNNING'"), 2);
    store_destroy(store);
}

test(the_last_of_jobs_that_end_together_makes_the_next_step_ready)
{
    struct store *store = open_store();
    struct call task, leases[2], calls[2];

    call_prepare_create(&task, "t", "{SCHEMA,SCHEMA,FULL}", "{0,0,1}");
    call_run(store, &task);
    for (int i = 0; i < 2; i++)
        lease_for(store, &leases[i], "{w}", 0);
    for (int i = 0; i < 2; i++) {
        call_prepare_finish(&calls[i], &leases[i], "SUCCEEDED", 0);
        call_start(store, &calls[i]);
    }
    for (int i = 0; i < 2; i++)
        call_wait(&calls[i]);
    check(calls[0].is_ready || calls[1].is_ready);
    check_int(count("job WHERE role = 'FULL' AND state = 'READY'"), 1);
    check_int(count("task WHERE state = 'RUNNING'"), 1);
    store_destroy(store);
}

/* Statistics are of a time at which no job was leasable; then many are. Who has a job at hand finds it by itself. */
test(a_lease_and_an_end_read_few_jobs_whatever_statistics_say)
{
    struct store *store = open_store();
    PGconn *pg = PQconnectdb(url);

    pg_fixture_run(url,
                   "INSERT INTO task (id, kind, source, destination, spec, state, stage)"
                   " SELECT 't' || i, 'BULKLOAD', 'files', 'db', '', 'RUNNING', 'WAIT_FOR_SUCCESS'"
                   "   FROM generate_series(1, 1000) i;"
                   "INSERT INTO job (id, task_id, step, role, state, end_time)"
                   " SELECT 'a' || i, 't' || i, 0, 'SCHEMA', 'SUCCEEDED', now()"
                   "   FROM generate_series(1, 1000) i;"
                   "ANALYZE job;"
                   "INSERT INTO job (id, task_id, step, role, state, lease_end_time)"
                   " SELECT 'b' || i, 't' || i, 1, 'FULL', 'READY', now() - interval '1 s'"
                   "   FROM generate_series(1, 1000) i;");
    PQclear(PQexec(pg, "BEGIN"));
    PGresult *ended = PQexec(
        pg,
        "SELECT e.outcome FROM job_lease('{w}', 60000, '{bulkload:file:postgres}', NULL, NULL) l"
        " CROSS JOIN LATERAL job_end(ARRAY[l.id], ARRAY[l.lease_token], '{SUCCEEDED}', '{\"\"}',"
        "  '{\"{}\"}', '{1}', '{20}', '{NULL}', '{NULL}', '{NULL}', '{NULL}') e");
    check_str(PQgetvalue(ended, 0, 0), "DONE");
    PQclear(ended);
    PGresult *read = PQexec(
        pg, "SELECT idx_tup_fetch < 100 FROM pg_stat_xact_user_tables WHERE relname = 'job'");
    check_str(PQgetvalue(read, 0, 0), "t");
    PQclear(read);
    PQfinish(pg);
    store_destroy(store);
}
