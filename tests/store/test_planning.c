/* Jobs that follow from a plan: when a job of role PLAN ends, and when the tables of a task change. */

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "store/job_store.h"
#include "store/plan_store.h"
#include "store/task_store.h"
#include "tests/harness/test.h"
#include "tests/store/calls.h"
#include "tests/store/pg_fixture.h"

/* As the statements take it: arrays in texts. */
struct plan {
    const char *ids;
    const char *roles;
    const char *steps;
    const char *tables;
};

static const struct plan two_tables = {"{s1,s2,i}", "{SCHEMA,SCHEMA,INCR}", "{1,1,5}",
                                       "{t1,t2,\"t1,t2\"}"};
static const struct plan one_other = {"{s3,i3}", "{SCHEMA,INCR}", "{1,5}", "{t3,t3}"};
static const struct plan a_pattern = {"{p2}", "{PLAN}", "{0}", "{\"\"}"};

static const char *url;

static struct store *open_store(void)
{
    url = pg_fixture_make_database();

    struct store *store = calls_open(url, 2, 0);
    calls_add_sources(store);
    return store;
}

/* How many jobs there are for which an SQL condition holds. */
static long long count_jobs(const char *condition)
{
    char sql[256];

    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM job WHERE %s", condition);
    return pg_fixture_get_number(url, sql);
}

static void create(struct store *store, struct call *task, const char *roles)
{
    call_prepare_create(task, "t", roles, "{0,0}");
    call_run(store, task);
    check_str(task->outcome, "CREATED");
}

static void finish_plan(struct store *store, struct call *call, const struct call *lease,
                        const struct plan *plan)
{
    call_prepare_finish(call, lease, "SUCCEEDED", 0);
    if (plan) {
        call->query.params[7] = param_text(plan->ids);
        call->query.params[8] = param_text(plan->roles);
        call->query.params[9] = param_text(plan->steps);
        call->query.params[10] = param_text(plan->tables);
    }
    call_run(store, call);
}

static void prepare_update(struct call *call, const char *id, int64_t version,
                           const struct plan *plan)
{
    *call = (struct call){
        .query = {.statement = &task_update,
                  .params = {param_text(id), param_text(""), param_null(), param_null(),
                             param_text("tester"), param_int(version), param_text("\x20\x01"),
                             param_text(plan->ids), param_text(plan->roles),
                             param_text(plan->steps), param_text(plan->tables), param_null()}}};
}

static void update(struct store *store, struct call *call, const struct plan *plan)
{
    char id[CALL_TEXT_BYTES];

    (void)snprintf(id, sizeof(id), "proc-1-t");
    prepare_update(call, id, pg_fixture_get_number(url, "SELECT version FROM task"), plan);
    call_run(store, call);
}

/* A running sync of t1 and t2 whose job of role INCR is leased, with a checkpoint. */
static void start_sync(struct store *store, struct call *lease)
{
    struct call task, call;

    call_prepare_create(&task, "t", "{PLAN,PLAN}", "{0,0}");
    task.query.params[8] = param_text("{p1}");
    task.query.params[9] = param_text("{PLAN}");
    task.query.params[10] = param_text("{0}");
    task.query.params[11] = param_text("{\"\"}");
    call_run(store, &task);
    call_lease(store, lease, "w", 60000);
    finish_plan(store, &call, lease, &two_tables);
    check_str(call.outcome, "DONE");
    for (int i = 0; i < 2; i++) {
        call_lease(store, lease, "w", 60000);
        call_finish(store, &call, lease, "SUCCEEDED");
    }
    call_lease(store, lease, "w", 60000);
    check_str(lease->id, "i");
    call_report(store, &call, lease, 1, "here");
}

test(a_plan_ends_with_the_jobs_that_follow)
{
    struct store *store = open_store();
    struct call lease, call;

    start_sync(store, &lease);
    check_int(count_jobs("role = 'PLAN' AND state = 'SUCCEEDED'"), 1);
    check_int(count_jobs("role = 'SCHEMA' AND state = 'SUCCEEDED' AND table_name IN ('t1', 't2')"),
              2);
    check_int(count_jobs("role = 'INCR' AND state = 'RUNNING' AND table_name = 't1,t2'"), 1);
    check_int(count_jobs("capability <> 'bulkload:file:postgres'"), 0);
    lease = (struct call){
        .id = "p1",
        .token = pg_fixture_get_number(url, "SELECT lease_token FROM job WHERE id = 'p1'"),
    };
    finish_plan(store, &call, &lease, &one_other);
    check_str(call.outcome, "DONE"); /* a repeat */
    check_int(count_jobs("true"), 4);
    store_destroy(store);
}

