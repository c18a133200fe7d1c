/* What the lanes promise: who gets which answer when queries fail, wait too long or lose their connection. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/row.h"
#include "store/store.h"
#include "tests/harness/test.h"
#include "tests/store/pg_fixture.h"

static const char table_sql[] =
    "CREATE TABLE thing (id bigint PRIMARY KEY CHECK (id >= 0), word text NOT NULL);"
    "CREATE FUNCTION thing_check() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN IF NEW.word = 'late' THEN RAISE EXCEPTION USING ERRCODE = '23514',"
    " MESSAGE = 'too late'; END IF; RETURN NEW; END $$;"
    "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON thing DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION thing_check();"
    "CREATE FUNCTION thing_cross(p_id bigint) RETURNS bigint LANGUAGE plpgsql AS $$"
    " BEGIN UPDATE thing SET word = word || '+' WHERE id = p_id; PERFORM pg_sleep(0.3);"
    " UPDATE thing SET word = word || '+' WHERE id = 3 - p_id; RETURN p_id; END $$;";

static const struct statement thing_add = {
    .name = "thing_add",
    .lane = LANE_WRITE,
    .sql = "WITH q AS (SELECT id, word, ord FROM unnest($1::bigint[], $2::text[])"
           "           WITH ORDINALITY AS q(id, word, ord)),"
           " added AS (INSERT INTO thing (id, word) SELECT id, word FROM q RETURNING id)"
           " SELECT q.ord, added.id FROM q JOIN added ON added.id = q.id",
    .nparams = 2,
    .types = {PARAM_INT8, PARAM_TEXT},
};

static const struct statement thing_get = {
    .name = "thing_get",
    .lane = LANE_READ,
    .sql = "SELECT q.ord, thing.id FROM unnest($1::bigint[]) WITH ORDINALITY AS q(id, ord)"
           "  JOIN thing ON thing.id = q.id",
    .nparams = 1,
    .types = {PARAM_INT8},
};

/* Sleeps for $1 ms, on the lane of writes. */
static const struct statement sleep_write = {
    .name = "sleep_write",
    .lane = LANE_WRITE,
    .sql = "SELECT q.ord, pg_sleep(ms / 1000.0)::text AS slept"
           "  FROM unnest($1::bigint[]) WITH ORDINALITY AS q(ms, ord)",
    .nparams = 1,
    .types = {PARAM_INT8},
};

static const struct statement sleep_read = {
    .name = "sleep_read",
    .lane = LANE_READ,
    .sql = "SELECT q.ord, pg_sleep(ms / 1000.0)::text AS slept"
           "  FROM unnest($1::bigint[]) WITH ORDINALITY AS q(ms, ord)",
    .nparams = 1,
    .types = {PARAM_INT8},
};

/* Changes thing $1, then the other one of 1 and 2, and takes its time in between. */
static const struct statement thing_cross = {
    .name = "thing_cross",
    .lane = LANE_WRITE,
    .sql = "SELECT q.ord, thing_cross(q.id) AS id"
           "  FROM unnest($1::bigint[]) WITH ORDINALITY AS q(id, ord)",
    .nparams = 1,
    .types = {PARAM_INT8},
};

/* Has no column "ord". */
static const struct statement without_ord = {
    .name = "without_ord",
    .lane = LANE_READ,
    .sql = "SELECT id FROM unnest($1::bigint[]) AS q(id)",
    .nparams = 1,
    .types = {PARAM_INT8},
};

static const struct statement *const statements[] = {
    &thing_add, &thing_get, &sleep_write, &sleep_read, &without_ord, &thing_cross, NULL};

/* A query and its answer. */
struct shot {
    struct query query;
    struct status st;
    size_t nrows;
    int64_t id;
    unsigned nanswers; /* how often on_done ran */
};

