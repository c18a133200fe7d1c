/* Lists, data sources and bad rows. */

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "store/bad_row_store.h"
#include "store/data_source_store.h"
#include "store/task_store.h"
#include "tests/harness/test.h"
#include "tests/store/calls.h"
#include "tests/store/pg_fixture.h"

static struct store *open_store(const char **ret_url)
{
    const char *url = pg_fixture_make_database();
    struct store *store = calls_open(url, 0, 0);

    calls_add_sources(store);
    if (ret_url)
        *ret_url = url;
    return store;
}

/* Runs a statement with up to eight parameters. */
static void run(struct store *store, struct call *call, const struct statement *statement,
                const struct param *params)
{
    *call = (struct call){.query = {.statement = statement}};
    memcpy(call->query.params, params, statement->nparams * sizeof(*params));
    call_run(store, call);
}

#define PLAN(COVERS, CONDITION) \
    "{\"covers\":" COVERS ",\"condition\":" CONDITION \
    ",\"from\":\"0001-01-01T00:00:00Z\",\"to\":\"9999-12-31T23:59:59.999999Z\"}"
#define ALL PLAN("[]", "[\"ALL\"]")
#define KILLED \
    PLAN("[[[\"AND\",[\"=\",\"kind\",\"BULKLOAD\"],[\"=\",\"state\",\"KILLED\"]]]]", \
         "[\"=\",\"state\",\"KILLED\"]")
#define NONE PLAN("[]", "[\"NOT\",[\"ALL\"]]")

/* Up to n tasks, newest first, behind the last place of another list, which may be NULL. */
static void list_tasks(struct store *store, struct call *call, int64_t n, const struct call *before,
                       const char *plan)
{
    char time[CLOCK_TEXT_BYTES];

    clock_write_text(before ? before->last_us : 0, time);
    run(store, call, &task_list,
        (struct param[]){param_int(n), before ? param_text(time) : param_null(),
                         before ? param_int(before->last_seq) : param_null(), param_int(0),
                         param_text(plan), param_int(0), param_int(TASK_LIST_MAX_BYTES),
                         param_int(0)});
}

test(tasks_are_listed_newest_first_in_pages)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call call, next;
    char name[16];

    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        call_create(store, &call, name);
    }
    list_tasks(store, &call, 4, NULL, ALL);
    check_int(call.nrows, 4);
    check_str(call.id, "proc-10-t9");
    check(!call.is_last);
    list_tasks(store, &next, 100, &call, ALL);
    check_int(next.nrows, 6);
    check_str(next.id, "proc-6-t5");
    check(next.is_last);

    call_abort(store, &call, "proc-3-t2");
    list_tasks(store, &call, 100, NULL, KILLED);
    check_int(call.nrows, 1);
    check_str(call.id, "proc-3-t2");
    check(call.is_last);
    store_destroy(store);
}

test(a_search_without_patience_says_how_far_it_came)
{
    struct store *store = open_store(NULL);
    struct call call, next;
    char name[16];

    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        call_create(store, &call, name);
    }
    list_tasks(store, &call, 4, NULL, NONE);
    check_int(call.nrows, 1);
    check_str(call.id, "");
    check(!call.is_last);
    list_tasks(store, &next, 3, &call, ALL);
    check_str(next.id, "proc-6-t5");
    list_tasks(store, &next, 7, &call, NONE);
    check_str(next.id, "");
    check(next.is_last);
    store_destroy(store);
}

test(page_of_large_tasks_is_cut)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call call, next;

    /* A spec of 1 MiB: field 1 of the message, a string. Two are 2 MiB. */
    pg_fixture_run(url, "INSERT INTO task (id, kind, source, destination, spec, state, stage)"
                        " SELECT 'x' || i, 'BULKLOAD', 'files', 'db', '\\x0a808040'::bytea ||"
                        "        convert_to(repeat('y', 1048576), 'UTF8'), 'PENDING',"
                        "        'WAIT_FOR_START'"
                        "   FROM generate_series(1, 5) i");
    list_tasks(store, &call, 100, NULL, ALL);
    check_status(call.st, STATUS_OK);
    check_int(call.nrows, 2);
    check_str(call.id, "x5");
    check(!call.is_last);
    list_tasks(store, &next, 100, &call, ALL);
    check_int(next.nrows, 2);
    check_str(next.id, "x3");
    store_destroy(store);
}

