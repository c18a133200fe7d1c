/* What running jobs say, and what becomes of it. */

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

static long long count(const char *what)
{
    char sql[512];

    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", what);
    return pg_fixture_get_number(url, sql);
}

/* A task with two running jobs. */
static void start_two(struct store *store, struct call *task, struct call *leases)
{
    call_prepare_create(task, "t", "{FULL,FULL}", "{0,0}");
    call_run(store, task);
    for (int i = 0; i < 2; i++)
        call_lease(store, &leases[i], "w", 60000);
}

static void check_message(struct store *store, const struct call *task, const char *message)
{
    struct call call;

    call_get(store, &call, task->id);
    check_str(call.message, message);
}

test(what_a_job_says_is_its_tasks_message_and_one_event)
{
    struct store *store = open_store();
    struct call task, leases[2], call;

    start_two(store, &task, leases);
    long long nevents = count("task_event");
    long long version = pg_fixture_get_number(url, "SELECT version FROM task");
    for (int i = 0; i < 3; i++) {
        call_say(store, &call, &leases[0], "family g is missing");
        check_str(call.outcome, "CONTINUE");
        check_int(call.is_said, i == 0);
    }
    check_message(store, &task, "family g is missing");
    check_int(count("job WHERE id = 't-a' AND message = 'family g is missing'"), 1);
    check_int(count("task_event"), nevents + 1);
    check_int(count("task_event WHERE message = 'family g is missing' AND actor = 'w'"
                    " AND state = 'RUNNING'"),
              1);
    call_say(store, &call, &leases[0], "");
    check(call.is_said);
    check_message(store, &task, "");
    check_int(count("job WHERE message <> ''"), 0);
    check_int(count("task_event"), nevents + 2);
    check_int(pg_fixture_get_number(url, "SELECT version FROM task"), version);
    store_destroy(store);
}

test(what_one_job_says_stays_when_another_one_falls_silent_or_is_done)
{
    struct store *store = open_store();
    struct call task, leases[2], call;

    start_two(store, &task, leases);
    call_say(store, &call, &leases[0], "a");
    call_say(store, &call, &leases[1], "b");
    check_message(store, &task, "b");
    call_say(store, &call, &leases[1], "");
    check_message(store, &task, "a");
    call_say(store, &call, &leases[1], "b");
    call_finish(store, &call, &leases[1], "SUCCEEDED");
    check_message(store, &task, "a");
    call_finish(store, &call, &leases[0], "SUCCEEDED");
    check_message(store, &task, "");
    store_destroy(store);
}

test(what_a_job_says_under_an_older_lease_is_not_heard)
{
    struct store *store = open_store();
    struct call task, leases[2], call;

    start_two(store, &task, leases);
    leases[0].token--;
    call_say(store, &call, &leases[0], "a");
    check_str(call.outcome, "LOST");
    call_abort(store, &call, task.id);
    call_say(store, &call, &leases[1], "b");
    check_str(call.outcome, "STOP");
    check_message(store, &task, "");
    store_destroy(store);
}

test(a_report_tells_the_limit_of_bytes)
{
    struct store *store = open_store();
    struct call task, leases[2], call;

    start_two(store, &task, leases);
    call_say(store, &call, &leases[0], "");
    check_int(call.bytes_per_second, CALL_BYTES_PER_SECOND);
    pg_fixture_run(url, "UPDATE task SET bytes_per_second = 5");
    call_say(store, &call, &leases[0], "");
    check_int(call.bytes_per_second, 5);
    store_destroy(store);
}

test(progress_that_is_not_told_stays)
{
    struct store *store = open_store();
    struct call task, leases[2], call;

    start_two(store, &task, leases);
    call_prepare_report(&call, &leases[0],
                        "{\"rows_written\": 5, \"regions_done\": 2, \"regions_total\": 7,"
                        " \"lag\": \"90000.000001 seconds\", \"queued_logs\": 3}",
                        "");
    call_run(store, &call);
    call_prepare_report(&call, &leases[0],
                        "{\"regions_done\": 3, \"cells\": 10, \"missing\": 1, \"extra\": 2,"
                        " \"changed_values\": 3, \"changed_timestamps\": 4, \"repaired\": 5,"
                        " \"checkpoint_time\": \"2026-01-02T03:04:05Z\"}",
                        "");
    call_run(store, &call);
    check_int(count("job WHERE id = 't-a' AND rows_written = 5 AND regions_done = 3"
                    " AND regions_total = 7 AND lag = interval '90000000001 microseconds'"
                    " AND queued_logs = 3 AND (cells, missing, extra, changed_values,"
                    " changed_timestamps, repaired) = (10, 1, 2, 3, 4, 5)"
                    " AND checkpoint_time = '2026-01-02T03:04:05Z'"),
              1);
    call_finish(store, &call, &leases[0], "SUCCEEDED");
    check_int(count("job WHERE id = 't-a' AND rows_written = 5 AND cells = 10 AND fraction = 1"),
              1);
    store_destroy(store);
}