test(a_plan_without_jobs_is_none)
{
    struct store *store = open_store();
    struct call task, lease, call;

    create(store, &task, "{PLAN,PLAN}");
    call_lease(store, &lease, "w", 60000);
    finish_plan(store, &call, &lease, NULL);
    check_str(call.outcome, "UNPLANNED");
    check_int(count_jobs("state = 'RUNNING'"), 1);
    call_finish(store, &call, &lease, "SKIPPED");
    check_str(call.outcome, "UNPLANNED");
    call_finish(store, &call, &lease, "FAILED");
    check_str(call.outcome, "DONE");
    check_int(count_jobs("state = 'FAILED'"), 1);
    store_destroy(store);
}

test(other_tables_take_the_job_that_follows_them_from_its_worker)
{
    struct store *store = open_store();
    struct call lease, call;

    start_sync(store, &lease);
    update(store, &call, &one_other);
    check_str(call.outcome, "DONE");
    check(call.is_ready);
    check_int(count_jobs("role = 'PLAN' OR table_name IN ('t1', 't2')"), 0);
    check_int(count_jobs("id = 's3' AND state = 'READY'"), 1);
    check_int(count_jobs("id = 'i' AND state = 'WAITING' AND table_name = 't3'"
                         " AND checkpoint = 'here'"),
              1);
    call_report(store, &call, &lease, 2, NULL);
    check_str(call.outcome, "LOST");
    store_destroy(store);
}

test(a_pattern_makes_all_jobs_wait_for_the_plan)
{
    struct store *store = open_store();
    struct call lease, call;

    start_sync(store, &lease);
    update(store, &call, &a_pattern);
    check_int(count_jobs("role = 'PLAN' AND id = 'p2' AND state = 'READY'"), 1);
    check_int(count_jobs("role = 'SCHEMA' AND state = 'SUCCEEDED'"), 2);
    check_int(count_jobs("id = 'i' AND state = 'WAITING' AND table_name = 't1,t2'"), 1);
    check_int(count_jobs("true"), 4);
    store_destroy(store);
}

test(other_tables_of_a_task_that_ended_wait_for_a_retry)
{
    struct store *store = open_store();
    struct call lease, call;

    start_sync(store, &lease);
    call_abort(store, &call, "proc-1-t");
    update(store, &call, &one_other);
    check_str(call.outcome, "DONE");
    check(!call.is_ready);
    check_int(count_jobs("state = 'KILLED' AND end_time IS NOT NULL"), 2);
    call_retry(store, &call, "proc-1-t", false);
    check_int(count_jobs("id = 's3' AND state = 'READY'"), 1);
    check_int(count_jobs("id = 'i' AND state = 'WAITING' AND checkpoint = 'here'"), 1);
    store_destroy(store);
}

test(other_tables_are_for_the_version_that_they_were_planned_from)
{
    struct store *store = open_store();
    struct call lease, call;

    start_sync(store, &lease);
    prepare_update(&call, "proc-1-t", pg_fixture_get_number(url, "SELECT version - 1 FROM task"),
                   &one_other);
    call_run(store, &call);
    check_str(call.outcome, "RACED");
    check_int(count_jobs("table_name = 't3'"), 0);
    prepare_update(&call, "proc-2-t", 1, &one_other);
    call_run(store, &call);
    check_str(call.outcome, "NOT_FOUND");
    store_destroy(store);
}

test(from_the_start_only_the_plan_is_left)
{
    struct store *store = open_store();
    struct call lease, call;

    start_sync(store, &lease);
    call_abort(store, &call, "proc-1-t");
    call_retry(store, &call, "proc-1-t", true);
    check_int(count_jobs("role = 'PLAN' AND state = 'READY' AND attempt = 0"), 1);
    check_int(count_jobs("true"), 1);
    store_destroy(store);
}

