/* What was acknowledged is stored, however often connections are lost and the server ends. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/store.h"
#include "tests/harness/postgres/server.h"
#include "tests/harness/test.h"
#include "tests/store/pg_fixture.h"
#include "tests/store/store_fixture.h"

static const struct statement *const statements[] = {&store_fixture_add, NULL};

static struct store *open_store(const char **ret_url)
{
    const char *url = pg_fixture_make_empty_database();
    struct store_options options = {
        .database_url = url, .statements = statements, .connections = 2};

    pg_fixture_run(url, "CREATE TABLE thing (id bigint PRIMARY KEY)");
    *ret_url = url;
    return store_fixture_open(&options);
}

/* Adds things 1, 2, 3 ... of its own until it is stopped, and keeps what it was told of each. */
enum { WRITER_MAX = 100000, NWRITERS = 8 };

struct writer {
    struct query query;
    struct store *store;
    int64_t base;
    pthread_t thread;
    atomic_bool *is_stopping;
    unsigned n;
    pthread_mutex_t mutex;
    pthread_cond_t answered; /* its query */
    bool is_answered;
    enum status_code codes[WRITER_MAX];
};

static void on_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct writer *writer = container_of(query, struct writer, query);

    (void)rows;
    (void)pthread_mutex_lock(&writer->mutex);
    writer->codes[writer->n++] = st.code;
    writer->is_answered = true;
    (void)pthread_cond_signal(&writer->answered);
    (void)pthread_mutex_unlock(&writer->mutex);
}

static void write_one(struct writer *writer)
{
    writer->query = (struct query){.statement = &store_fixture_add,
                                   .params = {param_int(writer->base + writer->n)},
                                   .timeout_ms = 20000,
                                   .on_done = on_done};
    writer->is_answered = false;
    store_submit(writer->store, &writer->query);
    (void)pthread_mutex_lock(&writer->mutex);
    while (!writer->is_answered)
        (void)pthread_cond_wait(&writer->answered, &writer->mutex);
    (void)pthread_mutex_unlock(&writer->mutex);
}

static void *write_on(void *arg)
{
    struct writer *writer = arg;

    while (!atomic_load(writer->is_stopping) && writer->n < WRITER_MAX)
        write_one(writer);
    return NULL;
}

static struct writer *start_writers(struct store *store, atomic_bool *is_stopping)
{
    struct writer *writers = mem_alloc_array(NWRITERS, sizeof(*writers));

    for (int i = 0; i < NWRITERS; i++) {
        writers[i].store = store;
        writers[i].base = (int64_t)i * WRITER_MAX;
        writers[i].is_stopping = is_stopping;
        (void)pthread_mutex_init(&writers[i].mutex, NULL);
        (void)pthread_cond_init(&writers[i].answered, NULL);
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
    check_int(
        pg_fixture_get_number(url, "SELECT count(*) FROM told LEFT JOIN thing ON thing.id = told.id"
                                   " WHERE told.id >= 0 AND code = 0 AND thing.id IS NULL"),
        0);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM told JOIN thing USING (id)"
                                         " WHERE code NOT IN (0, 2)"),
              0);
    mem_free(writers);
}

/* Waits until n things are stored. */
static void wait_for_things(const char *url, unsigned n)
{
    struct buf sql = {0};

    buf_printf(&sql, "SELECT count(*) >= %u FROM thing", n);
    check(postgres_server_wait(url, buf_get_text(&sql), "t"));
    buf_deinit(&sql);
}

test(storm_of_lost_connections_loses_nothing_that_was_acknowledged)
{
    const char *url;
    struct store *store = open_store(&url);
    atomic_bool is_stopping = false;
    struct writer *writers = start_writers(store, &is_stopping);

    for (unsigned i = 1; i <= 40; i++) {
        wait_for_things(url, 10 * i);
        pg_fixture_end_sessions(url);
    }
    check_status(store_wait_ready(store, 10000), STATUS_OK);
    atomic_store(&is_stopping, true);
    check_writers(url, writers);
    store_destroy(store);
}

test(restart_of_the_server_loses_nothing_that_was_acknowledged)
{
    const char *url;
    struct store *store = open_store(&url);
    atomic_bool is_stopping = false;
    struct writer *writers = start_writers(store, &is_stopping);
    const struct timespec pause = {.tv_nsec = 5000000};

    for (unsigned i = 1; i <= 2 && pg_fixture_can_stop(); i++) {
        wait_for_things(url, 100 * i);
        pg_fixture_stop();
        while (store_is_ready(store))
            (void)nanosleep(&pause, NULL);
        pg_fixture_start();
        check_status(store_wait_ready(store, 10000), STATUS_OK);
    }
    wait_for_things(url, 300);
    atomic_store(&is_stopping, true);
    check_writers(url, writers);
    store_destroy(store);
}
