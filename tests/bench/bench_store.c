/*
 * tests/bench/bench_store.c - how many queries a second the store answers, against a database that has been migrated.
 *
 *     bench_store URL create|get|lease IN_FLIGHT SECONDS [MAX_BATCH]
 *
 * create stores tasks with two jobs each; get reads the newest; lease hands out jobs that create has left. IN_FLIGHT
 * queries are always under way. Prints the rate and the quantiles of the time from submit to on_done.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/number.h"
#include "store/data_source_store.h"
#include "store/job_store.h"
#include "store/row.h"
#include "store/statements.h"
#include "store/store.h"
#include "store/task_store.h"

enum { MAX_SAMPLES = 4000000, ID_BYTES = 128 };

static struct {
    struct store *store;
    char last_id[ID_BYTES]; /* a task to read */
    int64_t *samples_us;
    atomic_uint nsamples;
    atomic_uint nfailed;
    atomic_uint nempty; /* answers without a row */
    atomic_uint nrunning;
    atomic_bool is_stopping;
} bench;

/* One query that is always under way. */
struct runner {
    struct query query;
    int64_t start_us;
    char hex[ID_HEX_BYTES];
    char jobs[ID_BYTES];
};

static void on_done(struct query *query, struct status st, const struct pg_result *rows);

static void prepare_create(struct runner *runner)
{
    id_make_ordered_hex(runner->hex);
    (void)snprintf(runner->jobs, sizeof(runner->jobs), "{s-%s,b-%s}", runner->hex, runner->hex);
    const struct param params[] = {
        param_text(runner->hex),
        param_text("BULKLOAD"),
        param_text("bench-files"),
        param_text("bench-db"),
        param_text("\x20\x01"),
        param_text("{FILE}"),
        param_text("{POSTGRES}"),
        param_text("proc-"),
        param_text(runner->jobs),
        param_text("{SCHEMA,BULKLOAD}"),
        param_text("{0,1}"),
        param_text("{t,t}"),
        param_text("bench"),
        param_null(),
        param_int(0),
        param_text(""),
        param_text("{}"),
    };
    memcpy(runner->query.params, params, sizeof(params));
}

static void submit(struct runner *runner)
{
    if (runner->query.statement == &task_create)
        prepare_create(runner);
    else if (runner->query.statement == &task_get) {
        runner->query.params[0] = param_text(bench.last_id);
        runner->query.params[1] = param_int(1);
    } else if (runner->query.statement == &job_lease) {
        runner->query.params[0] = param_text("{bench}");
        runner->query.params[1] = param_int(3600000);
        runner->query.params[2] = param_text("{bulkload:file:postgres}");
        runner->query.params[3] = param_null();
        runner->query.params[4] = param_null();
    }
    runner->query.timeout_ms = 20000;
    runner->query.on_done = on_done;
    runner->start_us = clock_get_time_us();
    store_submit(bench.store, &runner->query);
}

/* Runs on a store thread. */
static void on_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct runner *runner = container_of(query, struct runner, query);
    unsigned i = atomic_fetch_add(&bench.nsamples, 1);

    if (i < MAX_SAMPLES)
        bench.samples_us[i] = clock_get_time_us() - runner->start_us;
    if (st.code != STATUS_OK && atomic_fetch_add(&bench.nfailed, 1) == 0)
        fprintf(stderr, "bench_store: %s\n", st.text);
    if (rows && rows_get_count(rows) == 0)
        atomic_fetch_add(&bench.nempty, 1);
    if (atomic_load(&bench.is_stopping))
        atomic_fetch_sub(&bench.nrunning, 1);
    else
        submit(runner);
}

static void sleep_ms(int64_t ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000)};

    (void)nanosleep(&time, NULL);
}

/* A query whose answer is waited for. */
struct waiter {
    struct query query;
    atomic_bool is_done;
};

static void on_waiter_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct waiter *waiter = container_of(query, struct waiter, query);

    if (st.code == STATUS_OK && query->statement == &task_list && rows_get_count(rows) > 0) {
        struct str id = row_get_text(rows, 0, "id");
        (void)snprintf(bench.last_id, sizeof(bench.last_id), "%.*s", (int)id.len, id.data);
    }
    atomic_store(&waiter->is_done, true);
}

