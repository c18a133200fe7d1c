/*
 * tests/unit/connectors/test_postgres_fault.c - leases that are lost, sessions that are
 * killed, connections that break.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "tests/harness/postgres/server.h"
#include "tests/harness/test.h"
#include "tests/unit/connectors/postgres_import.h"
#include "tests/unit/connectors/postgres_proxy.h"

static const struct destination_type *const type = &postgres_destination;

enum { NOTICE_MS = 20000 }; /* within which a stop is noticed: 100, and a slow machine's share */

static const char count_sessions[] =
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'sluice %'";

static const char kill_sessions[] =
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'sluice %'";

static const char find_waiting[] =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    "   AND application_name LIKE 'sluice %' AND wait_event_type = 'Lock'";

static const char lock_fence[] = "SELECT FROM sluice_import.import_task FOR UPDATE";

/* Ends the only session there is. One that was closed before may take a while to go, and would be counted, too. */
static void kill_session(const struct postgres_import *import)
{
    check(postgres_server_wait(import->url, count_sessions, "1"));
    check_str(postgres_server_get(import->url, kill_sessions), "1");
}

/* Writes a=1 b=2 as unit 0 without a commit. */
static void write_open(struct postgres_import *import)
{
    bool is_again = false;

    check_status(postgres_import_write(import, import->writer, 1, "a=1 b=2", &is_again), STATUS_OK);
    check(!is_again);
}

test(a_lease_is_refused_once_there_is_a_newer_one)
{
    struct postgres_import import;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    import.token = 7;
    check_status(postgres_import_start(&import, false), STATUS_OK);
    import.token = 5;
    check_status(postgres_import_start(&import, false), STATUS_ABORTED);
    import.token = 7;
    check_status(postgres_import_start(&import, false), STATUS_OK);
    postgres_import_close(&import);
}

test(a_commit_under_an_old_lease_is_refused)
{
    struct postgres_import import;
    bool is_again = false;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    write_open(&import);
    postgres_server_run(import.url, "UPDATE sluice_import.import_task SET fence = 99");
    check_status(postgres_import_commit(import.writer, 0, &is_again), STATUS_ABORTED);
    check(!is_again);
    check_str(postgres_import_get_rows(&import), "");
    check_str(postgres_server_get(import.url, "SELECT count(*) FROM sluice_import.import_unit"),
              "0");
    postgres_import_close(&import);
}

test(a_commit_of_a_forgotten_task_is_refused)
{
    struct postgres_import import;
    bool is_again = false;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    write_open(&import);
    postgres_server_run(import.url, "DELETE FROM sluice_import.import_task");
    check_status(postgres_import_commit(import.writer, 0, &is_again), STATUS_ABORTED);
    check_str(postgres_import_get_rows(&import), "");
    postgres_import_close(&import);
}

test(the_sessions_of_an_older_lease_are_ended)
{
    struct postgres_import older;
    struct postgres_import newer;
    bool is_again = false;

    postgres_import_init(&older);
    newer = older;
    newer.spec.columns = newer.columns;
    check_status(postgres_import_start(&older, true), STATUS_OK);
    write_open(&older); /* and then it sleeps, with its locks */
    newer.token = older.token;
    check_status(postgres_import_start(&newer, false), STATUS_OK);
    check(postgres_server_wait(older.url, count_sessions, "1"));
    check_status(postgres_import_split(&newer, newer.writer, 0, "a=5 b=6"), STATUS_OK);
    check_int(newer.nagain, 0);
    check_status(postgres_import_commit(older.writer, 0, &is_again), STATUS_OK);
    check(is_again); /* nothing was committed */
    check_status(postgres_import_split(&older, older.writer, 0, "a=1"), STATUS_ABORTED);
    check_str(postgres_import_get_rows(&newer), "a=5 b=6");
    postgres_import_close(&older);
    postgres_import_close(&newer);
}

test(other_tasks_are_left_alone)
{
    struct postgres_import import;
    struct postgres_import other;

    postgres_import_init(&import);
    other = import;
    other.spec.columns = other.columns;
    other.task_id = "proc-1-0123456789abcdef0123456789abcde0";
    check_status(postgres_import_start(&import, true), STATUS_OK);
    write_open(&import);
    other.token = 40;
    check_status(postgres_import_start(&other, true), STATUS_OK);
    check(postgres_server_wait(import.url, count_sessions, "2"));
    postgres_import_close(&other);
    postgres_import_close(&import);
}

