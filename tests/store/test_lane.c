/* What the lanes promise: who gets which answer when queries fail, wait too long or lose their connection. */

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/row.h"
#include "store/store.h"
#include "tests/harness/postgres/server.h"
#include "tests/harness/test.h"
#include "tests/store/pg_fixture.h"
#include "tests/store/store_fixture.h"

static const char table_sql[] =
    "CREATE TABLE thing (id bigint PRIMARY KEY CHECK (id >= 0), word text NOT NULL);"
    "CREATE FUNCTION thing_check() RETURNS trigger LANGUAGE plpgsql AS $$"
    " BEGIN IF NEW.word = 'late' THEN RAISE EXCEPTION USING ERRCODE = '23514',"
    " MESSAGE = 'too late'; END IF; RETURN NEW; END $$;"
    "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON thing DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION thing_check();"
    "CREATE FUNCTION thing_cross(p_id bigint) RETURNS bigint LANGUAGE plpgsql AS $$"
    " DECLARE v_word text; BEGIN PERFORM pg_advisory_xact_lock_shared(7);"
    " UPDATE thing SET word = word || '+' WHERE id = p_id RETURNING word INTO v_word;"
    " PERFORM pg_advisory_xact_lock(10 + p_id);"
    " WHILE v_word = '+' AND NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory'"
    " AND granted AND objid = 13 - p_id) LOOP PERFORM pg_sleep(0.01); END LOOP;"
    " UPDATE thing SET word = word || '+' WHERE id = 3 - p_id; RETURN p_id; END $$;"
    "CREATE SEQUENCE begin_ms;" /* no rollback takes it back */
    "CREATE FUNCTION thing_conflict(p_ms bigint) RETURNS bigint LANGUAGE plpgsql AS $$"
    " DECLARE v_ms bigint := extract(epoch FROM clock_timestamp()) * 1000;"
    " BEGIN IF nextval('begin_ms') = 1 THEN PERFORM setval('begin_ms', v_ms); END IF;"
    " IF v_ms < currval('begin_ms') - 10 + p_ms THEN RAISE deadlock_detected; END IF;"
    " RETURN p_ms; END $$;";

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

/* Waits for the lock $1, on the lane of writes. */
static const struct statement wait_write = {
    .name = "wait_write",
    .lane = LANE_WRITE,
    .sql = "SELECT q.ord, pg_advisory_xact_lock_shared(lock)::text AS got"
           "  FROM unnest($1::bigint[]) WITH ORDINALITY AS q(lock, ord)",
    .nparams = 1,
    .types = {PARAM_INT8},
};

static const struct statement wait_read = {
    .name = "wait_read",
    .lane = LANE_READ,
    .sql = "SELECT q.ord, pg_advisory_xact_lock_shared(lock)::text AS got"
           "  FROM unnest($1::bigint[]) WITH ORDINALITY AS q(lock, ord)",
    .nparams = 1,
    .types = {PARAM_INT8},
};

/* Waits for LOCK, changes thing $1, then the other one of 1 and 2, which somebody else has changed by then. */
static const struct statement thing_cross = {
    .name = "thing_cross",
    .lane = LANE_WRITE,
    .sql = "SELECT q.ord, thing_cross(q.id) AS id"
           "  FROM unnest($1::bigint[]) WITH ORDINALITY AS q(id, ord)",
    .nparams = 1,
    .types = {PARAM_INT8},
};

/* Is the victim of a conflict until some $1 ms after its first try. */
static const struct statement thing_conflict = {
    .name = "thing_conflict",
    .lane = LANE_WRITE,
    .sql = "SELECT q.ord, thing_conflict(q.ms) AS id"
           "  FROM unnest($1::bigint[]) WITH ORDINALITY AS q(ms, ord)",
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

static const struct statement *const statements[] = {&thing_add,      &thing_get,   &wait_write,
                                                     &wait_read,      &without_ord, &thing_cross,
                                                     &thing_conflict, NULL};

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

/* Queries of a store are held up by what a test holds: the lock is that of its database. */
enum { LOCK = 7 };

static const char take_lock[] = "SELECT pg_advisory_xact_lock(7)";

#define WAITING \
    " FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
static const char count_waiting[] = "SELECT count(*)" WAITING;
static const char terminate_waiting[] = "SELECT pg_terminate_backend(pid)" WAITING;

/* Starts a query that the server holds up, the nth one. */
static void start_waiting(struct store *store, const char *url, struct shot *shot,
                          const struct statement *statement, const char *n)
{
    start(store, shot, statement, LOCK);
    check(postgres_server_wait(url, count_waiting, n));
}

static struct store *open_with(const struct store_options *given, const char *url)
{
    struct store_options options = *given;

    options.database_url = url;
    options.statements = statements;
    return store_fixture_open(&options);
}

static const char *make_database(void)
{
    const char *url = pg_fixture_make_empty_database();

    pg_fixture_run(url, table_sql);
    return url;
}

/* A store of one connection a lane, so that what is submitted behind a query that is held up is one batch. */
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
    const char *url;
    struct store *store = open_store(&url);
    struct postgres_holder *holder = postgres_server_hold(url, take_lock);
    struct shot sleeper, shots[NSHOTS];

    start_waiting(store, url, &sleeper, &wait_write, "1");
    for (int i = 0; i < NSHOTS; i++)
        start(store, &shots[i], &thing_add, 1000 - i);
    postgres_server_release(holder);
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
    struct postgres_holder *holder = postgres_server_hold(url, take_lock);
    struct shot sleeper, shots[NSHOTS];

    start_waiting(store, url, &sleeper, &wait_write, "1");
    for (int i = 0; i < NSHOTS; i++)
        start(store, &shots[i], &thing_add, i == 13 ? -1 : i == 31 ? 30 : i);
    postgres_server_release(holder);
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
    struct postgres_holder *holder = postgres_server_hold(url, take_lock);
    for (int i = 0; i < 2; i++) {
        stores[i] = open_with(&(struct store_options){.connections = 1}, url);
        start(stores[i], &shots[i], &thing_cross, i + 1);
    }
    check(postgres_server_wait(url, count_waiting, "2"));
    postgres_server_release(holder);
    for (int i = 0; i < 2; i++) {
        wait_for(&shots[i]);
        check_status(shots[i].st, STATUS_OK);
        store_destroy(stores[i]);
    }
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM thing WHERE word = '++'"), 2);
    /* A session tells what it has counted when it ends. */
    check(postgres_server_wait(
        url, "SELECT deadlocks > 0 FROM pg_stat_database WHERE datname = current_database()", "t"));
}