static void run_one(const struct query *query)
{
    struct waiter waiter = {.query = *query};

    waiter.query.timeout_ms = 10000;
    waiter.query.on_done = on_waiter_done;
    store_submit(bench.store, &waiter.query);
    while (!atomic_load(&waiter.is_done))
        sleep_ms(1);
}

static void add_source(const char *name, const char *type)
{
    run_one(&(struct query){
        .statement = &data_source_create,
        .params = {param_text(name), param_text(type), param_text("{}"), param_text("")}});
}

static void find_last_task(void)
{
    static const char plan[] = "{\"covers\":[],\"condition\":[\"ALL\"],"
                               "\"from\":\"0001-01-01T00:00:00Z\",\"to\":\"9999-12-31T23:59:59Z\"}";

    run_one(
        &(struct query){.statement = &task_list,
                        .params = {param_int(1), param_null(), param_null(), param_int(0),
                                   param_text(plan), param_int(0), param_int(TASK_LIST_MAX_BYTES),
                                   param_int(TASK_LIST_PATIENCE_MS)}});
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void report(int64_t took_us)
{
    unsigned n = atomic_load(&bench.nsamples);
    unsigned nkept = n < MAX_SAMPLES ? n : MAX_SAMPLES;

    qsort(bench.samples_us, nkept, sizeof(*bench.samples_us), compare);
    printf("%.0f/s, p50 %.2f ms, p99 %.2f ms, %u answers, %u failed, %u empty\n",
           (double)n * 1e6 / (double)took_us, (double)bench.samples_us[nkept / 2] / 1000,
           (double)bench.samples_us[nkept - 1 - nkept / 100] / 1000, n, atomic_load(&bench.nfailed),
           atomic_load(&bench.nempty));
}

static const struct statement *find_statement(const char *name)
{
    if (strcmp(name, "create") == 0)
        return &task_create;
    if (strcmp(name, "get") == 0)
        return &task_get;
    return strcmp(name, "lease") == 0 ? &job_lease : NULL;
}

static int64_t read_number(const char *name, const char *text, int64_t max)
{
    int64_t number = 0;
    struct status st = number_read(name, str_from(text), 1, max, &number);

    if (st.code != STATUS_OK) {
        fprintf(stderr, "bench_store: %s\n", st.text);
        exit(2);
    }
    return number;
}

int main(int argc, char **argv)
{
    const struct statement *statement = argc >= 5 ? find_statement(argv[2]) : NULL;

    if (!statement) {
        fprintf(stderr, "usage: bench_store URL create|get|lease IN_FLIGHT SECONDS [MAX_BATCH]\n");
        return 2;
    }

    unsigned nrunners = (unsigned)read_number("IN_FLIGHT", argv[3], 4000);
    int64_t seconds = read_number("SECONDS", argv[4], 3600);
    struct store_options options = {.database_url = argv[1], .statements = store_statements};
    if (argc > 5)
        options.max_batch = (unsigned)read_number("MAX_BATCH", argv[5], 4096);

    struct status st = store_create(&options, &bench.store);
    if (st.code == STATUS_OK)
        st = store_wait_ready(bench.store, 5000);
    if (st.code != STATUS_OK) {
        fprintf(stderr, "bench_store: %s\n", st.text);
        return 1;
    }
    bench.samples_us = mem_alloc_array(MAX_SAMPLES, sizeof(*bench.samples_us));
    add_source("bench-files", "FILE");
    add_source("bench-db", "POSTGRES");
    find_last_task();

    struct runner *runners = mem_alloc_array(nrunners, sizeof(*runners));
    int64_t start_us = clock_get_time_us();
    atomic_store(&bench.nrunning, nrunners);
    for (unsigned i = 0; i < nrunners; i++) {
        runners[i].query.statement = statement;
        submit(&runners[i]);
    }
    sleep_ms(seconds * 1000);
    atomic_store(&bench.is_stopping, true);
    while (atomic_load(&bench.nrunning) > 0)
        sleep_ms(1);
    report(clock_get_time_us() - start_us);
    store_destroy(bench.store);
    mem_free(runners);
    mem_free(bench.samples_us);
    return 0;
}
