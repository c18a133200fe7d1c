/*
 * The life of a task through the statements: create, lease, report, finish, and leases that are
 * lost on the way.
 */

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "store/job_store.h"
#include "store/task_store.h"
#include "tests/harness/test.h"
#include "tests/store/calls.h"
#include "tests/store/pg_fixture.h"

/* A store over a new database with the two data sources. */
static struct store *open_store(const char **ret_url)
{
    const char *url = pg_fixture_make_database();
    struct store *store = calls_open(url, 0, 0);

    calls_add_sources(store);
    if (ret_url)
        *ret_url = url;
    return store;
}

/* Makes the lease of a job end now. */
static void expire_lease(const char *url, const struct call *lease)
{
    char sql[256];

    (void)snprintf(sql, sizeof(sql),
                   "UPDATE job SET lease_end_time = now() - interval '1 s' WHERE id = '%s'",
                   lease->id);
    pg_fixture_run(url, sql);
}

test(task_goes_from_pending_to_succeeded)
{
    struct store *store = open_store(NULL);
    struct call task, lease, call;

    call_create(store, &task, "t1");
    check_status(task.st, STATUS_OK);
    check_int(task.state, PB__TASK_STATE__TASK_STATE_PENDING);
    check_str(task.id, "proc-1-t1");

    call_lease(store, &lease, "w1", 15000);
    check_status(lease.st, STATUS_OK);
    check_str(lease.id, "t1-a");
    check(lease.token > 0);
    check_int(lease.attempt, 1);
    call_get(store, &call, task.id);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_RUNNING);
    check_int(call.stage, PB__TASK_STAGE__TASK_STAGE_WAIT_FOR_SCHEMA);
    check_int(call.njobs, 2);
    check_int(call.job_states[0], PB__JOB_STATE__JOB_STATE_RUNNING);
    check_int(call.job_states[1], PB__JOB_STATE__JOB_STATE_WAITING);

    call_finish(store, &call, &lease, "SUCCEEDED");
    check_str(call.outcome, "DONE");
    check(call.is_ready);
    call_lease(store, &lease, "w2", 15000);
    check_str(lease.id, "t1-b");
    call_report(store, &call, &lease, 50, "half");
    check_str(call.outcome, "CONTINUE");
    call_get_alone(store, &call, task.id);
    check_int(call.stage, PB__TASK_STAGE__TASK_STAGE_WAIT_FOR_SUCCESS);
    check_int(call.njobs, 0);
    check_int(call.rows_written, 50);
    check(call.fraction == 0.5);

    call_finish(store, &call, &lease, "SUCCEEDED");
    check_str(call.outcome, "DONE");
    check(!call.is_ready);
    call_get_alone(store, &call, task.id);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_SUCCEEDED);
    check_int(call.stage, PB__TASK_STAGE__TASK_STAGE_FINISHED);
    check(call.fraction == 1);
    store_destroy(store);
}

test(task_without_its_data_sources_is_not_stored)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call call;

    call_prepare_create(&call, "t1", "{SCHEMA,FULL}", "{0,1}");
    call.query.params[2] = param_text("nothing");
    call_run(store, &call);
    check_status(call.st, STATUS_OK);
    check_int(call.nrows, 1);
    check_str(call.id, "");
    call_prepare_create(&call, "t2", "{SCHEMA,FULL}", "{0,1}");
    call.query.params[2] = param_text("db"); /* not a FILE */
    call_run(store, &call);
    check_str(call.id, "");
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task"), 0);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM job"), 0);
    store_destroy(store);
}

test(every_change_of_a_task_is_an_event)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call task, lease, call;

    call_create(store, &task, "t1");              /* 1 PENDING */
    call_lease(store, &lease, "w1", 15000);       /* 2 RUNNING, WAIT_FOR_SCHEMA */
    call_finish(store, &call, &lease, "RETRY");   /* 3 message */
    call_lease(store, &lease, "w1", 15000);       /* nothing new */
    call_finish(store, &call, &lease, "SKIPPED"); /* nothing: the next step waits */
    call_lease(store, &lease, "w2", 15000);       /* 4 WAIT_FOR_SUCCESS */
    call_abort(store, &call, task.id);            /* 5 KILLED */
    call_retry(store, &call, task.id, false);     /* 6 PENDING */
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task_event"), 6);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task_event WHERE actor = 'w2'"), 1);
    call_delete(store, &call, task.id);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task_event"), 0);
    store_destroy(store);
}

test(lease_that_ended_goes_to_another_worker_with_the_checkpoint)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call task, first, second, call;

    call_create(store, &task, "t1");
    call_lease(store, &first, "w1", 15000);
    call_report(store, &call, &first, 7, "row 7");
    call_lease(store, &second, "w2", 15000);
    check_int(second.nrows, 0);

    expire_lease(url, &first);
    call_lease(store, &second, "w2", 15000);
    check_str(second.id, first.id);
    check(second.token > first.token);
    check_int(second.attempt, 2);
    check_str(second.checkpoint, "row 7");

    call_report(store, &call, &first, 8, "row 8");
    check_str(call.outcome, "LOST");
    call_finish(store, &call, &first, "SUCCEEDED");
    check_str(call.outcome, "LOST");
    call_report(store, &call, &second, 9, NULL);
    check_str(call.outcome, "CONTINUE");
    check_int(pg_fixture_get_number(
                  url, "SELECT count(*) FROM job WHERE checkpoint = 'row 7' AND rows_written = 9"),
              1);
    store_destroy(store);
}