/* Sums over jobs; the lag is the greatest; of what no job tells nothing is told. */
test(a_tasks_progress_is_that_of_its_jobs)
{
    struct store *store = open_store();
    struct call task, leases[2], call;

    start_two(store, &task, leases);
    check_int(count("task_progress((SELECT id FROM task), 'RUNNING') WHERE lag IS NULL"
                    " AND cells IS NULL AND regions_total = 0"),
              1);
    for (int i = 0; i < 2; i++) {
        call_prepare_report(&call, &leases[i],
                            i == 0 ? "{\"regions_done\": 2, \"regions_total\": 7, \"cells\": 10,"
                                     " \"lag\": \"2 seconds\", \"queued_logs\": 3}"
                                   : "{\"regions_done\": 1, \"regions_total\": 3, \"cells\": 4,"
                                     " \"lag\": \"9 seconds\", \"queued_logs\": 1}",
                            "");
        call_run(store, &call);
    }
    check_int(count("task_progress((SELECT id FROM task), 'RUNNING') WHERE regions_done = 3"
                    " AND regions_total = 10 AND cells = 14 AND lag = interval '9 s'"
                    " AND queued_logs = 4"),
              1);
    store_destroy(store);
}

test(a_comparison_that_failed_is_kept_and_made_anew_by_a_retry)
{
    struct store *store = open_store();
    struct call task, lease, call;

    call_prepare_create(&task, "t", "{CHECK,CHECK}", "{0,1}");
    call_run(store, &task);
    call_lease(store, &lease, "w", 60000);
    call_prepare_report(&call, &lease, "{\"cells\": 9, \"missing\": 1}", "");
    call.query.params[4] = param_text("here");
    call_run(store, &call);
    pg_fixture_run(url, "INSERT INTO difference"
                        " SELECT id, t, 1, 'MISSING', 'r', 'f', 'q', 1, 0, 'v', '', false"
                        "   FROM task, unnest('{t1,t2}'::text[]) t");
    call_finish(store, &call, &lease, "FAILED");
    check_int(count("job WHERE id = 't-a' AND cells = 9 AND missing = 1 AND checkpoint = 'here'"),
              1);
    call_retry(store, &call, task.id, false);
    check_int(count("job WHERE id = 't-a' AND cells IS NULL AND checkpoint IS NULL"), 1);
    check_int(count("difference WHERE table_name = 't2'"), 1);
    check_int(count("difference"), 1);
    store_destroy(store);
}

/* A lease counts as lost for nothing until something was done under it: regions and comparisons are something. */
test(regions_and_comparisons_are_progress)
{
    static const char *const told[] = {"{\"regions_done\": 1}", "{\"cells\": 1}"};
    struct store *store = open_store();
    struct call task, leases[2], call;

    start_two(store, &task, leases);
    check_int(count("job WHERE tries = 1"), 2);
    call_say(store, &call, &leases[0], "");
    check_int(count("job WHERE tries = 1"), 2);
    for (int i = 0; i < 2; i++) {
        call_prepare_report(&call, &leases[i], told[i], "");
        call_run(store, &call);
    }
    check_int(count("job WHERE tries = 0"), 2);
    store_destroy(store);
}

/* Reports of several jobs of several tasks, some of which say something new, beside verbs on the same tasks. */
test(what_jobs_say_beside_other_verbs_does_not_block_for_good)
{
    enum { NTASKS = 6, NJOBS = 2 * NTASKS, NROUNDS = 30 };
    struct store *store = open_store();
    struct store *other = calls_open(url, 2, 0);
    struct call tasks[NTASKS], leases[NJOBS], reports[NJOBS], aborts[NTASKS], retries[NTASKS];
    char name[16];

    for (int i = 0; i < NTASKS; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        call_prepare_create(&tasks[i], name, "{FULL,INCR}", "{0,0}");
        call_run(store, &tasks[i]);
    }
    for (int round = 0; round < NROUNDS; round++) {
        for (int i = 0; i < NJOBS; i++)
            call_lease(store, &leases[i], "w", 60000);
        for (int i = 0; i < NJOBS; i++) {
            call_prepare_report(&reports[i], &leases[NJOBS - 1 - i], "{}",
                                (i + round) % 3 == 0 ? "" : "a reason");
            call_start(i % 2 == 0 ? store : other, &reports[i]);
        }
        for (int i = 0; i < NTASKS; i++) {
            aborts[i] = (struct call){
                .query = {.statement = &task_abort,
                          .params = {param_text(tasks[NTASKS - 1 - i].id),
                                     param_text("{PENDING,RUNNING}"), param_text("{KILLED}"),
                                     param_text("KILLED"), param_text("a"), param_text(""),
                                     param_text("")}}};
            call_start(i % 2 == 0 ? other : store, &aborts[i]);
        }
        for (int i = 0; i < NJOBS; i++) {
            call_wait(&reports[i]);
            check_status(reports[i].st, STATUS_OK);
        }
        for (int i = 0; i < NTASKS; i++) {
            call_wait(&aborts[i]);
            check_status(aborts[i].st, STATUS_OK);
            call_retry(store, &retries[i], tasks[i].id, false);
        }
    }
    store_destroy(store);
    store_destroy(other); /* so that the server has counted all that they met */
    check_int(pg_fixture_get_number(
                  url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"),
              0);
}
