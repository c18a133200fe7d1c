/*
 * The connection breaks at every step of the protocol: each query is answered once, and what the
 * answer says is true.
 */

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "store/store.h"
#include "tests/harness/test.h"
#include "tests/store/cut_proxy.h"
#include "tests/store/pg_fixture.h"
#include "tests/store/store_fixture.h"

static const struct statement thing_count = {
    .name = "thing_count",
    .lane = LANE_READ,
    .sql = "SELECT q.ord, id FROM unnest($1::bigint[]) WITH ORDINALITY AS q(id, ord)",
    .nparams = 1,
    .types = {PARAM_INT8},
};

static const struct statement *const statements[] = {&store_fixture_add, &thing_count, NULL};

/* Three writes and a read. */
enum { NQUERIES = 4 };

struct shot {
    struct query query;
    struct status st;
    unsigned nanswers;
};

/* For the answers of all shots. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;

static void on_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct shot *shot = container_of(query, struct shot, query);

    (void)rows;
    pthread_mutex_lock(&mutex);
    shot->st = st;
    shot->nanswers++;
    pthread_cond_broadcast(&done);
    pthread_mutex_unlock(&mutex);
}

static void wait_for(const struct shot *shot)
{
    pthread_mutex_lock(&mutex);
    while (shot->nanswers == 0)
        pthread_cond_wait(&done, &mutex);
    pthread_mutex_unlock(&mutex);
}

/* What became of all queries at all places of the cut. */
struct tally {
    unsigned counts[STATUS_NCODES];
    struct buf told; /* "(id,code)," for each write */
    int64_t next_id;
};

static void run_queries(struct store *store, struct tally *tally)
{
    struct shot shots[NQUERIES] = {{.nanswers = 0}};

    for (int i = 0; i < NQUERIES; i++) {
        shots[i].query = (struct query){.statement = i == 0 ? &thing_count : &store_fixture_add,
                                        .params = {param_int(tally->next_id + i)},
                                        .timeout_ms = 20000,
                                        .on_done = on_done};
        store_submit(store, &shots[i].query);
    }
    for (int i = 0; i < NQUERIES; i++) {
        wait_for(&shots[i]);
        tally->counts[shots[i].st.code]++;
        if (i > 0)
            buf_printf(&tally->told, "(%lld,%d),", (long long)(tally->next_id + i),
                       (int)shots[i].st.code);
    }
    tally->next_id += NQUERIES;
    store_destroy(store);
    for (int i = 0; i < NQUERIES; i++)
        check_int(shots[i].nanswers, 1);
}

/* Cuts the first connection of each lane after 0, step, 2 * step ... bytes. */
static void cut_everywhere(enum cut_direction direction, size_t step, size_t max)
{
    const char *server_url = pg_fixture_make_empty_database();
    struct tally tally = {.next_id = 1};
    char url[512];

    if (!pg_fixture_can_stop())
        return;
    pg_fixture_run(server_url, "CREATE TABLE thing (id bigint PRIMARY KEY);"
                               "CREATE TABLE told (id bigint PRIMARY KEY, code int)");
    struct cut_proxy *proxy = cut_proxy_open(pg_fixture_get_folder());
    (void)snprintf(url, sizeof(url), "%s host=%s", server_url, cut_proxy_get_folder(proxy));
    for (size_t nbytes = 0; nbytes < max; nbytes += step) {
        struct store_options options = {
            .database_url = url, .connections = 1, .statements = statements};
        struct store *store = NULL;

        cut_proxy_arm(proxy, direction, nbytes, 2);
        check_status(store_create(&options, &store), STATUS_OK);
        run_queries(store, &tally);
    }
    cut_proxy_close(proxy);

    struct buf sql = {0};
    buf_printf(&sql, "INSERT INTO told VALUES %s(-1,0)", buf_get_text(&tally.told));
    pg_fixture_run(server_url, buf_get_text(&sql));
    printf("     %u well, %u unknown, %u not sent\n", tally.counts[STATUS_OK],
           tally.counts[STATUS_UNKNOWN], tally.counts[STATUS_UNAVAILABLE]);
    check(tally.counts[STATUS_OK] > 0);
    check(tally.counts[STATUS_UNKNOWN] > 0);
    check_int(tally.counts[STATUS_OK] + tally.counts[STATUS_UNKNOWN] +
                  tally.counts[STATUS_UNAVAILABLE],
              tally.next_id - 1);
    check_int(pg_fixture_get_number(server_url,
                                    "SELECT count(*) FROM told LEFT JOIN thing USING (id)"
                                    " WHERE code = 0 AND thing.id IS NULL AND told.id > 0"),
              0);
    check_int(pg_fixture_get_number(server_url, "SELECT count(*) FROM told JOIN thing USING (id)"
                                                " WHERE code NOT IN (0, 2)"),
              0);
    buf_deinit(&sql);
    buf_deinit(&tally.told);
}

test(connection_that_breaks_on_the_way_to_the_server)
{
    cut_everywhere(CUT_TO_SERVER, 17, 1400);
}

test(connection_that_breaks_on_the_way_back)
{
    cut_everywhere(CUT_TO_CLIENT, 13, 1000);
}
