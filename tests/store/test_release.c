/* What is left to do at the source of a sync that was stopped: jobs of role RELEASE, and tasks that wait for them. */

#include <stdio.h>
#include <string.h>

#include "store/job_store.h"
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

static long long count_jobs(const char *condition)
{
    char sql[256];

    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM job WHERE %s", condition);
    return pg_fixture_get_number(url, sql);
}

static long long count_events(void)
{
    return pg_fixture_get_number(url, "SELECT count(*) FROM task_event");
}

/* A sync whose job of role PEER has been leased, so that its source may have a peer. */
static void start_sync(struct store *store, struct call *task, struct call *lease)
{
    call_prepare_create(task, "t", "{PEER,INCR}", "{2,5}");
    call_run(store, task);
    check_str(task->outcome, "CREATED");
    call_lease(store, lease, "w", 60000);
    check_str(lease->id, "t-a");
}

/* The worker of a job that was killed has stopped. */
static void leave(struct store *store, const struct call *lease)
{
    struct call call;

    call_finish(store, &call, lease, "RELEASED");
    check_str(call.outcome, "DONE");
}

/* The same, aborted, with its job of role RELEASE leased. */
static void start_release(struct store *store, struct call *task, struct call *lease)
{
    struct call call;

    start_sync(store, task, lease);
    call_abort(store, &call, task->id);
    leave(store, lease);
    call_lease(store, lease, "w2", 60000);
    check(strncmp(lease->id, "release-", 8) == 0);
}

test(a_release_waits_for_who_may_still_see_to_the_peer)
{
    struct store *store = open_store();
    struct call task, lease, call, release;

    start_sync(store, &task, &lease);
    call_abort(store, &call, task.id);
    call_lease(store, &release, "w2", 60000);
    check_str(release.id, "");
    call_finish(store, &call, &lease, "RELEASED");
    check_str(call.outcome, "DONE");
    check(call.is_ready);
    call_finish(store, &call, &lease, "RELEASED"); /* once more: nothing waits for it */
    check_str(call.outcome, "DONE");
    check(!call.is_ready);
    check_int(count_jobs("state = 'KILLED'"), 2);
    call_lease(store, &release, "w2", 60000);
    check(strncmp(release.id, "release-", 8) == 0);
    store_destroy(store);
}

test(a_release_waits_no_longer_than_the_lease_of_who_died)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_sync(store, &task, &lease);
    pg_fixture_run(
        url, "UPDATE job SET lease_end_time = now() - interval '1 s' WHERE state = 'RUNNING'");
    call_delete(store, &call, task.id);
    call_lease(store, &lease, "w2", 60000);
    check(strncmp(lease.id, "release-", 8) == 0);
    store_destroy(store);
}

test(what_no_worker_had_leaves_nothing_to_do)
{
    struct store *store = open_store();
    struct call task, call;

    call_prepare_create(&task, "t", "{PEER,INCR}", "{2,5}");
    call_run(store, &task);
    call_abort(store, &call, task.id);
    check_int(count_jobs("role = 'RELEASE'"), 0);
    call_delete(store, &call, task.id);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task"), 0);
    store_destroy(store);
}

test(an_aborted_sync_lets_go_of_its_source)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_release(store, &task, &lease);
    check_int(lease.state, PB__TASK_STATE__TASK_STATE_KILLED);
    check_int(count_jobs("role = 'RELEASE' AND state = 'RUNNING' AND step = 7"
                         " AND capability = 'bulkload:file:postgres'"),
              1);
    call_finish(store, &call, &lease, "SUCCEEDED");
    check_str(call.outcome, "DONE");
    check_int(count_jobs("role = 'RELEASE' AND state = 'SUCCEEDED'"), 1);
    call_get(store, &call, task.id);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_KILLED);
    call_abort(store, &call, task.id); /* once more: it stays as it is */
    check_int(count_jobs("role = 'RELEASE' AND state = 'SUCCEEDED'"), 1);
    store_destroy(store);
}