test(worker_that_is_late_keeps_a_job_nobody_else_took)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call task, lease, call;

    call_create(store, &task, "t1");
    call_lease(store, &lease, "w1", 15000);
    expire_lease(url, &lease);
    call_report(store, &call, &lease, 1, NULL);
    check_str(call.outcome, "CONTINUE");
    call_lease(store, &call, "w2", 15000);
    check_int(call.nrows, 0);
    store_destroy(store);
}

test(job_of_a_task_that_is_gone_is_stopped)
{
    struct store *store = open_store(NULL);
    struct call task, lease, call;

    call_create(store, &task, "t1");
    call_lease(store, &lease, "w1", 15000);
    call_delete(store, &call, task.id);
    call_report(store, &call, &lease, 1, NULL);
    check_str(call.outcome, "STOP");
    call_finish(store, &call, &lease, "SUCCEEDED");
    check_str(call.outcome, "STOP");
    store_destroy(store);
}

test(repeated_finish_is_answered_as_the_first)
{
    struct store *store = open_store(NULL);
    struct call task, lease, call;
    const char *const outcomes[] = {"SUCCEEDED", "RETRY", "RELEASED", "SKIPPED", "FAILED"};

    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "t%zu", i);
        call_create(store, &task, name);
        call_lease(store, &lease, "w1", 15000);
        call_finish(store, &call, &lease, outcomes[i]);
        check_str(call.outcome, "DONE");
        call_finish(store, &call, &lease, outcomes[i]);
        check_str(call.outcome, "DONE");
        check(!call.is_ready);
        call_delete(store, &call, task.id);
    }
    store_destroy(store);
}

test(failed_job_fails_its_task_and_kills_the_others)
{
    struct store *store = open_store(NULL);
    struct call task, lease, other, call;

    call_prepare_create(&task, "t1", "{FULL,FULL,CHECK}", "{0,0,1}");
    call_run(store, &task);
    call_lease(store, &lease, "w1", 15000);
    call_lease(store, &other, "w2", 15000);
    call_finish(store, &call, &lease, "FAILED");
    check_str(call.outcome, "DONE");
    call_get(store, &call, task.id);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_FAILED);
    check_str(call.message, "a reason");
    check_int(call.job_states[0], PB__JOB_STATE__JOB_STATE_FAILED);
    check_int(call.job_states[1], PB__JOB_STATE__JOB_STATE_KILLED);
    check_int(call.job_states[2], PB__JOB_STATE__JOB_STATE_KILLED);
    call_report(store, &call, &other, 1, NULL);
    check_str(call.outcome, "STOP");
    store_destroy(store);
}

test(job_that_is_to_be_tried_again_waits_for_its_backoff)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call task, lease, call;

    call_create(store, &task, "t1");
    call_lease(store, &lease, "w1", 15000);
    call_prepare_finish(&call, &lease, "RETRY", 60000);
    call_run(store, &call);
    check_str(call.outcome, "DONE");
    check(!call.is_ready);
    call_get(store, &call, task.id);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_RUNNING);
    check_str(call.message, "a reason");
    check_int(call.job_states[0], PB__JOB_STATE__JOB_STATE_READY);
    call_lease(store, &call, "w1", 15000);
    check_int(call.nrows, 0);
    expire_lease(url, &lease);
    call_lease(store, &lease, "w1", 15000);
    check_int(lease.attempt, 2);
    call_finish(store, &call, &lease, "SUCCEEDED");
    call_get(store, &call, task.id);
    check_str(call.message, "");
    store_destroy(store);
}

test(job_fails_after_twenty_tries_without_progress)
{
    struct store *store = open_store(NULL);
    struct call task, lease, call;

    call_create(store, &task, "t1");
    for (int i = 0; i < JOB_MAX_TRIES; i++) {
        call_get(store, &call, task.id);
        check(call.state != PB__TASK_STATE__TASK_STATE_FAILED);
        call_lease(store, &lease, "w1", 15000);
        check_int(lease.nrows, 1);
        call_finish(store, &call, &lease, "RETRY");
    }
    call_get(store, &call, task.id);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_FAILED);
    store_destroy(store);
}

test(progress_and_release_do_not_count_as_tries)
{
    struct store *store = open_store(NULL);
    struct call task, lease, call;

    call_create(store, &task, "t1");
    for (int i = 0; i < 2 * JOB_MAX_TRIES; i++) {
        call_lease(store, &lease, "w1", 15000);
        if (i % 2 == 0)
            call_report(store, &call, &lease, i + 1, NULL);
        call_finish(store, &call, &lease, i % 2 == 0 ? "RETRY" : "RELEASED");
        check(call.is_ready);
    }
    check_int(lease.attempt, JOB_MAX_TRIES + 1);
    call_get(store, &call, task.id);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_RUNNING);
    store_destroy(store);
}

