/* The life of a task through the statements: create, lease, report, finish, and the verbs. */

#include "tests/harness/test.h"
#include "tests/store/calls.h"
#include "tests/store/pg_fixture.h"

test(task_goes_from_pending_to_succeeded)
{
    struct store *store = calls_open(pg_fixture_make_database(), 0, 0);
    struct call task, lease, call;

    calls_add_sources(store);
    call_create(store, &task, "t1");
    check_status(task.st, STATUS_OK);
    check_int(task.state, PB__TASK_STATE__TASK_STATE_PENDING);
    check_str(task.id, "proc-1-t1");

    call_lease(store, &lease, "w1", 15000);
    check_status(lease.st, STATUS_OK);
    check_str(lease.id, "t1-a");
    check_int(lease.token, 1);
    call_get(store, &call, task.id);
    check_status(call.st, STATUS_OK);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_RUNNING);
    check_int(call.stage, PB__TASK_STAGE__TASK_STAGE_WAIT_FOR_SCHEMA);
    check_int(call.njobs, 2);
    check_int(call.job_states[0], PB__JOB_STATE__JOB_STATE_RUNNING);
    check_int(call.job_states[1], PB__JOB_STATE__JOB_STATE_WAITING);

    call_finish(store, &call, &lease, "SUCCEEDED");
    check_status(call.st, STATUS_OK);
    check_str(call.outcome, "DONE");
    check(call.is_ready);
    call_lease(store, &lease, "w2", 15000);
    check_str(lease.id, "t1-b");
    call_report(store, &call, &lease, 50, "half");
    check_str(call.outcome, "CONTINUE");
    call_get(store, &call, task.id);
    check_int(call.rows_written, 50);
    check(call.fraction == 0.5);
    call_finish(store, &call, &lease, "SUCCEEDED");
    check_str(call.outcome, "DONE");
    check(!call.is_ready);
    call_get(store, &call, task.id);
    check_int(call.state, PB__TASK_STATE__TASK_STATE_SUCCEEDED);
    check_int(call.stage, PB__TASK_STAGE__TASK_STAGE_FINISHED);
    check(call.fraction == 1);
    store_destroy(store);
}