test(query_in_conflict_leaves_others_time_before_it_goes_again)
{
    const char *url;
    struct store *store = open_store(&url);
    struct shot shot, never;

    start(store, &shot, &thing_conflict, 100);
    wait_for(&shot);
    check_status(shot.st, STATUS_OK);
    start(store, &never, &thing_conflict, INT32_MAX);
    wait_for(&never);
    check_status(never.st, STATUS_ABORTED);
    store_destroy(store);
}

test(error_of_the_commit_is_reported)
{
    const char *url;
    struct store *store = open_store(&url);
    struct postgres_holder *holder = postgres_server_hold(url, take_lock);
    struct shot sleeper, shots[NSHOTS];

    start_waiting(store, url, &sleeper, &wait_write, "1");
    for (int i = 0; i < NSHOTS; i++)
        start_word(store, &shots[i], i, i % 2 == 0 ? "late" : "well");
    postgres_server_release(holder);
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
    struct postgres_holder *holder = postgres_server_hold(url, take_lock);
    struct shot sleeper, shots[NSHOTS];
    unsigned nrefused = 0;

    start_waiting(store, url, &sleeper, &wait_write, "1"); /* it is no longer in the queue */
    for (int i = 0; i < NSHOTS; i++)
        start(store, &shots[i], &thing_add, i);
    postgres_server_release(holder);
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
    struct postgres_holder *holder = postgres_server_hold(url, take_lock);
    struct shot sleeper, late = {.nanswers = 0}, never = {.nanswers = 0};

    start_waiting(store, url, &sleeper, &wait_write, "1");
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
    check(waited_ms >= 100);
    check_int(sleeper.nanswers, 0);
    postgres_server_release(holder);
    wait_for(&sleeper);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM thing"), 0);
    store_destroy(store);
}

test(statement_that_takes_too_long_is_ended_by_the_server)
{
    const char *url = make_database();
    struct store *store =
        open_with(&(struct store_options){.connections = 1, .statement_timeout_ms = 1000}, url);
    struct postgres_holder *holder = postgres_server_hold(url, take_lock);
    struct shot shot;

    start(store, &shot, &wait_write, LOCK);
    wait_for(&shot);
    check_status(shot.st, STATUS_DEADLINE_EXCEEDED);
    postgres_server_release(holder);
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
    check(waited_ms >= 200 && waited_ms < 10000);
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

/* Lets go of a lock when a query has its answer. */
struct releaser {
    struct postgres_holder *holder;
    const struct shot *shot;
};

static void *release_later(void *arg)
{
    const struct releaser *releaser = arg;

    wait_for(releaser->shot);
    postgres_server_release(releaser->holder);
    return NULL;
}

test(store_that_stops_answers_all)
{
    const char *url;
    struct store *store = open_store(&url);
    struct shot sleeper, shots[NSHOTS];
    struct releaser releaser = {postgres_server_hold(url, take_lock), &shots[NSHOTS - 1]};
    pthread_t thread;

    start_waiting(store, url, &sleeper, &wait_write, "1");
    for (int i = 0; i < NSHOTS; i++)
        start(store, &shots[i], &thing_add, i);
    check_status(thread_start("releaser", release_later, &releaser, &thread), STATUS_OK);
    store_destroy(store);
    (void)pthread_join(thread, NULL);
    check_int(sleeper.nanswers, 1);
    check_status(sleeper.st, STATUS_OK);
    for (int i = 0; i < NSHOTS; i++) {
        check_int(shots[i].nanswers, 1);
        check_status(shots[i].st, STATUS_UNAVAILABLE);
    }
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM thing"), 0);
}

test(write_whose_connection_is_lost_is_unknown_and_a_read_goes_again)
{
    const char *url;
    struct store *store = open_store(&url);
    struct postgres_holder *holder = postgres_server_hold(url, take_lock);
    struct shot write, read, queued;

    start_waiting(store, url, &write, &wait_write, "1");
    start_waiting(store, url, &read, &wait_read, "2");
    start(store, &queued, &thing_add, 1); /* waits behind the write, is not sent */
    pg_fixture_run(url, terminate_waiting);
    postgres_server_release(holder);
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

    pg_fixture_end_sessions(url);
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