test(job_that_its_workers_lose_again_and_again_is_given_up)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call task, lease, call;

    call_prepare_create(&task, "t1", "{FULL,FULL,CHECK}", "{0,0,1}");
    call_run(store, &task);
    call_lease(store, &lease, "w1", 15000);
    pg_fixture_run(url, "UPDATE job SET tries = 20, lease_end_time = now() - interval '1 s'"
                        " WHERE state = 'RUNNING'");
    call_lease(store, &call, "w2", 15000); /* the other job of the step, or none */
    call_lease(store, &call, "w2", 15000);
    check_status(call.st, STATUS_OK);
    check_int(call.nrows, 0);
    call_get(store, &call, task.id);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_FAILED);
    check_str(call.message, "given up: lost by its workers 20 times in a row without progress");
    check_int(call.job_states[0], PB__JOB_STATE__JOB_STATE_FAILED);
    check_int(call.job_states[1], PB__JOB_STATE__JOB_STATE_KILLED);
    store_destroy(store);
}

/* Two jobs of a step end at the same time, over connections of their own. */
static void finish_both(struct store *const stores[2], int number)
{
    struct call task, leases[2], ends[2], call;
    char name[16];

    (void)snprintf(name, sizeof(name), "t%d", number);
    call_prepare_create(&task, name, "{FULL,FULL,CHECK}", "{0,0,1}");
    call_run(stores[0], &task);
    for (int i = 0; i < 2; i++) {
        call_lease(stores[0], &leases[i], "w", 15000);
        call_prepare_finish(&ends[i], &leases[i], "SUCCEEDED", 0);
    }
    for (int i = 0; i < 2; i++)
        call_start(stores[i], &ends[i]);
    for (int i = 0; i < 2; i++) {
        call_wait(&ends[i]);
        check_str(ends[i].outcome, "DONE");
    }
    check_int(ends[0].is_ready + ends[1].is_ready, 1);
    call_get(stores[0], &call, task.id);
    check_int(call.job_states[2], PB__JOB_STATE__JOB_STATE_READY);
    call_lease(stores[0], &leases[0], "w", 15000);
    call_finish(stores[0], &call, &leases[0], "SUCCEEDED");
    call_get(stores[0], &call, task.id);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_SUCCEEDED);
}

test(two_jobs_that_end_at_once_let_the_next_step_begin)
{
    const char *url;
    struct store *stores[2] = {open_store(&url), NULL};

    stores[1] = calls_open(url, 1, 0);
    for (int i = 0; i < 50; i++)
        finish_both(stores, i);
    store_destroy(stores[0]);
    store_destroy(stores[1]);
}

enum { NJOBS = 100 };

test(hundred_leases_at_once_get_hundred_different_jobs)
{
    const char *url;
    struct store *stores[2] = {open_store(&url), NULL};
    struct call *calls = mem_alloc_array(NJOBS, sizeof(*calls));
    unsigned nleased = 0;

    stores[1] = calls_open(url, 2, 7);
    for (int i = 0; i < NJOBS; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "t%d", i);
        call_create(stores[0], &calls[i], name);
    }
    for (int i = 0; i < NJOBS; i++) {
        call_prepare_lease(&calls[i], "w", 15000);
        call_start(stores[i % 2], &calls[i]);
    }
    for (int i = 0; i < NJOBS; i++)
        call_wait(&calls[i]);
    /* Who met locks on all that was left comes again. */
    for (int i = 0; i < NJOBS; i++) {
        check_status(calls[i].st, STATUS_OK);
        if (calls[i].nrows == 0)
            call_lease(stores[0], &calls[i], "w", 15000);
        nleased += calls[i].nrows == 1;
    }
    check_int(nleased, NJOBS);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM job WHERE state = 'RUNNING'"
                                         "   AND attempt = 1"),
              NJOBS);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task WHERE state = 'RUNNING'"),
              NJOBS);
    mem_free(calls);
    store_destroy(stores[0]);
    store_destroy(stores[1]);
}

test(reports_of_one_job_do_not_lose_a_checkpoint)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call task, lease, calls[2];

    call_create(store, &task, "t1");
    call_lease(store, &lease, "w1", 15000);
    for (int i = 0; i < 50; i++) {
        char text[16];

        (void)snprintf(text, sizeof(text), "row %d", i);
        for (int j = 0; j < 2; j++) {
            call_prepare_report(&calls[j], &lease, "{}", "");
            if (j == 0)
                calls[j].query.params[4] = param_text(text);
            call_start(store, &calls[j]);
        }
        for (int j = 0; j < 2; j++) {
            call_wait(&calls[j]);
            check_str(calls[j].outcome, "CONTINUE");
        }
    }
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM job WHERE checkpoint = 'row 49'"),
              1);
    store_destroy(store);
}
