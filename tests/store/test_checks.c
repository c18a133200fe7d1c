/*
 * tests/store/test_checks.c - checks of data sources in the database: who takes them, who hears of the end.
 */
#include <stdio.h>
#include <string.h>

#include "store/check_store.h"
#include "tests/harness/test.h"
#include "tests/store/calls.h"
#include "tests/store/pg_fixture.h"

static struct store *open_store(const char **ret_url)
{
    *ret_url = pg_fixture_make_database();
    struct store *store = calls_open(*ret_url, 1, 0);

    calls_add_sources(store);
    return store;
}

static struct call create(struct store *store, const char *id, const char *source)
{
    struct call call = {.query = {.statement = &check_create,
                                  .params = {param_text(id), param_text(source), param_int(10000),
                                             param_int(30000)}}};

    call_run(store, &call);
    return call;
}

static struct call lease(struct store *store, const char *worker, const char *capabilities)
{
    struct call call = {.query = {.statement = &check_lease,
                                  .params = {param_text(worker), param_text(capabilities)}}};

    call_run(store, &call);
    return call;
}

static struct call finish(struct store *store, const char *id, const char *worker)
{
    struct call call = {
        .query = {.statement = &check_finish,
                  .params = {param_text(id), param_text(worker), param_str(str_from("\x08\x01"))}}};

    call_run(store, &call);
    return call;
}

static struct call ask(struct store *store, const struct statement *statement, const char *id,
                       const char *worker)
{
    struct call call = {
        .query = {.statement = statement, .params = {param_text(id), param_text(worker)}}};

    call_run(store, &call);
    return call;
}

/* As if so many seconds had passed. */
static void pass(const char *url, unsigned seconds)
{
    char sql[256];

    (void)snprintf(sql, sizeof(sql),
                   "UPDATE data_source_check SET take_deadline = take_deadline - interval '%u s',"
                   " deadline = deadline - interval '%u s'",
                   seconds, seconds);
    pg_fixture_run(url, sql);
}

static long long count(const char *url)
{
    return pg_fixture_get_number(url, "SELECT count(*) FROM data_source_check");
}

test(check_goes_once_to_a_worker_that_can_do_it)
{
    const char *url;
    struct store *store = open_store(&url);

    check_status(create(store, "c1", "files").st, STATUS_OK);
    check_str(ask(store, &check_poll, "c1", "").outcome, "WAITING");
    check_int(lease(store, "w1", "{check:postgres}").nrows, 0);
    check_int(lease(store, "w1", "{check:file,check:postgres}").nrows, 1);
    check_int(lease(store, "w2", "{check:file,check:postgres}").nrows, 0);
    check_str(ask(store, &check_poll, "c1", "").outcome, "WAITING");
    check_str(finish(store, "c1", "w2").outcome, "LOST");
    check_str(finish(store, "c1", "w1").outcome, "DONE");
    check_str(ask(store, &check_poll, "c1", "").outcome, "DONE");
    check_str(finish(store, "c1", "w1").outcome, "DONE");
    check_str(finish(store, "c1", "w2").outcome, "LOST");
    store_destroy(store);
}

test(oldest_check_goes_first)
{
    const char *url;
    struct store *store = open_store(&url);

    (void)create(store, "c2", "files");
    (void)create(store, "c1", "db");
    check_str(lease(store, "w", "{check:file,check:postgres}").id, "c2");
    check_str(lease(store, "w", "{check:file,check:postgres}").id, "c1");
    store_destroy(store);
}

test(check_that_is_given_back_is_taken_again)
{
    const char *url;
    struct store *store = open_store(&url);

    (void)create(store, "c1", "files");
    (void)lease(store, "w1", "{check:file}");
    (void)ask(store, &check_give_back, "c1", "w2");
    check_int(lease(store, "w2", "{check:file}").nrows, 0);
    (void)ask(store, &check_give_back, "c1", "w1");
    check_int(lease(store, "w2", "{check:file}").nrows, 1);
    check_str(finish(store, "c1", "w1").outcome, "LOST");
    store_destroy(store);
}

test(check_that_nobody_takes_in_time_is_taken_no_more)
{
    const char *url;
    struct store *store = open_store(&url);

    (void)create(store, "c1", "files");
    pass(url, 11);
    check_str(ask(store, &check_poll, "c1", "").outcome, "NO_WORKER");
    check_int(lease(store, "w", "{check:file}").nrows, 0);
    store_destroy(store);
}

test(result_that_comes_too_late_is_refused)
{
    const char *url;
    struct store *store = open_store(&url);

    (void)create(store, "c1", "files");
    (void)lease(store, "w", "{check:file}");
    pass(url, 11);
    check_str(ask(store, &check_poll, "c1", "").outcome, "WAITING");
    pass(url, 20);
    check_str(ask(store, &check_poll, "c1", "").outcome, "LATE");
    check_str(finish(store, "c1", "w").outcome, "LOST");
    store_destroy(store);
}

test(check_that_was_dropped_is_gone)
{
    const char *url;
    struct store *store = open_store(&url);

    (void)create(store, "c1", "files");
    (void)lease(store, "w", "{check:file}");
    (void)ask(store, &check_drop, "c1", "");
    check_str(ask(store, &check_poll, "c1", "").outcome, "GONE");
    check_str(finish(store, "c1", "w").outcome, "LOST");
    check_status(ask(store, &check_drop, "c1", "").st, STATUS_OK);
    store_destroy(store);
}

test(checks_that_nobody_removed_are_swept)
{
    const char *url;
    struct store *store = open_store(&url);

    (void)create(store, "c1", "files");
    (void)create(store, "c2", "files");
    pass(url, 80);
    (void)create(store, "c3", "files");
    check_int(count(url), 3); /* they might still be asked for */
    pass(url, 20);
    (void)create(store, "c4", "files");
    check_int(count(url), 2);
    store_destroy(store);
}

test(check_of_a_data_source_that_is_not_there_is_not_made)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call made = create(store, "c1", "nobody");

    check_status(made.st, STATUS_OK);
    check_int(made.nrows, 1);
    check_int(count(url), 0);
    store_destroy(store);
}

test(many_checks_at_once_are_made_and_found)
{
    enum { NCALLS = 100 };
    static struct call calls[NCALLS];
    static char ids[NCALLS][16];
    const char *url;
    struct store *store = open_store(&url);

    for (int i = 0; i < NCALLS; i++) {
        (void)snprintf(ids[i], sizeof(ids[i]), "c%d", i);
        calls[i] = (struct call){.query = {.statement = &check_create,
                                           .params = {param_text(ids[i]), param_text("files"),
                                                      param_int(10000), param_int(30000)}}};
        call_start(store, &calls[i]);
    }
    for (int i = 0; i < NCALLS; i++)
        call_wait(&calls[i]);
    check_int(count(url), NCALLS);
    for (int i = 0; i < NCALLS; i++) {
        calls[i] =
            (struct call){.query = {.statement = &check_poll, .params = {param_text(ids[i])}}};
        call_start(store, &calls[i]);
    }
    for (int i = 0; i < NCALLS; i++) {
        call_wait(&calls[i]);
        check_str(calls[i].outcome, "WAITING");
    }
    store_destroy(store);
}