/* For the answers of all shots. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;

static void on_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct shot *shot = container_of(query, struct shot, query);
    size_t nrows = rows ? rows_get_count(rows) : 0;
    int64_t id = nrows > 0 && (query->statement == &thing_add || query->statement == &thing_get)
                     ? row_get_int(rows, 0, "id")
                     : -1;

    pthread_mutex_lock(&mutex);
    shot->st = st;
    shot->nrows = nrows;
    shot->id = id;
    shot->nanswers++;
    pthread_cond_broadcast(&done);
    pthread_mutex_unlock(&mutex);
}

static void start(struct store *store, struct shot *shot, const struct statement *statement,
                  int64_t number)
{
    *shot = (struct shot){.query = {.statement = statement,
                                    .params = {param_int(number), param_text("word")},
                                    .timeout_ms = 20000,
                                    .on_done = on_done}};
    store_submit(store, &shot->query);
}

static void start_word(struct store *store, struct shot *shot, int64_t id, const char *word)
{
    *shot = (struct shot){.query = {.statement = &thing_add,
                                    .params = {param_int(id), param_text(word)},
                                    .timeout_ms = 20000,
                                    .on_done = on_done}};
    store_submit(store, &shot->query);
}

static void wait_for(const struct shot *shot)
{
    pthread_mutex_lock(&mutex);
    while (shot->nanswers == 0)
        pthread_cond_wait(&done, &mutex);
    pthread_mutex_unlock(&mutex);
}

static struct store *open_with(const struct store_options *given, const char *url)
{
    struct store_options options = *given;
    struct store *store = NULL;

    options.database_url = url;
    options.statements = statements;
    struct status st = store_create(&options, &store);
    if (st.code == STATUS_OK)
        st = store_wait_ready(store, 10000);
    if (st.code != STATUS_OK) {
        printf("the store does not get ready: %s\n", st.text);
        exit(1);
    }
    return store;
}

static const char *make_database(void)
{
    const char *url = pg_fixture_make_empty_database();

    pg_fixture_run(url, table_sql);
    return url;
}

/* A store of one connection a lane, so that what is submitted behind a sleep is one batch. */
static struct store *open_store(const char **ret_url)
{
    const char *url = make_database();

    if (ret_url)
        *ret_url = url;
    return open_with(&(struct store_options){.connections = 1}, url);
}

enum { NSHOTS = 40 };

test(queries_of_a_batch_get_their_own_rows)
{
    struct store *store = open_store(NULL);
    struct shot sleeper, shots[NSHOTS];

    start(store, &sleeper, &sleep_write, 50);
    for (int i = 0; i < NSHOTS; i++)
        start(store, &shots[i], &thing_add, 1000 - i);
    for (int i = 0; i < NSHOTS; i++) {
        wait_for(&shots[i]);
        check_status(shots[i].st, STATUS_OK);
        check_int(shots[i].id, 1000 - i);
    }
    wait_for(&sleeper);
    for (int i = 0; i < NSHOTS; i++)
        start(store, &shots[i], &thing_get, 1020 - i); /* the first twenty are not there */
    for (int i = 0; i < NSHOTS; i++) {
        wait_for(&shots[i]);
        check_int(shots[i].nrows, i < 20 ? 0 : 1);
        check_int(shots[i].id, i < 20 ? -1 : 1020 - i);
    }
    store_destroy(store);
}

test(bad_query_in_a_batch_fails_alone)
{
    const char *url;
    struct store *store = open_store(&url);
    struct shot sleeper, shots[NSHOTS];

    start(store, &sleeper, &sleep_write, 100);
    for (int i = 0; i < NSHOTS; i++)
        start(store, &shots[i], &thing_add, i == 13 ? -1 : i == 31 ? 30 : i);
    wait_for(&sleeper);
    for (int i = 0; i < NSHOTS; i++) {
        wait_for(&shots[i]);
        check_int(shots[i].nanswers, 1);
        check_status(shots[i].st, i == 13   ? STATUS_FAILED_PRECONDITION
                                  : i == 31 ? STATUS_ALREADY_EXISTS
                                            : STATUS_OK);
    }
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM thing"), NSHOTS - 2);
    store_destroy(store);
}

