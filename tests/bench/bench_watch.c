/*
 * tests/bench/bench_watch.c - many watches on one gateway while tasks change.
 *
 *     bench_watch TARGET PID WATCHES TASKS CHANGES_A_SECOND SECONDS
 *
 * Makes TASKS tasks between the data sources "files" and "ld", has WATCHES watches of one task each, opened over as
 * many connections as they need, and then aborts and retries the tasks in turn. Afterwards each watch must get to know the last
 * state of its task, or the program fails. Prints how much the memory of the gateway, process PID, grew with the
 * watches, how many messages came, and how long after their change they did.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/number.h"
#include "rpc/client.h"
#include "rpc/client_stream.h"
#include "rpc/loop.h"
#include "sluice/v1/task_service.pb-c.h"

enum {
    WATCHES_A_CONNECTION = 500,
    MAX_CHANGES_UNDER_WAY = 64,
    CALL_TIMEOUT_MS = 30000,
    MAX_SAMPLES = 8000000,
    PATIENCE_MS = 60000,
    ID_BYTES = 64,
};

/* A task that is changed again and again, one change at a time. */
struct subject {
    struct rpc_client_call call;
    char id[ID_BYTES];
    bool is_killed;
    atomic_bool is_busy;
    atomic_llong version; /* its etag after the last change */
};

struct watcher {
    struct rpc_client_stream stream;
    struct subject *subject;
    atomic_llong version; /* the greatest etag that it has got */
    atomic_bool is_synced;
};

static struct {
    struct rpc_loop *loop;
    struct rpc_channel *channel; /* for the changes */
    struct subject *subjects;
    struct watcher *watchers;
    unsigned nsubjects;
    unsigned nwatchers;
    atomic_uint nunder_way;
    atomic_uint nchanges;
    atomic_uint nmessages;
    atomic_uint nfailed;
    atomic_bool is_over;
    uint32_t *samples_us; /* [0 .. min(nmessages, MAX_SAMPLES)) */
} bench;

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_watch: %s: %s\n", what, why);
    exit(EXIT_FAILURE);
}

static void pause_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&time, NULL);
}