static const struct plan full_one = {"{p0,f0,i0}", "{PEER,FULL,INCR}", "{2,3,5}", "{t1,t1,t1}"};
static const struct plan full_two = {"{f1,f2,p1,i1}", "{FULL,FULL,PEER,INCR}", "{3,3,2,5}",
                                     "{t1,t2,\"t1,t2\",\"t1,t2\"}"};

/* A running sync with a full copy of t1, which is done; its job of role INCR is leased. */
static void start_full_sync(struct store *store, struct call *lease)
{
    static const char *const ids[] = {"p0", "f0", "i0"};
    struct call task, call;

    call_prepare_create(&task, "t", "{PLAN,PLAN}", "{0,0}");
    task.query.params[8] = param_text(full_one.ids);
    task.query.params[9] = param_text(full_one.roles);
    task.query.params[10] = param_text(full_one.steps);
    task.query.params[11] = param_text(full_one.tables);
    call_run(store, &task);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        call_lease(store, lease, "w", 60000);
        check_str(lease->id, ids[i]);
        if (i < 2)
            call_finish(store, &call, lease, "SUCCEEDED");
    }
}

test(other_tables_of_a_sync_with_a_full_copy_begin_with_its_peer)
{
    struct store *store = open_store();
    struct call lease, call;

    start_full_sync(store, &lease);
    update(store, &call, &full_two);
    check_str(call.outcome, "DONE");
    check(call.is_ready);
    check_int(count_jobs("id = 'f0' AND state = 'SUCCEEDED'"), 1);
    check_int(count_jobs("id = 'p0' AND state = 'READY' AND table_name = 't1,t2'"
                         " AND end_time IS NULL"),
              1);
    check_int(count_jobs("id = 'f2' AND state = 'WAITING'"), 1);
    check_int(count_jobs("id = 'i0' AND state = 'WAITING' AND table_name = 't1,t2'"), 1);
    check_int(count_jobs("true"), 4);
    call_say(store, &call, &lease, "");
    check_str(call.outcome, "LOST");

    static const char *const order[] = {"p0", "f2", "i0"};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        call_lease(store, &lease, "w", 60000);
        check_str(lease.id, order[i]);
        call_finish(store, &call, &lease, "SUCCEEDED");
        check_str(call.outcome, "DONE");
    }
    store_destroy(store);
}

/* A retry makes the peer anew for the other tables, and what lets go of it meanwhile is left alone. */
test(other_tables_of_a_sync_that_ended_have_a_peer_made_for_them)
{
    struct store *store = open_store();
    struct call lease, release, call;

    start_full_sync(store, &lease);
    call_abort(store, &call, "proc-1-t");
    call_finish(store, &call, &lease, "RELEASED"); /* its worker has stopped */
    call_lease(store, &release, "w2", 60000);
    update(store, &call, &full_two);
    check(!call.is_ready);
    check_int(count_jobs("id = 'p0' AND state = 'KILLED' AND end_time IS NOT NULL"), 1);
    call_say(store, &call, &release, "");
    check_str(call.outcome, "CONTINUE");
    update(store, &call, &a_pattern);
    call_say(store, &call, &release, "");
    check_str(call.outcome, "CONTINUE");
    update(store, &call, &full_two);
    call_retry(store, &call, "proc-1-t", false);
    check_int(count_jobs("role = 'RELEASE'"), 0);
    check_int(count_jobs("id = 'p0' AND state = 'READY'"), 1);
    store_destroy(store);
}

/* Settings that change leave the jobs and their leases alone. */
test(another_limit_is_told_with_the_next_report)
{
    struct store *store = open_store();
    struct call lease, call;

    start_full_sync(store, &lease);
    prepare_update(&call, "proc-1-t", pg_fixture_get_number(url, "SELECT version FROM task"),
                   &(struct plan){"", "", "", ""});
    call.query.params[11] = param_int(77);
    call_run(store, &call);
    check_str(call.outcome, "DONE");
    check(!call.is_ready);
    call_say(store, &call, &lease, "");
    check_str(call.outcome, "CONTINUE");
    check_int(call.bytes_per_second, 77);
    update(store, &call, &full_two);
    check_int(pg_fixture_get_number(url, "SELECT bytes_per_second FROM task"), 77);
    store_destroy(store);
}