test(a_session_that_is_killed_between_splits_is_made_anew)
{
    struct postgres_import import;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1"), STATUS_OK);
    kill_session(&import);
    check_status(postgres_import_split(&import, import.writer, 1, "b=2"), STATUS_OK);
    check_int(import.nagain, 1);
    check_str(postgres_import_get_rows(&import), "a=1 b=2");
    postgres_import_close(&import);
}

test(a_session_that_is_killed_while_it_copies_leaves_nothing)
{
    struct postgres_import import;
    bool is_again = false;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    write_open(&import);
    kill_session(&import);
    check_status(postgres_import_commit(import.writer, 0, &is_again), STATUS_OK);
    check(is_again);
    check_str(postgres_import_get_rows(&import), "");
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 b=2"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1 b=2");
    postgres_import_close(&import);
}

/* A commit on a thread of its own. */
struct committer {
    pthread_t thread;
    struct postgres_import *import;
    struct status status;
    bool is_again;
    int64_t end_ms;
};

static void *run_committer(void *arg)
{
    struct committer *committer = arg;

    committer->status = postgres_import_commit(committer->import->writer, 0, &committer->is_again);
    committer->end_ms = clock_get_monotonic_ms();
    return NULL;
}

/* Starts run, and waits until the server is held up by holder's lock. */
static void start_held_up(struct committer *committer, struct postgres_import *import,
                          void *(*run)(void *arg))
{
    *committer = (struct committer){.import = import};
    check(pthread_create(&committer->thread, NULL, run, committer) == 0);
    check(postgres_server_wait(import->url, find_waiting, "1"));
}

test(a_session_that_is_killed_in_its_commit_leaves_nothing)
{
    struct postgres_import import;
    struct committer committer;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    write_open(&import);
    struct postgres_holder *holder = postgres_server_hold(import.url, lock_fence);
    start_held_up(&committer, &import, run_committer);
    kill_session(&import);
    (void)pthread_join(committer.thread, NULL);
    check_status(committer.status, STATUS_OK);
    check(committer.is_again);
    check_str(postgres_import_get_rows(&import), "");
    postgres_server_release(holder);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1");
    postgres_import_close(&import);
}

test(a_stop_is_noticed_while_the_server_waits_in_a_commit)
{
    struct postgres_import import;
    struct committer committer;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    write_open(&import);
    struct postgres_holder *holder = postgres_server_hold(import.url, lock_fence);
    start_held_up(&committer, &import, run_committer);
    int64_t start_ms = clock_get_monotonic_ms();
    stop_request(&import.stop);
    (void)pthread_join(committer.thread, NULL);
    check_status(committer.status, STATUS_CANCELLED);
    check(committer.end_ms - start_ms < NOTICE_MS);
    /*
     * The server sees within a second that nobody waits for it, though it does not have its
     * lock yet.
     */
    check(postgres_server_wait(import.url, count_sessions, "0"));
    postgres_server_release(holder);
    check_str(postgres_import_get_rows(&import), "");
    postgres_import_close(&import);
}

/* Writes and commits until stopped, on a thread of its own. */
static void *run_splitter(void *arg)
{
    struct committer *committer = arg;
    struct postgres_import *import = committer->import;

    committer->status = postgres_import_split(import, import->writer, 0, "a=1");
    committer->end_ms = clock_get_monotonic_ms();
    return NULL;
}

test(a_stop_is_noticed_while_the_table_is_locked)
{
    struct postgres_import import;
    struct committer committer;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    struct postgres_holder *holder = postgres_server_hold(import.url, "LOCK TABLE \"default\".t");
    start_held_up(&committer, &import, run_splitter);
    int64_t start_ms = clock_get_monotonic_ms();
    stop_request(&import.stop);
    (void)pthread_join(committer.thread, NULL);
    check_status(committer.status, STATUS_CANCELLED);
    check(committer.end_ms - start_ms < NOTICE_MS);
    postgres_server_release(holder);
    postgres_import_close(&import);
}

/* Begins the import, on a thread of its own. */
static void *run_starter(void *arg)
{
    struct committer *committer = arg;

    committer->status = postgres_import_start(committer->import, true);
    return NULL;
}

test(a_stop_while_old_tasks_are_forgotten_is_a_stop)
{
    struct postgres_import import;
    struct committer committer;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    postgres_server_run(import.url, "UPDATE sluice_import.import_task"
                                    "   SET begin_time = now() - interval '2 years'");
    import.task_id = "proc-1-new";
    struct postgres_holder *holder = postgres_server_hold(import.url, lock_fence);
    start_held_up(&committer, &import, run_starter);
    stop_request(&import.stop);
    (void)pthread_join(committer.thread, NULL);
    check_status(committer.status, STATUS_CANCELLED);
    postgres_server_release(holder);
    postgres_import_close(&import);
}