/* The resident memory of a process. */
static int64_t get_memory_bytes(const char *pid)
{
    char path[64];
    long long pages = 0;

    (void)snprintf(path, sizeof(path), "/proc/%s/statm", pid);
    FILE *file = fopen(path, "re");
    if (!file || fscanf(file, "%*d %lld", &pages) != 1)
        die(path, "cannot be read");
    (void)fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

/* Watching; on loop threads. */

static void note_delay(const Pb__TaskEvent *event)
{
    int64_t changed_us = event->time->seconds * 1000000 + event->time->nanos / 1000;
    int64_t delay_us = clock_get_time_us() - changed_us;
    unsigned i = atomic_fetch_add(&bench.nmessages, 1);

    if (i < MAX_SAMPLES)
        bench.samples_us[i] = delay_us > 0 ? (uint32_t)delay_us : 0;
}

static void on_message(struct rpc_client_stream *stream, const ProtobufCMessage *message)
{
    struct watcher *watcher = container_of(stream, struct watcher, stream);
    const Pb__TaskChange *change = (const Pb__TaskChange *)message;

    if (change->type == PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_SYNCED)
        atomic_store(&watcher->is_synced, true);
    if (change->event && change->event->time)
        note_delay(change->event);
    if (change->task) {
        long long version = strtoll(change->task->etag, NULL, 10);
        if (version > atomic_load(&watcher->version))
            atomic_store(&watcher->version, version);
    }
    rpc_client_stream_next(stream);
}

static void on_end(struct rpc_client_stream *stream, struct status st)
{
    struct watcher *watcher = container_of(stream, struct watcher, stream);

    if (!atomic_load(&bench.is_over) && atomic_fetch_add(&bench.nfailed, 1) == 0)
        (void)fprintf(stderr, "bench_watch: a watch has ended: %s\n", st.text);
    watcher->subject = NULL;
}

static void open_watches(const char *target)
{
    struct rpc_channel *channel = NULL;

    for (unsigned i = 0; i < bench.nwatchers; i++) {
        struct watcher *watcher = &bench.watchers[i];
        Pb__WatchTaskRequest request = PB__WATCH_TASK_REQUEST__INIT;

        if (i % WATCHES_A_CONNECTION == 0)
            channel = rpc_channel_open(
                &(struct rpc_channel_options){.target = target, .loop = bench.loop});
        watcher->subject = &bench.subjects[i % bench.nsubjects];
        watcher->stream = (struct rpc_client_stream){
            .channel = channel,
            .method = "/sluice.v1.TaskService/WatchTask",
            .message_type = &pb__task_change__descriptor,
            .waits_for_ready = true,
            .on_message = on_message,
            .on_end = on_end,
        };
        request.id = watcher->subject->id;
        rpc_client_stream_open(&watcher->stream, &request.base);
        rpc_client_stream_next(&watcher->stream);
    }
}

/* Changing. */

static void make_task(struct subject *subject)
{
    static char reader[] = "{\"filePath\":\"a.csv\",\"column\":[\"id\",\"age\"]}";
    static char writer[] = "{\"columns\":[\"ROW||String\",\"f:age||Int\"],\"namespace\":\"n\","
                           "\"lindormTable\":\"t\"}";
    struct arena *arena = arena_create(1 << 20);
    Pb__CreateTaskRequest request = PB__CREATE_TASK_REQUEST__INIT;
    Pb__BulkloadSpec spec = PB__BULKLOAD_SPEC__INIT;
    Pb__Task task = PB__TASK__INIT;
    const ProtobufCMessage *reply = NULL;

    spec.reader_config_json = reader;
    spec.writer_config_json = writer;
    spec.driver_spec = PB__DRIVER_SPEC__DRIVER_SPEC_SMALL;
    spec.instances = 1;
    spec.file_type = PB__FILE_TYPE__FILE_TYPE_CSV;
    task.source = (char[]){"files"};
    task.destination = (char[]){"ld"};
    task.spec_case = PB__TASK__SPEC_BULKLOAD;
    task.bulkload = &spec;
    request.task = &task;
    struct status st = rpc_client_call_wait(
        &(struct rpc_request){
            .channel = bench.channel,
            .method = "/sluice.v1.TaskService/CreateTask",
            .message = &request.base,
            .reply_type = &pb__task__descriptor,
            .timeout_ms = CALL_TIMEOUT_MS,
            .waits_for_ready = true,
        },
        arena, &reply);
    if (st.code != STATUS_OK)
        die("CreateTask", st.text);
    (void)snprintf(subject->id, sizeof(subject->id), "%s", ((const Pb__Task *)reply)->id);
    arena_destroy(arena);
}

static void on_changed(struct rpc_client_call *call, struct status st,
                       const ProtobufCMessage *reply)
{
    struct subject *subject = container_of(call, struct subject, call);

    if (st.code == STATUS_OK) {
        atomic_store(&subject->version, strtoll(((const Pb__Task *)reply)->etag, NULL, 10));
        atomic_fetch_add(&bench.nchanges, 1);
    } else if (atomic_fetch_add(&bench.nfailed, 1) == 0) {
        (void)fprintf(stderr, "bench_watch: a change has failed: %s\n", st.text);
    }
    atomic_store(&subject->is_busy, false);
    atomic_fetch_sub(&bench.nunder_way, 1);
}

static void change(struct subject *subject)
{
    Pb__AbortTaskRequest abort = PB__ABORT_TASK_REQUEST__INIT;
    Pb__RetryTaskRequest retry = PB__RETRY_TASK_REQUEST__INIT;

    abort.id = retry.id = subject->id;
    atomic_fetch_add(&bench.nunder_way, 1);
    atomic_store(&subject->is_busy, true);
    subject->call = (struct rpc_client_call){
        .channel = bench.channel,
        .method = subject->is_killed ? "/sluice.v1.TaskService/RetryTask"
                                     : "/sluice.v1.TaskService/AbortTask",
        .reply_type = &pb__task__descriptor,
        .timeout_ms = CALL_TIMEOUT_MS,
        .on_done = on_changed,
    };
    rpc_client_call_submit(&subject->call, subject->is_killed ? &retry.base : &abort.base);
    subject->is_killed = !subject->is_killed;
}

/* In even steps, a millisecond each; what is late is made up for. */
static double change_tasks(int64_t changes_a_second, int64_t seconds)
{
    int64_t start_ms = clock_get_monotonic_ms(), now_ms = start_ms;
    int64_t nbegun = 0;

    for (; now_ms < start_ms + seconds * 1000; now_ms = clock_get_monotonic_ms()) {
        int64_t ndue = (now_ms - start_ms) * changes_a_second / 1000;
        while (nbegun < ndue && atomic_load(&bench.nunder_way) < MAX_CHANGES_UNDER_WAY) {
            struct subject *subject = &bench.subjects[nbegun++ % bench.nsubjects];
            if (!atomic_load(&subject->is_busy))
                change(subject);
        }
        pause_ms(1);
    }
    while (atomic_load(&bench.nunder_way) > 0)
        pause_ms(1);
    return (double)atomic_load(&bench.nchanges) * 1000 /
           (double)(clock_get_monotonic_ms() - start_ms);
}

/* What has to come true. */

static unsigned count_unsynced(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < bench.nwatchers; i++)
        n += !atomic_load(&bench.watchers[i].is_synced);
    return n;
}

