/* Abort, retry and delete of a task in each state, and what they do to its jobs. */

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
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

static const char *const state_names[] = {"PENDING", "RUNNING", "SUCCEEDED", "FAILED", "KILLED"};

/* Brings a new task into a state the way it gets there; *lease is of its first job, or without id. */
static void make_task(struct store *store, struct call *task, struct call *lease, const char *state)
{
    struct call call, second;

    *lease = (struct call){.nrows = 0};
    call_create(store, task, state);
    if (strcmp(state, "PENDING") == 0)
        return;
    call_lease(store, lease, "w1", 15000);
    if (strcmp(state, "SUCCEEDED") == 0) {
        call_finish(store, &call, lease, "SUCCEEDED");
        call_lease(store, &second, "w1", 15000);
        call_finish(store, &call, &second, "SKIPPED");
    } else if (strcmp(state, "FAILED") == 0) {
        call_finish(store, &call, lease, "FAILED");
    } else if (strcmp(state, "KILLED") == 0) {
        call_abort(store, &call, task->id);
    }
}

test(abort_stops_a_task_that_has_not_ended)
{
    static const Pb__TaskState after[] = {
        PB__TASK_STATE__TASK_STATE_KILLED, PB__TASK_STATE__TASK_STATE_KILLED,
        PB__TASK_STATE__TASK_STATE_SUCCEEDED, PB__TASK_STATE__TASK_STATE_FAILED,
        PB__TASK_STATE__TASK_STATE_KILLED};
    struct store *store = open_store(NULL);
    struct call task, lease, call;

    for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
        make_task(store, &task, &lease, state_names[i]);
        call_abort(store, &call, task.id);
        check_status(call.st, STATUS_OK);
        check_str(call.old_state, state_names[i]);
        check_str(call.id, task.id);
        check_int(call.state, after[i]);
        call_get(store, &call, task.id);
        check_int(call.state, after[i]);
        if (i < 2)
            check_int(call.job_states[1], PB__JOB_STATE__JOB_STATE_KILLED);
        call_report(store, &call, &lease, 1, NULL);
        if (lease.token != 0 && i != 2 && i != 3)
            check_str(call.outcome, "STOP");
    }
    store_destroy(store);
}

test(retry_takes_up_a_task_that_failed_or_was_killed)
{
    struct store *store = open_store(NULL);
    struct call task, lease, call;

    for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
        bool is_taken_up = i >= 3;

        make_task(store, &task, &lease, state_names[i]);
        call_get(store, &call, task.id);
        Pb__TaskState before = call.state;
        call_retry(store, &call, task.id, false);
        check_str(call.old_state, state_names[i]);
        check_int(call.state, is_taken_up ? PB__TASK_STATE__TASK_STATE_PENDING : before);
        call_get(store, &call, task.id);
        if (is_taken_up) {
            check_int(call.stage, PB__TASK_STAGE__TASK_STAGE_WAIT_FOR_START);
            check_int(call.job_states[0], PB__JOB_STATE__JOB_STATE_READY);
            check_int(call.job_states[1], PB__JOB_STATE__JOB_STATE_WAITING);
            check_str(call.message, "");
        }
        call_delete(store, &call, task.id);
    }
    store_destroy(store);
}

test(delete_removes_a_task_in_any_state)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call task, lease, call;

    for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
        make_task(store, &task, &lease, state_names[i]);
        call_delete(store, &call, task.id);
        check_str(call.old_state, state_names[i]);
        check_str(call.id, task.id);
        call_get(store, &call, task.id);
        check_int(call.nrows, 0);
    }
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task"), 0);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM job"), 0);
    store_destroy(store);
}

test(verbs_on_a_task_that_is_not_there_tell_so)
{
    struct store *store = open_store(NULL);
    struct call call;

    call_abort(store, &call, "proc-1-none");
    check_status(call.st, STATUS_OK);
    check_str(call.old_state, "");
    check_str(call.id, "");
    call_retry(store, &call, "proc-1-none", true);
    check_status(call.st, STATUS_OK);
    check_str(call.old_state, "");
    call_delete(store, &call, "proc-1-none");
    check_status(call.st, STATUS_OK);
    check_str(call.old_state, "");
    check_str(call.id, "");
    store_destroy(store);
}

