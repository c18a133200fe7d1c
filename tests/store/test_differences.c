/* What comparisons found: stored by number, listed in pages, gone with what it is of. */

#include <stdio.h>
#include <string.h>

#include "store/difference_store.h"
#include "store/task_store.h"
#include "tests/harness/test.h"
#include "tests/store/calls.h"
#include "tests/store/pg_fixture.h"

static const char *url;

static struct store *open_store(void)
{
    url = pg_fixture_make_database();

    struct store *store = calls_open(url, 2, 0);
    calls_add_sources(store);
    return store;
}

/* A task with two comparisons, the first one leased. */
static void start_check(struct store *store, struct call *task, struct call *lease)
{
    call_prepare_create(task, "t", "{CHECK,CHECK}", "{0,1}");
    task->query.params[11] = param_text("{t1,t2}");
    call_run(store, task);
    call_lease(store, lease, "w", 60000);
}

static void prepare_add(struct call *call, const struct call *lease, int64_t number,
                        const char *row)
{
    *call = (struct call){
        .query = {.statement = &difference_add,
                  .params = {param_text(lease->id), param_int(lease->token), param_int(number),
                             param_text("MISSING"), param_text(row), param_text("f"),
                             param_text("q"), param_int(5), param_int(0), param_text("v"),
                             param_text(""), param_int(0)}}};
}

static void add(struct store *store, struct call *call, const struct call *lease, int64_t number,
                const char *row)
{
    prepare_add(call, lease, number, row);
    call_run(store, call);
}

static void list(struct store *store, struct call *call, const char *task_id, int64_t n,
                 int64_t after, int64_t max_bytes)
{
    *call = (struct call){
        .query = {.statement = &difference_list,
                  .params = {param_text(task_id), param_int(n),
                             after ? param_text("t1") : param_null(),
                             after ? param_int(after) : param_null(), param_int(max_bytes)}}};
    call_run(store, call);
}

static long long count(const char *condition)
{
    char sql[256];

    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM difference WHERE %s", condition);
    return pg_fixture_get_number(url, sql);
}

test(differences_are_stored_by_number_and_listed_in_pages)
{
    enum { MANY_BYTES = 1 << 20 };
    struct store *store = open_store();
    struct call task, lease, call;

    start_check(store, &task, &lease);
    list(store, &call, task.id, 10, 0, MANY_BYTES);
    check_int(call.nrows, 1);
    check_int(call.number, 0);
    for (int i = 1; i <= 5; i++) {
        add(store, &call, &lease, i, "row");
        check_str(call.outcome, "DONE");
    }
    add(store, &call, &lease, 3, "another");
    check_int(count("true"), 5);
    check_int(count("number = 3 AND row_key = 'another' AND table_name = 't1'"), 1);

    list(store, &call, task.id, 2, 0, MANY_BYTES);
    check_int(call.nrows, 2);
    check_int(call.number, 1);
    check(!call.is_last);
    list(store, &call, task.id, 10, 2, MANY_BYTES);
    check_int(call.nrows, 3);
    check_int(call.number, 3);
    check(call.is_last);
    list(store, &call, task.id, 10, 0, 1); /* the first one in any case */
    check_int(call.nrows, 1);
    check(!call.is_last);
    list(store, &call, "proc-9-none", 10, 0, MANY_BYTES);
    check_int(call.nrows, 0);
    store_destroy(store);
}

test(one_of_a_number_is_kept_however_many_come_at_once)
{
    enum { NCALLS = 8 };
    struct store *store = open_store();
    struct call task, lease, calls[NCALLS];
    char rows[NCALLS][24];

    start_check(store, &task, &lease);
    for (int i = 0; i < NCALLS; i++) {
        (void)snprintf(rows[i], sizeof(rows[i]), "row %d", i);
        prepare_add(&calls[i], &lease, 1, rows[i]);
        call_start(store, &calls[i]);
    }
    for (int i = 0; i < NCALLS; i++) {
        call_wait(&calls[i]);
        check_status(calls[i].st, STATUS_OK);
        check_str(calls[i].outcome, "DONE");
    }
    check_int(count("true"), 1);
    store_destroy(store);
}

test(only_who_has_a_comparison_reports_differences)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_check(store, &task, &lease);
    lease.token++;
    add(store, &call, &lease, 1, "row");
    check_str(call.outcome, "LOST");
    lease.token--;
    call_abort(store, &call, task.id);
    add(store, &call, &lease, 1, "row");
    check_str(call.outcome, "STOP");
    add(store, &call, &(struct call){.id = "none", .token = 1}, 1, "row");
    check_str(call.outcome, "STOP");

    call_prepare_create(&task, "u", "{FULL,FULL}", "{0,1}");
    call_run(store, &task);
    call_lease(store, &lease, "w", 60000);
    add(store, &call, &lease, 1, "row");
    check_str(call.outcome, "MISPLACED");
    check_int(count("true"), 0);
    store_destroy(store);
}

test(differences_go_with_the_task_and_with_a_new_beginning)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_check(store, &task, &lease);
    add(store, &call, &lease, 1, "row");
    call_abort(store, &call, task.id);
    call_retry(store, &call, task.id, false);
    check_int(count("true"), 1);
    call_abort(store, &call, task.id);
    call_retry(store, &call, task.id, true);
    check_int(count("true"), 0);
    call_lease(store, &lease, "w", 60000);
    add(store, &call, &lease, 1, "row");
    check_str(call.outcome, "DONE");
    call_delete(store, &call, task.id);
    check_int(count("true"), 0);
    store_destroy(store);
}
