/*
 * tests/bench/bench_load.c - calls of one kind to a gateway, many at a time, as clients and workers make them.
 *
 *     bench_load TARGET create|get|finish|exchange IN_FLIGHT SECONDS [TASKS]
 *
 * create makes bulk imports from the data source "files" into "db"; get reads one of TASKS tasks, at random, whose ids are
 * "proc-<n>-<n as 32 hex digits>"; finish leases a job and finishes it by itself, as one worker each that has no work to do
 * for it; exchange does both by one call, the end of one job and the lease of the next. Prints one line of JSON: the rate, and the quantiles of the time from call to answer. It fails if a call does.
 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/number.h"
#include "rpc/client.h"
#include "rpc/loop.h"
#include "sluice/v1/task_service.pb-c.h"
#include "sluice/worker/v1/worker_service.pb-c.h"

enum {
    CALL_TIMEOUT_MS = 30000,
    WAIT_FOR_JOB_S = 1,
    MAX_SAMPLES = 8000000,
    MAX_IN_FLIGHT = 4096,
    ID_BYTES = 64,
};

struct runner;
typedef void begin_fn(struct runner *runner);

/* One client: its calls follow each other. */
struct runner {
    struct rpc_client_call call;
    begin_fn *begin;
    int64_t start_us;
    char worker_id[ID_BYTES];
};

static struct {
    struct rpc_channel *channel;
    int64_t ntasks;
    uint64_t random; /* only the one loop thread uses it */
    uint32_t *samples_us;
    atomic_uint nsamples; /* what the rate counts */
    atomic_uint nempty;   /* questions for a job that found none */
    atomic_uint nrunning;
    atomic_bool is_over;
} bench;

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_load: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void go_on(struct runner *runner)
{
    if (atomic_load(&bench.is_over)) {
        atomic_fetch_sub(&bench.nrunning, 1);
        return;
    }
    runner->start_us = clock_get_time_us();
    runner->begin(runner);
}

static void count(const struct runner *runner)
{
    unsigned i = atomic_fetch_add(&bench.nsamples, 1);

    if (i < MAX_SAMPLES)
        bench.samples_us[i] = (uint32_t)(clock_get_time_us() - runner->start_us);
}

static void on_counted(struct rpc_client_call *call, struct status st,
                       const ProtobufCMessage *reply)
{
    struct runner *runner = container_of(call, struct runner, call);

    (void)reply;
    if (st.code != STATUS_OK)
        die(call->method, st.text);
    count(runner);
    go_on(runner);
}

typedef void done_fn(struct rpc_client_call *call, struct status st, const ProtobufCMessage *reply);

static void call(struct runner *runner, const char *method, const ProtobufCMessage *request,
                 const ProtobufCMessageDescriptor *reply_type, done_fn *on_done)
{
    runner->call = (struct rpc_client_call){
        .channel = bench.channel,
        .method = method,
        .reply_type = reply_type,
        .timeout_ms = CALL_TIMEOUT_MS,
        .waits_for_ready = true,
        .on_done = on_done,
    };
    rpc_client_call_submit(&runner->call, request);
}

static void begin_create(struct runner *runner)
{
    static char reader[] = "{\"filePath\":\"a.csv\",\"column\":[\"id\",\"age\"]}";
    static char writer[] = "{\"columns\":[\"ROW||String\",\"f:age||Int\"],\"namespace\":\"n\","
                           "\"lindormTable\":\"t\"}";
    Pb__CreateTaskRequest request = PB__CREATE_TASK_REQUEST__INIT;
    Pb__BulkloadSpec spec = PB__BULKLOAD_SPEC__INIT;
    Pb__Task task = PB__TASK__INIT;

    spec.reader_config_json = reader;
    spec.writer_config_json = writer;
    spec.driver_spec = PB__DRIVER_SPEC__DRIVER_SPEC_SMALL;
    spec.instances = 1;
    spec.file_type = PB__FILE_TYPE__FILE_TYPE_CSV;
    task.source = (char[]){"files"};
    task.destination = (char[]){"db"};
    task.spec_case = PB__TASK__SPEC_BULKLOAD;
    task.bulkload = &spec;
    request.task = &task;
    call(runner, "/sluice.v1.TaskService/CreateTask", &request.base, &pb__task__descriptor,
         on_counted);
}