test(page_of_tasks_with_many_jobs_is_cut)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call call;

    pg_fixture_run(url, "INSERT INTO task (id, kind, source, destination, spec, state, stage)"
                        " SELECT 'x' || i, 'BULKLOAD', 'files', 'db', '', 'PENDING',"
                        "        'WAIT_FOR_START'"
                        "   FROM generate_series(1, 3) i");
    pg_fixture_run(url, "INSERT INTO job (id, task_id, step, role, state)"
                        " SELECT t.id || '-' || i, t.id, 0, 'FULL', 'READY'"
                        "   FROM task t, generate_series(1, 100) i");
    const struct param params[] = {param_int(100),  param_null(), param_null(),     param_int(0),
                                   param_text(ALL), param_int(1), param_int(20000), param_int(0)};
    run(store, &call, &task_list, params);
    check_status(call.st, STATUS_OK);
    check_int(call.nrows, 2 * (1 + 100)); /* a task, and its jobs */
    check(!call.is_last);
    store_destroy(store);
}

/* A task is listed with the sums over its jobs, which take their time even where jobs are not shown. */
test(page_without_jobs_of_tasks_with_many_jobs_is_cut)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call call, next;

    pg_fixture_run(url, "INSERT INTO task (id, kind, source, destination, spec, state, stage)"
                        " SELECT 'x' || i, 'BULKLOAD', 'files', 'db', '', 'PENDING',"
                        "        'WAIT_FOR_START'"
                        "   FROM generate_series(1, 4) i");
    pg_fixture_run(
        url, "INSERT INTO job (id, task_id, step, role, state)"
             " SELECT t.id || '-' || i, t.id, 0, 'FULL', 'READY'"
             "   FROM task t, generate_series(1, CASE t.id WHEN 'x4' THEN 9000 ELSE 4000 END) i");
    list_tasks(store, &call, 100, NULL, ALL);
    check_int(call.nrows, 1); /* one is always shown */
    check_str(call.id, "x4");
    list_tasks(store, &next, 100, &call, ALL);
    check_int(next.nrows, 2);
    check(!next.is_last);
    list_tasks(store, &call, 100, &next, ALL);
    check_int(call.nrows, 1);
    check(call.is_last);
    store_destroy(store);
}

static void create_source(struct store *store, struct call *call, const char *name)
{
    run(store, call, &data_source_create,
        (struct param[]){param_text(name), param_text("FILE"), param_text("{\"root\":\"/\"}"),
                         param_null()});
}

test(data_source_has_one_name)
{
    struct store *store = open_store(NULL);
    struct call call;

    create_source(store, &call, "a");
    check_int(call.nrows, 1);
    check_str(call.id, "a");
    check_str(call.etag, "1");
    create_source(store, &call, "a");
    check_status(call.st, STATUS_OK);
    check_int(call.nrows, 0);
    run(store, &call, &data_source_get, (struct param[]){param_text("a")});
    check_str(call.message, "{\"root\":\"/\"}");
    run(store, &call, &data_source_get, (struct param[]){param_text("b")});
    check_int(call.nrows, 0);
    run(store, &call, &data_source_create,
        (struct param[]){param_text("c"), param_text("MAGIC"), param_text("{}"), param_null()});
    check_status(call.st, STATUS_FAILED_PRECONDITION);
    store_destroy(store);
}

