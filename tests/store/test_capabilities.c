/*
 * tests/store/test_capabilities.c - a worker is given only what it can do, and the rest costs nothing.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "store/job_store.h"
#include "tests/harness/test.h"
#include "tests/store/calls.h"
#include "tests/store/pg_fixture.h"

#define MINE "bulkload:file:postgres"
#define OTHERS "full_migration:hbase:hbase"

static struct store *open_store(const char **ret_url)
{
    *ret_url = pg_fixture_make_database();
    struct store *store = calls_open(*ret_url, 1, 0);

    calls_add_sources(store);
    return store;
}

/* Leases as a worker with these capabilities would. */
static void lease_with(struct store *store, struct call *call, const char *capabilities)
{
    call_prepare_lease(call, "w", 15000);
    call->query.params[2] = param_text(capabilities);
    call_run(store, call);
}

/* n tasks named prefix-<i> with a ready job each that takes a capability, all older than what comes later. */
static void add_tasks(const char *url, const char *prefix, const char *capability, unsigned n)
{
    char sql[1024];

    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO task (id, kind, source, destination, spec, state, stage)"
                   " SELECT '%s-' || i, 'BULKLOAD', 'files', 'db', '', 'PENDING', 'WAIT_FOR_START'"
                   "   FROM generate_series(1, %u) i;"
                   "INSERT INTO job (id, task_id, step, role, state, capability, lease_end_time)"
                   " SELECT '%s-job-' || i, '%s-' || i, 1, 'FULL', 'READY', '%s',"
                   "        now() - interval '1 hour'"
                   "   FROM generate_series(1, %u) i;",
                   prefix, n, prefix, prefix, capability, n);
    pg_fixture_run(url, sql);
}

/* How many pages a lease looks at; it is rolled back. */
static long long count_pages(PGconn *pg, const char *capabilities)
{
    char sql[256];

    PQclear(PQexec(pg, "BEGIN"));
    (void)snprintf(sql, sizeof(sql),
                   "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF)"
                   " SELECT * FROM job_take('{w}', 15000, '%s', NULL, NULL)",
                   capabilities);
    PGresult *plan = PQexec(pg, sql);
    long long npages = -1;
    for (int i = 0; i < PQntuples(plan) && npages < 0; i++) {
        const char *hit = strstr(PQgetvalue(plan, i, 0), "shared hit=");
        if (hit)
            npages = strtoll(hit + strlen("shared hit="), NULL, 10);
    }
    PQclear(plan);
    PQclear(PQexec(pg, "ROLLBACK"));
    return npages;
}

test(job_goes_only_to_a_worker_that_can_do_it)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call call;

    add_tasks(url, "a", OTHERS, 1);
    lease_with(store, &call, "{" MINE "}");
    check_int(call.nrows, 0);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task WHERE state = 'PENDING'"), 1);
    lease_with(store, &call, "{check:file," MINE "," OTHERS "}");
    check_int(call.nrows, 1);
    check_str(call.id, "a-job-1");
    store_destroy(store);
}

test(oldest_job_of_all_that_a_worker_can_do_goes_first)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call call;

    add_tasks(url, "a", MINE, 1);
    add_tasks(url, "b", OTHERS, 1);
    pg_fixture_run(url, "UPDATE job SET lease_end_time = now() - interval '2 hours'"
                        " WHERE id = 'b-job-1'");
    lease_with(store, &call, "{" MINE "," OTHERS "}");
    check_str(call.id, "b-job-1");
    lease_with(store, &call, "{" MINE "," OTHERS "}");
    check_str(call.id, "a-job-1");
    store_destroy(store);
}

test(jobs_that_nobody_here_can_do_are_not_looked_at)
{
    const char *url;
    struct store *store = open_store(&url);
    PGconn *pg = PQconnectdb(url);

    add_tasks(url, "mine", MINE, 1);
    add_tasks(url, "others", OTHERS, 100000);
    pg_fixture_run(url, "UPDATE job SET lease_end_time = now() - interval '1 minute'"
                        " WHERE capability = '" MINE "'"); /* newer than all others */
    pg_fixture_run(url, "VACUUM ANALYZE job");
    (void)count_pages(pg, "{" MINE "}"); /* reads the catalogue */
    long long npages = count_pages(pg, "{check:file," MINE ",full_migration:hbase:lindorm}");
    check(npages > 0);
    check(npages < 100);
    PQfinish(pg);
    store_destroy(store);
}

/* Among many jobs that a worker could do, it is only the oldest few that are looked at. */
test(many_ready_jobs_cost_no_more_than_few)
{
    const char *url;
    struct store *store = open_store(&url);
    PGconn *pg = PQconnectdb(url);

    add_tasks(url, "mine", MINE, 100000);
    pg_fixture_run(url, "VACUUM ANALYZE job");
    (void)count_pages(pg, "{" MINE "}");
    long long npages = count_pages(pg, "{" MINE "}");
    check(npages > 0);
    check(npages < 200);
    PQfinish(pg);
    store_destroy(store);
}

test(jobs_that_others_have_locked_are_passed_over_however_many)
{
    const char *url;
    struct store *store = open_store(&url);
    PGconn *pg = PQconnectdb(url);
    struct call call;

    add_tasks(url, "a", MINE, 200);
    add_tasks(url, "b", OTHERS, 1);
    pg_fixture_run(url, "UPDATE job SET lease_end_time = now() - interval '1 minute'"
                        " WHERE id = 'b-job-1'");
    PQclear(PQexec(pg, "BEGIN"));
    PQclear(PQexec(pg, "SELECT 1 FROM job WHERE id LIKE 'a-%' AND id <> 'a-job-77'"
                       " FOR NO KEY UPDATE"));
    lease_with(store, &call, "{" MINE "," OTHERS "}");
    check_str(call.id, "a-job-77");
    lease_with(store, &call, "{" MINE "," OTHERS "}");
    check_str(call.id, "b-job-1");
    lease_with(store, &call, "{" MINE "," OTHERS "}");
    check_int(call.nrows, 0);
    PQclear(PQexec(pg, "ROLLBACK"));
    PQfinish(pg);
    store_destroy(store);
}

/* A task is locked by what happens to one of its jobs: its other jobs wait for the next question. */
test(jobs_of_a_locked_task_are_passed_over)
{
    const char *url;
    struct store *store = open_store(&url);
    PGconn *pg = PQconnectdb(url);
    struct call call;

    add_tasks(url, "a", MINE, 2);
    PQclear(PQexec(pg, "BEGIN"));
    PQclear(PQexec(pg, "SELECT 1 FROM task WHERE id = 'a-1' FOR NO KEY UPDATE"));
    lease_with(store, &call, "{" MINE "}");
    check_str(call.id, "a-job-2");
    PQclear(PQexec(pg, "ROLLBACK"));
    PQfinish(pg);
    store_destroy(store);
}

test(questions_at_once_get_different_jobs)
{
    enum { NCALLS = 40 };
    static struct call calls[NCALLS];
    const char *url;
    struct store *store = open_store(&url);

    add_tasks(url, "a", MINE, NCALLS);
    for (int i = 0; i < NCALLS; i++) {
        call_prepare_lease(&calls[i], "w", 15000);
        call_start(store, &calls[i]);
    }
    for (int i = 0; i < NCALLS; i++) {
        call_wait(&calls[i]);
        check_int(calls[i].nrows, 1);
    }
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM job WHERE attempt = 1"), NCALLS);
    store_destroy(store);
}