test(a_failed_sync_lets_go_of_its_source_and_still_tells_why_it_failed)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_sync(store, &task, &lease);
    call_finish(store, &call, &lease, "FAILED");
    check(call.is_ready);
    call_lease(store, &lease, "w2", 60000);
    check_int(lease.state, PB__TASK_STATE__TASK_STATE_FAILED);
    call_say(store, &call, &lease, "the source is down");
    check(!call.is_said);
    check_int(count_jobs("role = 'RELEASE' AND message = 'the source is down'"), 1);
    call_get(store, &call, task.id);
    check_str(call.message, "a reason");
    store_destroy(store);
}

test(a_retry_takes_the_release_from_its_worker)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_release(store, &task, &lease);
    call_retry(store, &call, task.id, false);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_PENDING);
    check_int(count_jobs("role = 'RELEASE'"), 0);
    call_say(store, &call, &lease, "");
    check_str(call.outcome, "STOP");
    call_finish(store, &call, &lease, "SUCCEEDED");
    check_str(call.outcome, "STOP");
    call_lease(store, &lease, "w3", 60000);
    check_str(lease.id, "t-a");
    store_destroy(store);
}

/* Even one that forgets all, and then has had no worker: the peer is still there. */
test(a_sync_from_the_start_still_lets_go_of_its_source)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_release(store, &task, &lease);
    call_retry(store, &call, task.id, true);
    check_int(count_jobs("attempt > 0"), 0);
    call_abort(store, &call, task.id);
    check_int(count_jobs("role = 'RELEASE' AND state = 'READY'"), 1);
    store_destroy(store);
}

test(a_deleted_sync_goes_when_its_source_is_free)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_sync(store, &task, &lease);
    call_delete(store, &call, task.id);
    check_str(call.old_state, "RUNNING");
    call_get(store, &call, task.id);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_KILLED);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task WHERE delete_time <= now()"),
              1);
    check_int(count_jobs("role IN ('PEER', 'INCR') AND state = 'KILLED'"), 2);
    call_say(store, &call, &lease, "");
    check_str(call.outcome, "STOP");
    leave(store, &lease);

    call_lease(store, &lease, "w2", 60000);
    call_finish(store, &call, &lease, "SUCCEEDED");
    check_str(call.outcome, "DONE");
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task"), 0);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM job"), 0);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task_tombstone"), 1);
    store_destroy(store);
}

test(a_sync_that_is_deleted_twice_goes_at_once)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_sync(store, &task, &lease);
    call_delete(store, &call, task.id);
    call_lease(store, &lease, "w2", 60000);
    call_delete(store, &call, task.id);
    check_str(call.old_state, "KILLED");
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task"), 0);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task_tombstone"), 1);
    call_finish(store, &call, &lease, "SUCCEEDED");
    check_str(call.outcome, "STOP");
    store_destroy(store);
}

test(who_lets_go_after_an_abort_loses_that_to_a_delete)
{
    struct store *store = open_store();
    struct call task, before, lease, call;

    start_release(store, &task, &before);
    call_delete(store, &call, task.id);
    call_say(store, &call, &before, "");
    check_str(call.outcome, "LOST");
    call_finish(store, &call, &before, "SUCCEEDED");
    check_str(call.outcome, "LOST");
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task"), 1);
    call_lease(store, &lease, "w3", 60000);
    check_str(lease.id, before.id);
    check(lease.token > before.token);
    store_destroy(store);
}

test(a_task_to_be_deleted_is_not_retried)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_sync(store, &task, &lease);
    call_delete(store, &call, task.id);
    call_retry(store, &call, task.id, false);
    check_str(call.old_state, "KILLED");
    check_int(call.state, PB__TASK_STATE__TASK_STATE_KILLED);
    check_int(count_jobs("role = 'RELEASE' AND state = 'READY'"), 1);
    store_destroy(store);
}