test(only_one_of_those_who_create_a_data_source_at_once_gets_it)
{
    struct store *store = open_store(NULL);
    struct call calls[20];
    unsigned nmade = 0;

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        calls[i] = (struct call){
            .query = {.statement = &data_source_create,
                      .params = {param_text("a"), param_text("FILE"), param_text("{}")}}};
        call_start(store, &calls[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        call_wait(&calls[i]);
        check_status(calls[i].st, STATUS_OK);
        nmade += calls[i].nrows == 1;
    }
    check_int(nmade, 1);
    store_destroy(store);
}

test(data_source_is_updated_under_its_etag)
{
    struct store *store = open_store(NULL);
    struct call call;

    create_source(store, &call, "a");
    run(store, &call, &data_source_update,
        (struct param[]){param_text("a"), param_text("{}"), param_text("1"), param_null()});
    check_str(call.outcome, "DONE");
    check_str(call.etag, "2");
    check_str(call.message, "{}");
    run(store, &call, &data_source_update,
        (struct param[]){param_text("a"), param_text("{\"x\":1}"), param_text("1"), param_null()});
    check_str(call.outcome, "CHANGED");
    check_str(call.etag, "2");
    run(store, &call, &data_source_update,
        (struct param[]){param_text("a"), param_text("{\"x\":1}"), param_null(), param_null()});
    check_str(call.outcome, "DONE");
    check_str(call.etag, "3");
    run(store, &call, &data_source_update,
        (struct param[]){param_text("b"), param_text("{}"), param_null(), param_null()});
    check_str(call.outcome, "NOT_FOUND");
    store_destroy(store);
}

test(data_source_of_a_task_is_not_deleted)
{
    struct store *store = open_store(NULL);
    struct call task, call;

    call_create(store, &task, "t1");
    run(store, &call, &data_source_delete, (struct param[]){param_text("files"), param_null()});
    check_str(call.outcome, "IN_USE");
    check_str(call.task_id, task.id);
    run(store, &call, &data_source_delete, (struct param[]){param_text("db"), param_null()});
    check_str(call.outcome, "IN_USE");
    call_delete(store, &call, task.id);
    run(store, &call, &data_source_delete, (struct param[]){param_text("db"), param_text("2")});
    check_str(call.outcome, "CHANGED");
    run(store, &call, &data_source_delete, (struct param[]){param_text("db"), param_text("1")});
    check_str(call.outcome, "DONE");
    run(store, &call, &data_source_delete, (struct param[]){param_text("db"), param_null()});
    check_str(call.outcome, "NOT_FOUND");
    store_destroy(store);
}

test(data_sources_are_listed_by_name)
{
    struct store *store = open_store(NULL); /* "db" and "files" */
    struct call call;

    create_source(store, &call, "Z");
    create_source(store, &call, "a");
    run(store, &call, &data_source_list, (struct param[]){param_int(2), param_null()});
    check_int(call.nrows, 2);
    check_str(call.id, "Z"); /* by bytes */
    check(call.is_last);
    run(store, &call, &data_source_list, (struct param[]){param_int(100), param_text("a")});
    check_int(call.nrows, 2);
    check_str(call.id, "db");
    store_destroy(store);
}

static void add_bad_row(struct store *store, struct call *call, const struct call *lease,
                        int64_t row)
{
    run(store, call, &bad_row_add,
        (struct param[]){param_text(lease->id), param_int(lease->token), param_text("f.csv"),
                         param_int(row), param_int(row * 10), param_text("age"),
                         param_text("'x' is no number"), param_str(str_from_bytes("a\0b", 3))});
}

static void list_bad_rows(struct store *store, struct call *call, const char *task_id, int64_t n,
                          int64_t after_row)
{
    bool is_first = after_row == 0;

    run(store, call, &bad_row_list,
        (struct param[]){param_text(task_id), param_int(n),
                         is_first ? param_null() : param_text("f.csv"),
                         is_first ? param_null() : param_int(after_row),
                         is_first ? param_null() : param_int(after_row * 10)});
}

test(bad_rows_are_stored_once_and_listed_in_pages)
{
    struct store *store = open_store(NULL);
    struct call task, lease, call;

    call_create(store, &task, "t1");
    list_bad_rows(store, &call, task.id, 10, 0);
    check_int(call.nrows, 1);
    check_str(call.id, ""); /* there is the task, but no row */
    call_lease(store, &lease, "w1", 15000);
    for (int64_t row = 5; row >= 1; row--) {
        add_bad_row(store, &call, &lease, row);
        check_str(call.outcome, "DONE");
    }
    add_bad_row(store, &call, &lease, 3);
    check_str(call.outcome, "DONE");
    list_bad_rows(store, &call, task.id, 2, 0);
    check_int(call.nrows, 2);
    check_str(call.id, "f.csv");
    check_int(call.row, 1);
    check_str(call.message, "'x' is no number");
    list_bad_rows(store, &call, task.id, 10, 2);
    check_int(call.nrows, 3);
    check_int(call.row, 3);
    list_bad_rows(store, &call, "proc-9-none", 10, 0);
    check_int(call.nrows, 0);
    store_destroy(store);
}

test(bad_rows_are_refused_from_who_has_lost_the_job)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call task, lease, call;

    call_create(store, &task, "t1");
    call_lease(store, &lease, "w1", 15000);
    lease.token--;
    add_bad_row(store, &call, &lease, 1);
    check_str(call.outcome, "LOST");
    lease.token++;
    call_abort(store, &call, task.id);
    add_bad_row(store, &call, &lease, 1);
    check_str(call.outcome, "STOP");
    call_delete(store, &call, task.id);
    add_bad_row(store, &call, &lease, 1);
    check_str(call.outcome, "STOP");
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM bad_row"), 0);
    store_destroy(store);
}