test(retry_goes_on_where_the_task_was)
{
    struct store *store = open_store(NULL);
    struct call task, lease, call;

    call_create(store, &task, "t1");
    call_lease(store, &lease, "w1", 15000);
    call_finish(store, &call, &lease, "SUCCEEDED");
    call_lease(store, &lease, "w1", 15000);
    call_report(store, &call, &lease, 40, "row 40");
    call_abort(store, &call, task.id);
    check_int(call.rows_written, 40);
    call_retry(store, &call, task.id, false);
    check_int(call.rows_written, 40);

    call_report(store, &call, &lease, 50, "row 50");
    check_str(call.outcome, "LOST"); /* the worker of before the abort */
    call_finish(store, &call, &lease, "SUCCEEDED");
    check_str(call.outcome, "LOST");
    call_lease(store, &lease, "w2", 15000);
    check_str(lease.id, "t1-b");
    check_str(lease.checkpoint, "row 40");
    check_int(lease.attempt, 2);
    store_destroy(store);
}

test(retry_from_the_start_forgets_all_but_the_token)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call task, before, lease, call;

    call_create(store, &task, "t1");
    call_lease(store, &before, "w1", 15000);
    call_finish(store, &call, &before, "SUCCEEDED");
    call_lease(store, &lease, "w1", 15000);
    call_report(store, &call, &lease, 40, "row 40");
    pg_fixture_run(url, "INSERT INTO bad_row SELECT id, 'f', 1, 0, 'c', 'r', '' FROM task");
    call_finish(store, &call, &lease, "FAILED");
    call_retry(store, &call, task.id, true);
    check_int(call.rows_written, 0);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_PENDING);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM bad_row"), 0);

    call_lease(store, &lease, "w2", 15000);
    check_str(lease.id, "t1-a");
    check_str(lease.checkpoint, "");
    check_int(lease.attempt, 1);
    check(lease.token > before.token);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM job WHERE first_token <= lease_token"
                                         " AND first_token > 1"),
              2);
    call_get(store, &call, task.id);
    check_int(call.rows_written, 0);
    check_int(call.job_states[1], PB__JOB_STATE__JOB_STATE_WAITING);
    store_destroy(store);
}

/* Aborts and retries of the same tasks at once, in different orders, beside reports and leases. */
test(verbs_at_once_do_not_block_each_other_for_good)
{
    enum { NTASKS = 8, NROUNDS = 30 };
    const char *url;
    struct store *stores[2] = {open_store(&url), NULL};
    struct call tasks[NTASKS], aborts[NTASKS], retries[NTASKS], leases[NTASKS];
    char name[16];

    stores[1] = calls_open(url, 2, 0);
    for (int i = 0; i < NTASKS; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        call_create(stores[0], &tasks[i], name);
    }
    for (int round = 0; round < NROUNDS; round++) {
        for (int i = 0; i < NTASKS; i++) {
            const char *first = tasks[i].id;
            const char *second = tasks[NTASKS - 1 - i].id;

            aborts[i] = (struct call){
                .query = {.statement = &task_abort,
                          .params = {param_text(first), param_text("{PENDING,RUNNING}"),
                                     param_text("{}"), param_text("KILLED"), param_text("a"),
                                     param_text("")}}};
            retries[i] = (struct call){
                .query = {.statement = &task_retry,
                          .params = {param_text(second), param_text("{KILLED,FAILED}"),
                                     param_text("{}"), param_text("PENDING"), param_text("a"),
                                     param_int(round % 2)}}};
            call_prepare_lease(&leases[i], "w", 1);
            call_start(stores[i % 2], &aborts[i]);
            call_start(stores[1 - i % 2], &retries[i]);
            call_start(stores[i % 2], &leases[i]);
        }
        for (int i = 0; i < NTASKS; i++) {
            call_wait(&aborts[i]);
            call_wait(&retries[i]);
            call_wait(&leases[i]);
            check_status(aborts[i].st, STATUS_OK);
            check_status(retries[i].st, STATUS_OK);
            check_status(leases[i].st, STATUS_OK);
        }
    }
    store_destroy(stores[0]);
    store_destroy(stores[1]); /* so that the server has counted all that they met */
    check_int(pg_fixture_get_number(
                  url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"),
              0);
    check_int(pg_fixture_get_number(url,
                                    "SELECT count(*) FROM task JOIN job ON task_id = task.id"
                                    " WHERE (task.state = 'KILLED') <> (job.state = 'KILLED')"),
              0);
}
