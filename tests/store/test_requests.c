/* A task and the id of the request that made it: stored together, found again, free again. */

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "store/task_store.h"
#include "tests/harness/test.h"
#include "tests/store/calls.h"
#include "tests/store/pg_fixture.h"

enum { PARAM_SOURCE = 2, PARAM_REQUEST_ID = 13, PARAM_VALIDATE_ONLY = 14 };

static struct store *open_store(const char **ret_url)
{
    struct store *store = NULL;

    *ret_url = pg_fixture_make_database();
    store = calls_open(*ret_url, 2, 0);
    calls_add_sources(store);
    return store;
}

static void prepare(struct call *call, const char *name, const char *request_id)
{
    call_prepare_create(call, name, "{SCHEMA,FULL}", "{0,1}");
    call->query.params[PARAM_REQUEST_ID] = param_text(request_id);
}

static int64_t count(const char *url, const char *table)
{
    char sql[64];

    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
    return pg_fixture_get_number(url, sql);
}

test(a_request_that_comes_again_makes_no_second_task)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call first, again, other;

    prepare(&first, "first", "r1");
    prepare(&again, "again", "r1");
    prepare(&other, "other", "r2");
    call_run(store, &first);
    call_run(store, &again);
    call_run(store, &other);
    check_str(first.outcome, "CREATED");
    check_str(again.outcome, "REPEATED");
    check_str(again.id, "");
    check_str(other.outcome, "CREATED");
    check_int(count(url, "task"), 2);
    check_int(count(url, "job"), 4);
    check_int(count(url, "task_event"), 2);
    store_destroy(store);
}

test(another_request_with_the_same_id_is_told_apart)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call first, other;

    prepare(&first, "first", "r1");
    prepare(&other, "other", "r1");
    other.query.params[4] = param_text("\x20\x02"); /* another spec */
    call_run(store, &first);
    call_run(store, &other);
    check_str(other.outcome, "REUSED");
    prepare(&other, "other", "r1");
    other.query.params[PARAM_SOURCE] = param_text("nope");
    call_run(store, &other);
    check_str(other.outcome, "REUSED");
    check_int(count(url, "task"), 1);
    store_destroy(store);
}

test(the_id_of_a_request_is_free_again_when_its_task_is_gone)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call first, gone, again;

    prepare(&first, "first", "r1");
    call_run(store, &first);
    call_delete(store, &gone, first.id);
    prepare(&again, "again", "r1");
    call_run(store, &again);
    check_str(again.outcome, "CREATED");
    store_destroy(store);
}

test(validation_stores_nothing)
{
    const char *url;
    struct store *store = open_store(&url);
    struct call valid, wrong;

    prepare(&valid, "valid", "r1");
    valid.query.params[PARAM_VALIDATE_ONLY] = param_int(1);
    call_run(store, &valid);
    check_str(valid.outcome, "VALID");
    prepare(&wrong, "wrong", "r1");
    wrong.query.params[PARAM_VALIDATE_ONLY] = param_int(1);
    wrong.query.params[PARAM_SOURCE] = param_text("db");
    call_run(store, &wrong);
    check_str(wrong.outcome, "REFUSED");
    check_int(count(url, "task"), 0);
    check_int(count(url, "job"), 0);
    store_destroy(store);
}

/* The requests of each id go through two connections at once, and in batches, in opposite orders. */
test(requests_at_once_make_one_task_each)
{
    enum { NIDS = 20, NTIMES = 8, NCALLS = NIDS * NTIMES };
    static struct call calls[NCALLS];
    static char ids[NIDS][16];
    const char *url;
    struct store *stores[2] = {open_store(&url), NULL};
    char name[16];
    unsigned ncreated = 0;

    stores[1] = calls_open(url, 2, 0);
    for (int i = 0; i < NIDS; i++)
        (void)snprintf(ids[i], sizeof(ids[i]), "r%d", i);
    for (int i = 0; i < NCALLS; i++) {
        (void)snprintf(name, sizeof(name), "n%d", i);
        prepare(&calls[i], name, ids[i / NIDS % 2 ? i % NIDS : NIDS - 1 - i % NIDS]);
        call_start(stores[i / 3 % 2], &calls[i]);
    }
    for (int i = 0; i < NCALLS; i++) {
        call_wait(&calls[i]);
        check_status(calls[i].st, STATUS_OK);
        ncreated += strcmp(calls[i].outcome, "CREATED") == 0;
        check(strcmp(calls[i].outcome, "REUSED") != 0 && strcmp(calls[i].outcome, "REFUSED") != 0);
    }
    check_int(ncreated, NIDS);
    check_int(count(url, "task"), NIDS);
    check_int(count(url, "job"), 2 * NIDS);
    store_destroy(stores[0]);
    store_destroy(stores[1]); /* so that the server has counted all that they met */
    check_int(pg_fixture_get_number(
                  url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"),
              0);
}