test(a_stop_before_anything_is_noticed_at_once)
{
    struct postgres_import import;
    bool is_made;

    postgres_import_init(&import);
    stop_request(&import.stop);
    check_status(postgres_import_make(&import, &is_made), STATUS_CANCELLED);
    postgres_import_close(&import);
}

/* An import whose connections go through a proxy; NULL if the server is not ours. */
static struct postgres_proxy *start_behind_proxy(struct postgres_import *import, char url[512],
                                                 enum postgres_fault fault)
{
    postgres_import_init(import);
    if (!postgres_server_get_folder())
        return NULL;
    struct postgres_proxy *proxy = postgres_proxy_open(postgres_server_get_folder());
    const char *name = strstr(import->url, "dbname=sluice_test");
    (void)snprintf(url, 512, "host=%s user=postgres %s", postgres_proxy_get_folder(proxy), name);
    import->url = url;
    check_status(postgres_import_start(import, true), STATUS_OK);
    write_open(import);
    postgres_proxy_arm(proxy, fault);
    return proxy;
}

test(a_commit_that_never_arrived_is_asked_for_again)
{
    struct postgres_import import;
    char url[512];
    bool is_again = false;
    struct postgres_proxy *proxy = start_behind_proxy(&import, url, POSTGRES_FAULT_BEFORE_COMMIT);

    if (!proxy)
        return;
    check_status(postgres_import_commit(import.writer, 0, &is_again), STATUS_OK);
    check(is_again);
    check_str(postgres_import_get_rows(&import), "");
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 b=2"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1 b=2");
    postgres_import_close(&import);
    postgres_proxy_close(proxy);
}

test(a_commit_whose_answer_is_lost_is_found)
{
    struct postgres_import import;
    char url[512];
    bool is_again = true;
    struct postgres_proxy *proxy = start_behind_proxy(&import, url, POSTGRES_FAULT_AFTER_COMMIT);

    if (!proxy)
        return;
    check_status(postgres_import_commit(import.writer, 0, &is_again), STATUS_OK);
    check(!is_again);
    check_str(postgres_import_get_rows(&import), "a=1 b=2");
    check_status(postgres_import_split(&import, import.writer, 1, "c=3"), STATUS_OK);
    postgres_import_close(&import);
    postgres_proxy_close(proxy);
}

test(a_commit_that_hangs_behind_a_broken_connection_is_ended)
{
    struct postgres_import import;
    struct committer committer;
    char url[512];
    struct postgres_proxy *proxy = start_behind_proxy(&import, url, POSTGRES_FAULT_IN_COMMIT);

    if (!proxy)
        return;
    struct postgres_holder *holder = postgres_server_hold(import.url, lock_fence);
    committer = (struct committer){.import = &import};
    check(pthread_create(&committer.thread, NULL, run_committer, &committer) == 0);
    (void)pthread_join(committer.thread, NULL);
    check_status(committer.status, STATUS_OK);
    check(committer.is_again);
    postgres_server_release(holder);
    check_str(postgres_import_get_rows(&import), "");
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 b=2"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1 b=2");
    postgres_import_close(&import);
    postgres_proxy_close(proxy);
}

test(a_server_that_crashes_is_waited_for)
{
    struct postgres_import import;
    struct committer committer = {.import = &import};
    bool is_again = false;

    postgres_import_init(&import);
    if (!postgres_server_get_folder())
        return;
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 1, "b=2"), STATUS_OK);
    write_open(&import);
    postgres_server_crash();
    check_status(postgres_import_commit(import.writer, 0, &is_again), STATUS_OK);
    check(is_again);
    check(pthread_create(&committer.thread, NULL, run_splitter, &committer) == 0);
    postgres_server_start();
    (void)pthread_join(committer.thread, NULL);
    check_status(committer.status, STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1 b=2");
    postgres_import_close(&import);
}

test(a_split_that_is_given_up_leaves_nothing)
{
    struct postgres_import import;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    write_open(&import);
    type->rollback(import.writer);
    type->rollback(import.writer);
    check_str(postgres_import_get_rows(&import), "");
    check_status(postgres_import_split(&import, import.writer, 0, "a=1"), STATUS_OK);
    write_open(&import);
    postgres_import_close(&import);
    check(postgres_server_wait(import.url, count_sessions, "0"));
    check_str(postgres_import_get_rows(&import), "a=1");
}
