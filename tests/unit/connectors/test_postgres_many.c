/*
 * tests/unit/connectors/test_postgres_many.c - several writers at once, whose sessions are
 * killed at random.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tests/harness/postgres/server.h"
#include "tests/harness/test.h"
#include "tests/unit/connectors/postgres_import.h"

static const struct destination_type *const type = &postgres_destination;

enum { NWRITERS = 4, SPLITS_A_WRITER = 6, ROWS_A_SPLIT = 300, MAX_TRIES = 200 };

static const char kill_one[] =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'sluice %'"
    " ORDER BY random() LIMIT 1";

struct worker {
    pthread_t thread;
    struct postgres_import import; /* its destination is shared */
    uint32_t first_split;          /* then every NWRITERS-th */
    unsigned nkeys;
    atomic_uint *nleft;
    atomic_uint *ntried; /* splits, well or not */
    struct status status;
    unsigned nconflicts;
};

/* Rows "k17=<split>" whose keys come in an order of the split's own. */
static void write_rows(const struct worker *worker, uint32_t split, struct buf *rows)
{
    unsigned key = split * 7919 % worker->nkeys;
    unsigned step = split % 2 == 0 ? 7 : worker->nkeys - 7; /* prime to the number of keys */

    for (unsigned i = 0; i < ROWS_A_SPLIT; i++) {
        buf_printf(rows, "k%u=%u ", key, split);
        key = (key + step) % worker->nkeys;
    }
}

/* As postgres_import_split, but with more patience. */
static struct status run_split(struct worker *worker, uint32_t split, const char *rows)
{
    struct status st = status_ok();

    for (int i = 0; i < MAX_TRIES; i++) {
        st = postgres_import_split(&worker->import, worker->import.writer, split, rows);
        (void)atomic_fetch_add(worker->ntried, 1);
        if (st.code != STATUS_UNAVAILABLE)
            break;
    }
    return st;
}

static void *run_worker(void *arg)
{
    struct worker *worker = arg;
    struct buf rows = {0};

    for (uint32_t i = 0; i < SPLITS_A_WRITER && worker->status.code == STATUS_OK; i++) {
        uint32_t split = worker->first_split + i * NWRITERS;
        buf_clear(&rows);
        write_rows(worker, split, &rows);
        worker->status = run_split(worker, split, buf_get_text(&rows));
    }
    buf_deinit(&rows);
    (void)atomic_fetch_sub(worker->nleft, 1);
    return NULL;
}

/* Kills a session, and waits until a split was tried: writers that are slow get on, too. */
static void kill_and_wait(const struct postgres_import *import, atomic_uint *ntried,
                          atomic_uint *nleft)
{
    unsigned before = atomic_load(ntried);

    (void)postgres_server_get(import->url, kill_one);
    while (atomic_load(ntried) == before && atomic_load(nleft) > 0)
        (void)usleep(1000);
}

/* Runs all splits on NWRITERS writers; the first failure. */
static struct status run_all(struct postgres_import *import, unsigned nkeys, bool kills)
{
    struct worker workers[NWRITERS];
    atomic_uint nleft = NWRITERS;
    atomic_uint ntried = 0;
    struct status st = status_ok();

    for (uint32_t i = 0; i < NWRITERS; i++) {
        struct worker *worker = &workers[i];
        *worker = (struct worker){.import = *import,
                                  .first_split = i,
                                  .nkeys = nkeys,
                                  .nleft = &nleft,
                                  .ntried = &ntried};
        worker->import.spec.columns = worker->import.columns;
        check_status(type->open_writer(import->destination, &worker->import.writer), STATUS_OK);
    }
    for (size_t i = 0; i < NWRITERS; i++)
        check(pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) == 0);
    while (kills && atomic_load(&nleft) > 0)
        kill_and_wait(import, &ntried, &nleft);
    for (size_t i = 0; i < NWRITERS; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        if (workers[i].status.code != STATUS_OK)
            st = workers[i].status;
        type->close_writer(workers[i].import.writer);
    }
    return st;
}

static const char count_units[] = "SELECT count(*) FROM sluice_import.import_unit";

/* All keys are there, and the rows of no split are there in part only. */
static void check_keyed(const struct postgres_import *import, const char *nkeys)
{
    check_str(postgres_server_get(import->url, count_units), "24");
    check_str(postgres_server_get(import->url, "SELECT count(*) FROM \"default\".t"), nkeys);
}

test(writers_that_share_keys_give_way_to_each_other)
{
    struct postgres_import import;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(run_all(&import, 50, false), STATUS_OK);
    check_keyed(&import, "50");
    /* Every split has all keys: whichever was the last has all rows. */
    check_str(postgres_server_get(import.url, "SELECT count(DISTINCT \"f:v\") FROM \"default\".t"),
              "1");
    postgres_import_close(&import);
}

test(writers_that_share_keys_survive_killed_sessions)
{
    struct postgres_import import;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(run_all(&import, 50, true), STATUS_OK);
    check_keyed(&import, "50");
    check_str(postgres_server_get(import.url, "SELECT count(DISTINCT \"f:v\") FROM \"default\".t"),
              "1");
    postgres_import_close(&import);
}

test(rows_without_a_key_are_there_exactly_once)
{
    struct postgres_import import;

    postgres_import_init(&import);
    postgres_import_set_sql(&import);
    postgres_server_run(import.url, "CREATE TABLE t (k text, v int)");
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(run_all(&import, 1000, true), STATUS_OK);
    check_str(postgres_server_get(import.url, count_units), "24");
    check_str(postgres_server_get(import.url,
                                  "SELECT count(*), sum(v) = 300 * 276, count(DISTINCT (k, v))"
                                  "  FROM t"),
              "7200,t,7200");
    postgres_import_close(&import);
}

test(different_keys_stay_different_through_killed_sessions)
{
    struct postgres_import import;

    postgres_import_init(&import);
    import.spec.duplicates = IMPORT_DUPLICATES_ERROR;
    check_status(postgres_import_start(&import, true), STATUS_OK);
    /* Splits of the two halves share keys, in two writers at the same time. */
    struct status st = run_all(&import, 3001, false);
    check_status(st, STATUS_INVALID_ARGUMENT);
    check(strstr(st.text, "its key 'k") != NULL);
    check_str(postgres_server_get(import.url,
                                  "SELECT (SELECT count(*) FROM \"default\".t) ="
                                  "       300 * (SELECT count(*) FROM sluice_import.import_unit)"),
              "t");
    postgres_import_close(&import);
}