test(a_task_to_be_deleted_takes_no_change)
{
    struct store *store = open_store();
    struct call lease, call;

    start_full_sync(store, &lease);
    call_delete(store, &call, "proc-1-t");
    update(store, &call, &full_two);
    check_str(call.outcome, "DELETING");
    check_int(count_jobs("id = 'f2'"), 0);
    store_destroy(store);
}

/* The number decides about the plan, and is in the ids of its jobs. */
static void prepare_new_update(struct call *call, int64_t version, int number)
{
    static const struct plan *const plans[] = {&one_other, &two_tables, &a_pattern};
    const struct plan *plan = plans[number % (int)ARRAY_LEN(plans)];

    prepare_update(call, "proc-1-t", version, plan);
    /* Between submit and on_done the text is the call's own. */
    if (plan == &two_tables)
        (void)snprintf(call->task_id, CALL_TEXT_BYTES, "{a%d,b%d,i%d}", number, number, number);
    else if (plan == &one_other)
        (void)snprintf(call->task_id, CALL_TEXT_BYTES, "{a%d,i%d}", number, number);
    else
        (void)snprintf(call->task_id, CALL_TEXT_BYTES, "{p%d}", number);
    call->query.params[7] = param_text(call->task_id);
}

/* Updates beside reports, leases, aborts and retries of the same task, by several connections. */
test(updates_beside_other_verbs_do_not_block_each_other_for_good)
{
    enum { NROUNDS = 40, NCALLS = 7 };
    struct store *store = open_store();
    struct call lease, calls[NCALLS];

    start_sync(store, &lease);
    for (int round = 0; round < NROUNDS; round++) {
        int64_t version = pg_fixture_get_number(url, "SELECT version FROM task");

        for (int i = 0; i < 3; i++)
            prepare_new_update(&calls[i], version, round * 3 + i);
        call_prepare_lease(&calls[3], "w", 1);
        call_prepare_report(&calls[4], &lease, "{}", round % 2 == 0 ? "" : "a reason");
        calls[4].query.params[2] = param_int(1);
        calls[5] = (struct call){
            .query = {.statement = &task_abort,
                      .params = {param_text("proc-1-t"), param_text("{PENDING,RUNNING}"),
                                 param_text("{}"), param_text("KILLED"), param_text("a"),
                                 param_text(""), param_text("")}}};
        calls[6] = (struct call){
            .query = {.statement = &task_retry,
                      .params = {param_text("proc-1-t"), param_text("{KILLED,FAILED}"),
                                 param_text("{}"), param_text("PENDING"), param_text("a"),
                                 param_int(round % 4 == 0), param_text("")}}};
        for (int i = 0; i < NCALLS; i++)
            call_start(store, &calls[i]);
        for (int i = 0; i < NCALLS; i++) {
            call_wait(&calls[i]);
            check_status(calls[i].st, STATUS_OK);
        }
    }
    store_destroy(store); /* so that the server has counted all that it met */
    check_int(pg_fixture_get_number(
                  url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"),
              0);
    check_int(count_jobs("(state = 'KILLED') <> (SELECT state = 'KILLED' FROM task)"
                         " AND state NOT IN ('SUCCEEDED', 'FAILED') AND role <> 'RELEASE'"),
              0);
    check_int(count_jobs("role IN ('INCR', 'PLAN')") >= 1, true);
}

/* What an older program sends. */
test(a_job_is_finished_without_what_came_later)
{
    struct store *store = open_store();
    struct call task, lease;

    create(store, &task, "{SCHEMA,FULL}");
    call_lease(store, &lease, "w", 60000);
    check_int(pg_fixture_get_number(
                  url, "SELECT (outcome = 'DONE')::int FROM job_finish((SELECT id FROM job WHERE"
                       " state = 'RUNNING'), (SELECT lease_token FROM job WHERE state = 'RUNNING'),"
                       " 'SUCCEEDED'::text, ''::text, 1::bigint,"
                       " 1::bigint, 0::bigint, 1::bigint, 1::bigint, 1::float8, 0::bigint,"
                       " 20::bigint)"),
              1);
    store_destroy(store);
}
