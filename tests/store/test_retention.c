/* What has been over for long is found and removed, and nothing else; tokens of leases outlive a restored database. */

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/compiler.h"
#include "store/retention_store.h"
#include "tests/harness/test.h"
#include "tests/store/calls.h"
#include "tests/store/pg_fixture.h"

enum { SQL_BYTES = 2048 };

static struct store *open_store(const char **ret_url)
{
    struct store *store = NULL;

    *ret_url = pg_fixture_make_database();
    store = calls_open(*ret_url, 0, 0);
    calls_add_sources(store);
    return store;
}

/* Runs SQL about one task, which it has as %s. */
static void run_for(const char *url, const char *sql, const char *task_id)
{
    char text[SQL_BYTES];

    (void)snprintf(text, sizeof(text), sql, task_id);
    pg_fixture_run(url, text);
}

static long long get_for(const char *url, const char *sql, const char *task_id)
{
    char text[SQL_BYTES];

    (void)snprintf(text, sizeof(text), sql, task_id);
    return pg_fixture_get_number(url, text);
}

static const char make_old[] =
    "UPDATE task SET end_time = now() - interval '8 days' WHERE id = '%s'";

/* A task that was aborted eight days ago. */
static void add_old(struct store *store, const char *url, const char *name, struct call *ret)
{
    struct call abort;

    call_create(store, ret, name);
    call_abort(store, &abort, ret->id);
    run_for(url, make_old, ret->id);
}

/* How many tasks are found that have been over for seven days. */
static size_t find(struct store *store)
{
    struct call call = {
        .query = {.statement = &retention_task_find, .params = {param_int(7), param_int(100)}}};

    call_run(store, &call);
    check_status(call.st, STATUS_OK);
    return call.nrows;
}

/* Removes a task, if it has this version. */
static void remove_as(struct store *store, const char *id, const char *version)
{
    char ids[CALL_TEXT_BYTES + 2], versions[32];

    (void)snprintf(ids, sizeof(ids), "{%s}", id);
    (void)snprintf(versions, sizeof(versions), "{%s}", version);
    struct call call = {.query = {.statement = &retention_task_remove,
                                  .params = {param_text(ids), param_text(versions)}}};
    call_run(store, &call);
    check_status(call.st, STATUS_OK);
}

static const char count_all[] =
    "SELECT (SELECT count(*) FROM task) + (SELECT count(*) FROM job)"
    "     + (SELECT count(*) FROM task_event) + (SELECT count(*) FROM task_label)";

test(old_task_goes_with_all_that_is_its_own_and_leaves_a_tombstone)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call task;

    add_old(store, url, "t1", &task);
    run_for(url, "UPDATE task SET labels = '{\"a\":\"b\"}' WHERE id = '%s'", task.id);
    check_int(find(store), 1);
    remove_as(store, task.id, "2");
    check_int(pg_fixture_get_number(url, count_all), 0);
    check_int(get_for(url, "SELECT count(*) FROM task_tombstone WHERE task_id = '%s'", task.id), 1);
    store_destroy(store);
}

test(what_is_young_or_alive_is_not_found)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call old, young, live, abort;

    add_old(store, url, "t1", &old);
    run_for(url, "UPDATE task SET end_time = now() - interval '6 days' WHERE id = '%s'", old.id);
    call_create(store, &young, "t2");
    call_abort(store, &abort, young.id);
    call_create(store, &live, "t3");
    check_int(find(store), 0);
    run_for(url, make_old, old.id);
    check_int(find(store), 1);
    store_destroy(store);
}

/* Each makes an old task one that is not over. */
static const char *const not_over[] = {
    "UPDATE task SET delete_time = now() WHERE id = '%s'",
    "UPDATE task SET has_peer = true WHERE id = '%s'",
    ("UPDATE job SET state = 'READY', role = 'RELEASE', end_time = NULL"
     " WHERE id = (SELECT min(id) FROM job WHERE task_id = '%s')"),
};

test(task_that_waits_to_let_go_of_its_source_stays)
{
    const char *url;
    struct store *store = open_store(&url);

    for (size_t i = 0; i < ARRAY_LEN(not_over); i++) {
        struct call task;
        char name[8];

        (void)snprintf(name, sizeof(name), "t%zu", i);
        add_old(store, url, name, &task);
        check_int(find(store), 1);
        run_for(url, not_over[i], task.id);
        check_int(find(store), 0);
        remove_as(store, task.id, "2");
        check_int(get_for(url, "SELECT count(*) FROM task WHERE id = '%s'", task.id), 1);
    }
    run_for(url,
            "UPDATE job SET state = 'SUCCEEDED', role = 'RELEASE' WHERE id ="
            " (SELECT min(j.id) FROM job j JOIN task t ON t.id = j.task_id WHERE t.has_peer %s)",
            "");
    check_int(find(store), 1);
    store_destroy(store);
}

test(task_that_has_changed_since_it_was_found_stays)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call task, retry, abort;

    add_old(store, url, "t1", &task);
    call_retry(store, &retry, task.id, false);
    remove_as(store, task.id, "2");
    call_abort(store, &abort, task.id);
    run_for(url, make_old, task.id);
    remove_as(store, task.id, "2");
    check_int(get_for(url, "SELECT version FROM task WHERE id = '%s'", task.id), 4);
    remove_as(store, task.id, "4");
    check_int(pg_fixture_get_number(url, count_all), 0);
    store_destroy(store);
}