test(query_that_is_the_victim_of_a_deadlock_goes_again)
{
    const char *url = make_database();
    struct store *stores[2];
    struct shot shots[2];

    pg_fixture_run(url, "INSERT INTO thing VALUES (1, ''), (2, '')");
    for (int i = 0; i < 2; i++) {
        stores[i] = open_with(&(struct store_options){.connections = 1}, url);
        start(stores[i], &shots[i], &thing_cross, i + 1);
    }
    for (int i = 0; i < 2; i++) {
        wait_for(&shots[i]);
        check_status(shots[i].st, STATUS_OK);
        store_destroy(stores[i]);
    }
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM thing WHERE word = '++'"), 2);
    check(pg_fixture_get_number(
              url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") >
          0);
}

test(error_of_the_commit_is_reported)
{
    const char *url;
    struct store *store = open_store(&url);
    struct shot sleeper, shots[NSHOTS];

    start(store, &sleeper, &sleep_write, 100);
    for (int i = 0; i < NSHOTS; i++)
        start_word(store, &shots[i], i, i % 2 == 0 ? "late" : "well");
    wait_for(&sleeper);
    for (int i = 0; i < NSHOTS; i++) {
        wait_for(&shots[i]);
        check_status(shots[i].st, i % 2 == 0 ? STATUS_FAILED_PRECONDITION : STATUS_OK);
        check_str(shots[i].st.text, i % 2 == 0 ? "too late" : "");
    }
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM thing"), NSHOTS / 2);
    store_destroy(store);
}

test(queries_beyond_the_bound_are_refused)
{
    const char *url = make_database();
    struct store *store =
        open_with(&(struct store_options){.connections = 1, .max_queued = 10}, url);
    struct shot sleeper, shots[NSHOTS];
    unsigned nrefused = 0;

    start(store, &sleeper, &sleep_write, 500);
    const struct timespec moment = {.tv_nsec = 100000000};
    (void)nanosleep(&moment, NULL); /* the sleep is sent, and no longer in the queue */
    for (int i = 0; i < NSHOTS; i++)
        start(store, &shots[i], &thing_add, i);
    for (int i = 0; i < NSHOTS; i++) {
        wait_for(&shots[i]);
        check_status(shots[i].st, i < 10 ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED);
        nrefused += shots[i].st.code != STATUS_OK;
    }
    check_int(nrefused, NSHOTS - 10);
    wait_for(&sleeper);
    store_destroy(store);
}

test(query_that_is_not_sent_in_time_ends)
{
    const char *url;
    struct store *store = open_store(&url);
    struct shot sleeper, late = {.nanswers = 0}, never = {.nanswers = 0};

    start(store, &sleeper, &sleep_write, 600);
    const struct timespec moment = {.tv_nsec = 100000000};
    (void)nanosleep(&moment, NULL);
    int64_t start_ms = clock_get_monotonic_ms();
    late.query = (struct query){.statement = &thing_add,
                                .params = {param_int(1), param_text("word")},
                                .timeout_ms = 100,
                                .on_done = on_done};
    never.query = late.query;
    never.query.timeout_ms = 0;
    store_submit(store, &late.query);
    store_submit(store, &never.query);
    wait_for(&never);
    wait_for(&late);
    int64_t waited_ms = clock_get_monotonic_ms() - start_ms;
    check_status(late.st, STATUS_DEADLINE_EXCEEDED);
    check_status(never.st, STATUS_DEADLINE_EXCEEDED);
    check(waited_ms >= 100 && waited_ms < 500);
    wait_for(&sleeper);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM thing"), 0);
    store_destroy(store);
}

test(statement_that_takes_too_long_is_ended_by_the_server)
{
    const char *url = make_database();
    struct store *store =
        open_with(&(struct store_options){.connections = 1, .statement_timeout_ms = 200}, url);
    struct shot shot;

    start(store, &shot, &sleep_write, 5000);
    wait_for(&shot);
    check_status(shot.st, STATUS_DEADLINE_EXCEEDED);
    start(store, &shot, &thing_add, 1);
    wait_for(&shot);
    check_status(shot.st, STATUS_OK);
    store_destroy(store);
}

test(result_without_ord_is_an_internal_error)
{
    struct store *store = open_store(NULL);
    struct shot shot;

    start(store, &shot, &without_ord, 1);
    wait_for(&shot);
    check_status(shot.st, STATUS_INTERNAL);
    check_int(shot.nanswers, 1);
    store_destroy(store);
}

test(queries_wait_a_moment_and_fail_while_there_is_no_server)
{
    struct store_options options = {.database_url = "host=/nowhere/at/all user=nobody",
                                    .statements = statements};
    struct store *store = NULL;
    struct shot shot;

    check_status(store_create(&options, &store), STATUS_OK);
    check_status(store_wait_ready(store, 50), STATUS_UNAVAILABLE);
    check(!store_is_ready(store));
    int64_t start_ms = clock_get_monotonic_ms();
    start(store, &shot, &thing_add, 1);
    wait_for(&shot);
    int64_t waited_ms = clock_get_monotonic_ms() - start_ms;
    check_status(shot.st, STATUS_UNAVAILABLE);
    check(waited_ms >= 200 && waited_ms < 2000);
    store_destroy(store);
}

test(url_that_cannot_be_read_is_refused_without_being_quoted)
{
    struct store_options options = {.database_url = "password=secret oops",
                                    .statements = statements};
    struct store *store = NULL;
    struct status st = store_create(&options, &store);

    check_status(st, STATUS_INVALID_ARGUMENT);
    check(!strstr(st.text, "secret"));
}

test(store_that_stops_answers_all)
{
    const char *url;
    struct store *store = open_store(&url);
    struct shot sleeper, shots[NSHOTS];

    start(store, &sleeper, &sleep_write, 300);
    const struct timespec moment = {.tv_nsec = 100000000};
    (void)nanosleep(&moment, NULL);
    for (int i = 0; i < NSHOTS; i++)
        start(store, &shots[i], &thing_add, i);
    store_destroy(store);
    check_int(sleeper.nanswers, 1);
    check_status(sleeper.st, STATUS_OK);
    for (int i = 0; i < NSHOTS; i++) {
        check_int(shots[i].nanswers, 1);
        check_status(shots[i].st, STATUS_UNAVAILABLE);
    }
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM thing"), 0);
}

static const char terminate_sql[] =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()";

test(write_whose_connection_is_lost_is_unknown_and_a_read_goes_again)
{
    const char *url;
    struct store *store = open_store(&url);
    struct shot write, read, queued;

    start(store, &write, &sleep_write, 5000);
    start(store, &read, &sleep_read, 400);
    const struct timespec moment = {.tv_nsec = 200000000};
    (void)nanosleep(&moment, NULL);
    start(store, &queued, &thing_add, 1); /* waits behind the sleep, is not sent */
    pg_fixture_run(url, terminate_sql);
    wait_for(&write);
    wait_for(&read);
    wait_for(&queued);
    check_status(write.st, STATUS_UNKNOWN);
    check_status(read.st, STATUS_OK);
    check_status(queued.st, STATUS_OK);
    store_destroy(store);
}

test(connection_that_is_lost_while_idle_is_made_again)
{
    const char *url;
    struct store *store = open_store(&url);
    struct shot shot;

    pg_fixture_run(url, terminate_sql);
    start(store, &shot, &thing_add, 1);
    wait_for(&shot);
    /* It may have been sent before the end of the stream was seen. */
    check(shot.st.code == STATUS_OK || shot.st.code == STATUS_UNKNOWN);
    check_status(store_wait_ready(store, 5000), STATUS_OK);
    start(store, &shot, &thing_add, 2);
    wait_for(&shot);
    check_status(shot.st, STATUS_OK);
    store_destroy(store);
}

/* Adds things 1, 2, 3 ... of its own until it is stopped, and keeps what it was told of each. */
enum { WRITER_MAX = 100000, NWRITERS = 8 };

struct writer {
    struct store *store;
    int64_t base;
    pthread_t thread;
    atomic_bool *is_stopping;
    unsigned n;
    enum status_code codes[WRITER_MAX];
};

static void *write_on(void *arg)
{
    struct writer *writer = arg;
    struct shot shot;

    while (!atomic_load(writer->is_stopping) && writer->n < WRITER_MAX) {
        start(writer->store, &shot, &thing_add, writer->base + writer->n);
        wait_for(&shot);
        writer->codes[writer->n++] = shot.st.code;
    }
    return NULL;
}

static struct writer *start_writers(struct store *store, atomic_bool *is_stopping)
{
    struct writer *writers = mem_alloc_array(NWRITERS, sizeof(*writers));

    for (int i = 0; i < NWRITERS; i++) {
        writers[i].store = store;
        writers[i].base = (int64_t)i * WRITER_MAX;
        writers[i].is_stopping = is_stopping;
        check_status(thread_start("writer", write_on, &writers[i], &writers[i].thread), STATUS_OK);
    }
    return writers;
}

/* Is there what was acknowledged, and nothing that was refused? */
static void check_writers(const char *url, struct writer *writers)
{
    unsigned counts[STATUS_NCODES] = {0};

    pg_fixture_run(url, "CREATE TABLE told (id bigint PRIMARY KEY, code int)");
    for (int i = 0; i < NWRITERS; i++) {
        (void)pthread_join(writers[i].thread, NULL);
        struct buf sql = {0};
        buf_append_text(&sql, "INSERT INTO told VALUES (-1, 0)");
        for (unsigned j = 0; j < writers[i].n; j++) {
            counts[writers[i].codes[j]]++;
            buf_printf(&sql, ",(%lld,%d)", (long long)writers[i].base + j,
                       (int)writers[i].codes[j]);
        }
        buf_append_text(&sql, "ON CONFLICT DO NOTHING");
        pg_fixture_run(url, buf_get_text(&sql));
        buf_deinit(&sql);
    }
    printf("     %u stored, %u unknown, %u not sent\n", counts[STATUS_OK], counts[STATUS_UNKNOWN],
           counts[STATUS_UNAVAILABLE]);
    check(counts[STATUS_OK] > 100);
    check_int(counts[STATUS_OK] + counts[STATUS_UNKNOWN] + counts[STATUS_UNAVAILABLE],
              pg_fixture_get_number(url, "SELECT count(*) FROM told WHERE id >= 0"));
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM told LEFT JOIN thing USING (id)"
                                         " WHERE told.id >= 0 AND code = 0 AND word IS NULL"),
              0);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM told JOIN thing USING (id)"
                                         " WHERE code NOT IN (0, 2)"),
              0);
    mem_free(writers);
}