static void begin_get(struct runner *runner)
{
    Pb__GetTaskRequest request = PB__GET_TASK_REQUEST__INIT;
    char id[ID_BYTES];

    bench.random = bench.random * 6364136223846793005U + 1442695040888963407U;
    uint64_t n = (bench.random >> 33) % (uint64_t)bench.ntasks + 1;
    (void)snprintf(id, sizeof(id), "proc-%" PRIu64 "-%032" PRIx64, n, n);
    request.id = id;
    call(runner, "/sluice.v1.TaskService/GetTask", &request.base, &pb__task__descriptor,
         on_counted);
}

static void on_leased(struct rpc_client_call *leased, struct status st,
                      const ProtobufCMessage *reply)
{
    struct runner *runner = container_of(leased, struct runner, call);
    const Pb__LeasedJob *job = reply ? ((const Pb__LeaseJobResponse *)reply)->job : NULL;
    Pb__FinishJobRequest request = PB__FINISH_JOB_REQUEST__INIT;

    if (st.code != STATUS_OK)
        die(leased->method, st.text);
    if (!job) {
        atomic_fetch_add(&bench.nempty, 1);
        go_on(runner);
        return;
    }
    request.id = job->id;
    request.lease_token = job->lease_token;
    request.outcome = PB__JOB_OUTCOME__JOB_OUTCOME_SUCCEEDED;
    call(runner, "/sluice.worker.v1.WorkerService/FinishJob", &request.base,
         &google__protobuf__empty__descriptor, on_counted);
}

static char capability[] = "bulkload:file:postgres";
static char *capabilities[] = {capability};

static void lease(struct runner *runner, done_fn *on_done)
{
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    Pb__LeaseJobRequest request = PB__LEASE_JOB_REQUEST__INIT;

    wait.seconds = WAIT_FOR_JOB_S;
    request.worker_id = runner->worker_id;
    request.wait_duration = &wait;
    request.n_capabilities = ARRAY_LEN(capabilities);
    request.capabilities = capabilities;
    call(runner, "/sluice.worker.v1.WorkerService/LeaseJob", &request.base,
         &pb__lease_job_response__descriptor, on_done);
}

static void begin_finish(struct runner *runner)
{
    lease(runner, on_leased);
}

static done_fn on_exchanged;

/* The job is read before this returns. */
static void exchange(struct runner *runner, const Pb__LeasedJob *job)
{
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    Pb__ExchangeJobRequest request = PB__EXCHANGE_JOB_REQUEST__INIT;

    wait.seconds = WAIT_FOR_JOB_S;
    request.id = job->id;
    request.lease_token = job->lease_token;
    request.outcome = PB__JOB_OUTCOME__JOB_OUTCOME_SUCCEEDED;
    request.worker_id = runner->worker_id;
    request.wait_duration = &wait;
    request.n_capabilities = ARRAY_LEN(capabilities);
    request.capabilities = capabilities;
    call(runner, "/sluice.worker.v1.WorkerService/ExchangeJob", &request.base,
         &pb__lease_job_response__descriptor, on_exchanged);
}

/* Goes on with the job that came, if one did. */
static void go_on_with(struct runner *runner, const Pb__LeasedJob *job)
{
    if (!job || atomic_load(&bench.is_over)) {
        atomic_fetch_add(&bench.nempty, !job);
        go_on(runner);
        return;
    }
    runner->start_us = clock_get_time_us();
    exchange(runner, job);
}

static const Pb__LeasedJob *must_read(const struct rpc_client_call *leased, struct status st,
                                      const ProtobufCMessage *reply)
{
    if (st.code != STATUS_OK)
        die(leased->method, st.text);
    return ((const Pb__LeaseJobResponse *)reply)->job;
}