test(a_release_is_tried_again_as_long_as_it_takes)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_release(store, &task, &lease);
    long long nevents = count_events();
    for (int i = 0; i < JOB_MAX_TRIES + 3; i++) {
        call_finish(store, &call, &lease, "RETRY");
        check_str(call.outcome, "DONE");
        call_lease(store, &lease, "w2", 60000);
        check_int(lease.attempt, i + 2);
    }
    check_int(count_events(), nevents + 1); /* what it says is new only once */
    call_get(store, &call, task.id);
    check_str(call.message, "a reason");
    call_finish(store, &call, &lease, "SUCCEEDED");
    check_int(count_events(), nevents + 2);
    call_get(store, &call, task.id);
    check_str(call.message, "");
    check_int(call.state, PB__TASK_STATE__TASK_STATE_KILLED);
    store_destroy(store);
}

test(a_release_that_its_workers_lose_is_never_given_up)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_release(store, &task, &lease);
    pg_fixture_run(url, "UPDATE job SET tries = 20, lease_end_time = now() - interval '1 s'"
                        " WHERE role = 'RELEASE'");
    call_lease(store, &lease, "w3", 60000);
    check_int(lease.attempt, 2);
    call_say(store, &call, &lease, "");
    check_str(call.outcome, "CONTINUE");
    store_destroy(store);
}

test(a_release_that_fails_tells_so_and_its_task_waits_for_another_delete)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_release(store, &task, &lease);
    call_delete(store, &call, task.id);
    call_lease(store, &lease, "w3", 60000);
    call_finish(store, &call, &lease, "FAILED");
    check_int(count_jobs("role = 'RELEASE' AND state = 'FAILED' AND message = 'a reason'"), 1);
    call_get(store, &call, task.id);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_KILLED);
    check_str(call.message, "a reason");
    call_delete(store, &call, task.id);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM task"), 0);
    store_destroy(store);
}

/* It does not know that the task of such a job has ended. */
test(an_older_program_is_given_no_release)
{
    struct store *store = open_store();
    struct call task, lease, call;

    start_sync(store, &task, &lease);
    call_abort(store, &call, task.id);
    leave(store, &lease);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM job_pick("
                                         "'{bulkload:file:postgres}'::text[])"),
              0);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM job_pick("
                                         "'{bulkload:file:postgres}'::text[], true)"),
              1);
    store_destroy(store);
}

/* All verbs on one sync at once, beside leases, reports and the end of its release. */
test(releases_beside_other_verbs_do_not_block_each_other_for_good)
{
    enum { NROUNDS = 40, NCALLS = 7 };
    struct store *store = open_store();
    struct call task, lease, calls[NCALLS];

    start_sync(store, &task, &lease);
    for (int round = 0; round < NROUNDS; round++) {
        for (int i = 0; i < 2; i++)
            calls[i] = (struct call){
                .query = {.statement = &task_abort,
                          .params = {param_text(task.id), param_text("{PENDING,RUNNING}"),
                                     param_text("{KILLED}"), param_text("KILLED"), param_text("a"),
                                     param_text(""), param_text("")}}};
        for (int i = 2; i < 4; i++)
            calls[i] = (struct call){
                .query = {.statement = &task_retry,
                          .params = {param_text(task.id), param_text("{KILLED,FAILED}"),
                                     param_text("{}"), param_text("PENDING"), param_text("a"),
                                     param_int(round % 4 == 0), param_text("")}}};
        call_prepare_lease(&calls[4], "w", 60000);
        call_prepare_report(&calls[5], &lease, "{}", round % 2 == 0 ? "" : "a reason");
        call_prepare_finish(&calls[6], &lease, "RETRY", 0);
        for (int i = 0; i < NCALLS; i++)
            call_start(store, &calls[i]);
        for (int i = 0; i < NCALLS; i++) {
            call_wait(&calls[i]);
            check_status(calls[i].st, STATUS_OK);
        }
        if (calls[4].token != 0)
            lease = calls[4];
    }
    store_destroy(store); /* so that the server has counted all that it met */
    check_int(pg_fixture_get_number(
                  url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"),
              0);
    check_int(count_jobs("role = 'RELEASE'"),
              pg_fixture_get_number(url, "SELECT count(*) FROM task WHERE state = 'KILLED'"));
}