test(storm_of_lost_connections_loses_nothing_that_was_acknowledged)
{
    const char *url = make_database();
    struct store *store = open_with(&(struct store_options){.connections = 2}, url);
    atomic_bool is_stopping = false;
    struct writer *writers = start_writers(store, &is_stopping);
    const struct timespec moment = {.tv_nsec = 60000000};

    for (int i = 0; i < 40; i++) {
        (void)nanosleep(&moment, NULL);
        pg_fixture_run(url, terminate_sql);
    }
    check_status(store_wait_ready(store, 5000), STATUS_OK);
    (void)nanosleep(&moment, NULL);
    atomic_store(&is_stopping, true);
    check_writers(url, writers);
    store_destroy(store);
}

test(restart_of_the_server_loses_nothing_that_was_acknowledged)
{
    const char *url = make_database();
    if (!pg_fixture_can_stop())
        return;

    struct store *store = open_with(&(struct store_options){.connections = 2}, url);
    atomic_bool is_stopping = false;
    struct writer *writers = start_writers(store, &is_stopping);
    const struct timespec moment = {.tv_nsec = 300000000};

    for (int i = 0; i < 2; i++) {
        (void)nanosleep(&moment, NULL);
        pg_fixture_stop();
        (void)nanosleep(&moment, NULL);
        check(!store_is_ready(store));
        pg_fixture_start();
        check_status(store_wait_ready(store, 10000), STATUS_OK);
    }
    (void)nanosleep(&moment, NULL);
    atomic_store(&is_stopping, true);
    check_writers(url, writers);
    store_destroy(store);
}