static void on_exchanged(struct rpc_client_call *exchanged, struct status st,
                         const ProtobufCMessage *reply)
{
    struct runner *runner = container_of(exchanged, struct runner, call);
    const Pb__LeasedJob *job = must_read(exchanged, st, reply);

    count(runner);
    go_on_with(runner, job);
}

static void on_first_leased(struct rpc_client_call *leased, struct status st,
                            const ProtobufCMessage *reply)
{
    go_on_with(container_of(leased, struct runner, call), must_read(leased, st, reply));
}

static void begin_exchange(struct runner *runner)
{
    lease(runner, on_first_leased);
}

static const struct kind {
    const char *name;
    begin_fn *begin;
} kinds[] = {
    {"create", begin_create},
    {"get", begin_get},
    {"finish", begin_finish},
    {"exchange", begin_exchange},
};

static begin_fn *find_kind(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return kinds[i].begin;
    }
    die("no kind of call", name);
    return NULL;
}

static void pause_ms(int64_t ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000)};

    (void)nanosleep(&time, NULL);
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

/* n calls were answered while the rate was taken. */
static void report(unsigned n, int64_t took_us)
{
    unsigned nkept = n < MAX_SAMPLES ? n : MAX_SAMPLES;

    if (n == 0)
        die("calls", "none was answered");
    qsort(bench.samples_us, nkept, sizeof(*bench.samples_us), compare);
    (void)printf("{\"per_s\": %.0f, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"calls\": %u, "
                 "\"empty\": %u}\n",
                 (double)n * 1e6 / (double)took_us, bench.samples_us[nkept / 2] / 1000.0,
                 bench.samples_us[nkept - 1 - nkept / 100] / 1000.0, n, atomic_load(&bench.nempty));
}

static int64_t read_argument(const char *name, const char *text, int64_t max)
{
    int64_t value = 0;
    struct status st = number_read(name, str_from(text), 1, max, &value);

    if (st.code != STATUS_OK)
        die("usage", st.text);
    return value;
}

int main(int argc, char **argv)
{
    struct rpc_loop *loop = NULL;

    if (argc < 5)
        die("usage", "bench_load TARGET create|get|finish|exchange IN_FLIGHT SECONDS [TASKS]");
    begin_fn *begin = find_kind(argv[2]);
    unsigned nrunners = (unsigned)read_argument("IN_FLIGHT", argv[3], MAX_IN_FLIGHT);
    int64_t seconds = read_argument("SECONDS", argv[4], 3600);
    bench.ntasks = argc > 5 ? read_argument("TASKS", argv[5], 1000000000) : 1;
    bench.samples_us = mem_alloc_array(MAX_SAMPLES, sizeof(*bench.samples_us));

    struct status st = rpc_loop_create(1, &loop);
    if (st.code != STATUS_OK)
        die("loop", st.text);
    bench.channel =
        rpc_channel_open(&(struct rpc_channel_options){.target = argv[1], .loop = loop});
    struct runner *runners = mem_alloc_array(nrunners, sizeof(*runners));
    int64_t start_us = clock_get_time_us();
    atomic_store(&bench.nrunning, nrunners);
    for (unsigned i = 0; i < nrunners; i++) {
        runners[i].begin = begin;
        (void)snprintf(runners[i].worker_id, sizeof(runners[i].worker_id), "bench-%u", i);
        go_on(&runners[i]);
    }
    pause_ms(seconds * 1000);
    unsigned n = atomic_load(&bench.nsamples);
    int64_t took_us = clock_get_time_us() - start_us;
    atomic_store(&bench.is_over, true);
    while (atomic_load(&bench.nrunning) > 0)
        pause_ms(1);
    report(n, took_us);
    rpc_channel_close(bench.channel);
    rpc_loop_destroy(loop);
    mem_free(runners);
    mem_free(bench.samples_us);
    return EXIT_SUCCESS;
}