static unsigned count_behind(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < bench.nwatchers; i++) {
        const struct subject *subject = &bench.subjects[i % bench.nsubjects];
        n += atomic_load(&bench.watchers[i].version) < atomic_load(&subject->version);
    }
    return n;
}

static void wait_until_none(unsigned (*count)(void), const char *what)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + PATIENCE_MS;

    while (count() > 0) {
        if (clock_get_monotonic_ms() > deadline_ms || atomic_load(&bench.nfailed) > 0) {
            (void)fprintf(stderr, "bench_watch: %u watches %s\n", count(), what);
            exit(EXIT_FAILURE);
        }
        pause_ms(5);
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static void report_delays(void)
{
    unsigned n = atomic_load(&bench.nmessages);
    unsigned nsamples = n < MAX_SAMPLES ? n : MAX_SAMPLES;

    if (nsamples == 0)
        die("watches", "no change came");
    qsort(bench.samples_us, nsamples, sizeof(*bench.samples_us), compare);
    (void)printf("messages  %u\ndelay_ms  p50 %.1f  p99 %.1f  max %.1f\n", n,
                 bench.samples_us[nsamples / 2] / 1000.0,
                 bench.samples_us[(uint64_t)nsamples * 99 / 100] / 1000.0,
                 bench.samples_us[nsamples - 1] / 1000.0);
}

static int64_t read_argument(char **argv, int i, const char *name)
{
    int64_t value = 0;
    struct status st = number_read(name, str_from(argv[i]), 1, 1000000, &value);

    if (st.code != STATUS_OK)
        die("usage", st.text);
    return value;
}

int main(int argc, char **argv)
{
    if (argc != 7)
        die("usage", "bench_watch TARGET PID WATCHES TASKS CHANGES_A_SECOND SECONDS");
    bench.nwatchers = (unsigned)read_argument(argv, 3, "WATCHES");
    bench.nsubjects = (unsigned)read_argument(argv, 4, "TASKS");
    bench.watchers = mem_alloc_array(bench.nwatchers, sizeof(*bench.watchers));
    bench.subjects = mem_alloc_array(bench.nsubjects, sizeof(*bench.subjects));
    bench.samples_us = mem_alloc_array(MAX_SAMPLES, sizeof(*bench.samples_us));
    struct status st = rpc_loop_create(1, &bench.loop);
    if (st.code != STATUS_OK)
        die("loop", st.text);
    bench.channel =
        rpc_channel_open(&(struct rpc_channel_options){.target = argv[1], .loop = bench.loop});
    for (unsigned i = 0; i < bench.nsubjects; i++)
        make_task(&bench.subjects[i]);

    int64_t memory_bytes = get_memory_bytes(argv[2]);
    open_watches(argv[1]);
    wait_until_none(count_unsynced, "have not begun");
    memory_bytes = get_memory_bytes(argv[2]) - memory_bytes;
    (void)printf("watches   %u\nmemory    %" PRId64 " bytes each\n", bench.nwatchers,
                 memory_bytes / bench.nwatchers);

    double rate =
        change_tasks(read_argument(argv, 5, "CHANGES_A_SECOND"), read_argument(argv, 6, "SECONDS"));
    (void)printf("changes   %.0f a second\n", rate);
    wait_until_none(count_behind, "have not got the last state of their task");
    report_delays();
    (void)fflush(stdout);
    atomic_store(&bench.is_over, true);
    _exit(EXIT_SUCCESS); /* the watches are left to the end of the process */
}