static const char fill[] =
    "INSERT INTO task (id, kind, source, destination, spec, state, stage, end_time)"
    " SELECT 'x' || n, 'BULKLOAD', 'files', 'db', '',"
    "        CASE WHEN n <= 50 THEN 'KILLED' WHEN n % 2 = 0 THEN 'SUCCEEDED' ELSE 'PENDING' END,"
    "        'FINISHED',"
    "        CASE WHEN n <= 50 THEN now() - interval '9 days' WHEN n % 2 = 0 THEN now() END"
    "   FROM generate_series(1, 20000) n;"
    "INSERT INTO task_event (task_id, actor, state, stage, time)"
    " SELECT id, 'a', state, 'FINISHED', now() - interval '1 day' FROM task;"
    "ANALYZE";

/* How many pages a query looks at when it is not the first of its kind; many if that is not told. */
static long long count_pages(const char *url, const char *query)
{
    char sql[SQL_BYTES];
    long long npages = LLONG_MAX;
    PGconn *pg = PQconnectdb(url);

    (void)snprintf(sql, sizeof(sql), "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) %s", query);
    PQclear(PQexec(pg, sql));
    PGresult *plan = PQexec(pg, sql);
    for (int i = 0; i < PQntuples(plan) && npages == LLONG_MAX; i++) {
        const char *hit = strstr(PQgetvalue(plan, i, 0), "shared hit=");
        if (hit)
            npages = strtoll(hit + strlen("shared hit="), NULL, 10);
    }
    PQclear(plan);
    PQfinish(pg);
    return npages;
}

test(finding_what_is_old_reads_nothing_else)
{
    const char *url;
    struct store *store = open_store(&url);

    pg_fixture_run(url, fill);
    check_int(find(store), 50);
    check(count_pages(url, "SELECT * FROM retention_tasks(7, 100)") < 300);
    check(count_pages(url, "SELECT * FROM retention_tasks(30, 100)") < 8);
    check(count_pages(url, "SELECT * FROM retention_events(7, 100)") < 20);
    store_destroy(store);
}

static size_t count_looked_at(struct store *store)
{
    struct call call = {
        .query = {.statement = &retention_event_find, .params = {param_int(30), param_int(100)}}};

    call_run(store, &call);
    check_status(call.st, STATUS_OK);
    return call.nrows;
}

test(old_events_of_tasks_that_live_go_but_for_the_newest)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call live, ended, call;

    call_create(store, &live, "t1");
    call_create(store, &ended, "t2");
    call_abort(store, &call, ended.id);
    call_abort(store, &call, live.id);
    call_retry(store, &call, live.id, false);
    check_int(count_looked_at(store), 0);
    pg_fixture_run(url, "UPDATE task_event SET time = now() - interval '31 days'");
    check_int(count_looked_at(store), 5);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM retention_events(30, 100)"
                                         " WHERE goes"),
              2);

    call = (struct call){.query = {.statement = &retention_event_remove,
                                   .params = {param_text("{proc-1-t1,proc-1-t1}"),
                                              param_text("{1,4}"), param_int(5)}}};
    call_run(store, &call);
    check_status(call.st, STATUS_OK);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task_event"), 3);
    check_int(count_looked_at(store), 0);
    store_destroy(store);
}

test(one_gateway_at_a_time_removes_things)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call call;
    static const char *const holders[] = {"a", "b", "a"};

    for (size_t i = 0; i < ARRAY_LEN(holders); i++) {
        call = (struct call){.query = {.statement = &retention_hold,
                                       .params = {param_text(holders[i]), param_int(60000)}}};
        call_run(store, &call);
        check_status(call.st, STATUS_OK);
        check_int(pg_fixture_get_number(url, "SELECT count(*) FROM retention WHERE holder = 'a'"),
                  1);
    }
    pg_fixture_run(url, "UPDATE retention SET hold_end_time = now() - interval '1 ms'");
    call = (struct call){
        .query = {.statement = &retention_hold, .params = {param_text("b"), param_int(60000)}}};
    call_run(store, &call);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM retention WHERE holder = 'b'"), 1);
    store_destroy(store);
}

/* The lease that was given before the backup, the ones after it, and the first after the restore. */
test(lease_after_a_restore_has_a_newer_token_than_any_before)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call task, lost, lease;

    call_create(store, &task, "t1");
    pg_fixture_run(url, "CREATE TABLE backup AS SELECT * FROM job");
    for (int i = 0; i < 5; i++) {
        call_lease(store, &lost, "w1", 15000);
        check_int(lost.nrows, 1);
        pg_fixture_run(url, "UPDATE job SET lease_end_time = now() - interval '1 s'");
    }
    pg_fixture_run(url, "UPDATE job SET state = b.state, lease_token = b.lease_token,"
                        " attempt = b.attempt FROM backup b WHERE b.id = job.id;"
                        "UPDATE job SET lease_end_time = now() - interval '1 s'");
    call_lease(store, &lease, "w2", 15000);
    check(lease.token > lost.token);
    store_destroy(store);
}

test(lease_is_newer_than_the_one_before_also_when_the_clock_goes_back)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call task, lease;

    call_create(store, &task, "t1");
    pg_fixture_run(url, "UPDATE job SET lease_token = 9000000000000");
    call_lease(store, &lease, "w1", 15000);
    check_int(lease.token, 9000000000001);
    store_destroy(store);
}
