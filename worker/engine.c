#include "worker/engine.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/thread.h"
#include "worker/gateway_link.h"
#include "worker/job.h"

enum {
    PAUSE_MS = 500, /* after a failed lease */
};

/* What the runners of worker/runner.h can do. */
static const char *const job_capabilities[] = {
    "bulkload:file:hbase",
    "bulkload:file:postgres",
    "full_migration:hbase:hbase",
    "incremental_sync:hbase:hbase",
};

struct engine {
    struct link_worker worker;
    unsigned max_jobs;
    struct metric *leases_failed;
    struct metric *jobs_running;
    atomic_bool is_answered;
    struct stop stop;
    struct job_owner owner;
    pthread_t thread;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct job
        *jobs[ENGINE_MAX_JOBS]; /* jobs[0 .. njobs): running, or ended and not yet destroyed */
    bool is_ended[ENGINE_MAX_JOBS];
    unsigned njobs;
    Pb__LeaseJobResponse
        *next[ENGINE_MAX_JOBS]; /* next[0 .. nnext): leased in exchange, not started */
    unsigned nnext;
    unsigned nexchanging; /* jobs that may bring one */
    bool is_closed;       /* none is started any more */
};

/* Runs as the last thing on a job's thread. */
static void note_end(struct job_owner *owner, struct job *job)
{
    struct engine *engine = container_of(owner, struct engine, owner);

    (void)pthread_mutex_lock(&engine->mutex);
    for (unsigned i = 0; i < engine->njobs; i++) {
        if (engine->jobs[i] == job)
            engine->is_ended[i] = true;
    }
    metric_add(engine->jobs_running, -1);
    (void)pthread_cond_broadcast(&engine->changed);
    (void)pthread_mutex_unlock(&engine->mutex);
}

/* The mutex is held. */
static unsigned count_running(const struct engine *engine)
{
    unsigned nrunning = 0;

    for (unsigned i = 0; i < engine->njobs; i++)
        nrunning += !engine->is_ended[i];
    return nrunning;
}

/* While a place is free, our own thread asks for work. */
static const struct link_worker *find_asker(struct job_owner *owner)
{
    struct engine *engine = container_of(owner, struct engine, owner);

    (void)pthread_mutex_lock(&engine->mutex);
    bool is_due = count_running(engine) + engine->nnext >= engine->max_jobs &&
                  !stop_is_requested(&engine->stop);
    engine->nexchanging += is_due;
    (void)pthread_mutex_unlock(&engine->mutex);
    return is_due ? &engine->worker : NULL;
}

/* The job's place is free when it has ended, which follows. */
static bool keep_next(struct job_owner *owner, Pb__LeaseJobResponse *leased)
{
    struct engine *engine = container_of(owner, struct engine, owner);

    (void)pthread_mutex_lock(&engine->mutex);
    bool is_kept = leased && !engine->is_closed;
    engine->nexchanging--;
    if (is_kept)
        engine->next[engine->nnext++] = leased;
    (void)pthread_cond_broadcast(&engine->changed);
    (void)pthread_mutex_unlock(&engine->mutex);
    return is_kept;
}

/* What was leased in exchange; NULL if there is none. */
static Pb__LeaseJobResponse *take_next(struct engine *engine)
{
    (void)pthread_mutex_lock(&engine->mutex);
    Pb__LeaseJobResponse *leased = engine->nnext > 0 ? engine->next[--engine->nnext] : NULL;
    (void)pthread_mutex_unlock(&engine->mutex);
    return leased;
}

/* Takes one ended job out of the list; NULL if there is none. The mutex is held. */
static struct job *take_ended(struct engine *engine)
{
    for (unsigned i = 0; i < engine->njobs; i++) {
        if (!engine->is_ended[i])
            continue;
        struct job *job = engine->jobs[i];
        engine->njobs--;
        engine->jobs[i] = engine->jobs[engine->njobs];
        engine->is_ended[i] = engine->is_ended[engine->njobs];
        return job;
    }
    return NULL;
}

/* Waits on the condition for at most wait_ms. The mutex is held. */
static void wait_for_change(struct engine *engine, int64_t wait_ms)
{
    thread_wait_until(&engine->changed, &engine->mutex, clock_get_monotonic_ms() + wait_ms);
}

/* A question of our own would be out for long, and a job that came in exchange would wait for its answer. The mutex is held. */
static bool may_go_on(const struct engine *engine)
{
    return engine->njobs < engine->max_jobs && (engine->nnext > 0 || engine->nexchanging == 0);
}

/* Frees ended jobs; waits while all places are taken, or one may be. Returns whether to go on. */
static bool wait_for_place(struct engine *engine)
{
    (void)pthread_mutex_lock(&engine->mutex);
    for (;;) {
        struct job *ended = take_ended(engine);
        if (ended) {
            (void)pthread_mutex_unlock(&engine->mutex);
            job_destroy(ended);
            (void)pthread_mutex_lock(&engine->mutex);
            continue;
        }
        if (stop_is_requested(&engine->stop) || may_go_on(engine))
            break;
        (void)pthread_cond_wait(&engine->changed, &engine->mutex);
    }
    (void)pthread_mutex_unlock(&engine->mutex);
    return !stop_is_requested(&engine->stop);
}

/* The lock is held over the start, so that a job that ends at once finds itself in the list. */
static void start(struct engine *engine, Pb__LeaseJobResponse *leased)
{
    struct job *job = NULL;

    (void)pthread_mutex_lock(&engine->mutex);
    struct status st = job_start(leased, engine->worker.channel, &engine->owner, &job);
    if (st.code == STATUS_OK) {
        engine->jobs[engine->njobs] = job;
        engine->is_ended[engine->njobs] = false;
        engine->njobs++;
        metric_add(engine->jobs_running, 1);
    }
    (void)pthread_mutex_unlock(&engine->mutex);
    if (st.code != STATUS_OK)
        log_error("job not started", log_code(st), log_str("error", st.text));
}

static void pause_after_failure(struct engine *engine, struct status st)
{
    metric_add(engine->leases_failed, 1);
    log_warn("lease failed", log_code(st), log_str("error", st.text));
    (void)pthread_mutex_lock(&engine->mutex);
    if (!stop_is_requested(&engine->stop))
        wait_for_change(engine, PAUSE_MS);
    (void)pthread_mutex_unlock(&engine->mutex);
}

/* Asks for work, and begins it. */
static void lease(struct engine *engine)
{
    Pb__LeaseJobResponse *leased = NULL;
    /* Who watches is not to wait until a question without work is answered to see whether any is. */
    unsigned wait_s = atomic_load(&engine->is_answered) ? LINK_LEASE_WAIT_S : 0;
    struct status st = link_lease(&engine->worker, wait_s, &engine->stop, &leased);

    atomic_store(&engine->is_answered, st.code == STATUS_OK);
    if (leased && leased->job)
        start(engine, leased);
    else if (leased)
        pb__lease_job_response__free_unpacked(leased, NULL);
    else if (st.code != STATUS_OK)
        pause_after_failure(engine, st);
}

/* From now on jobs that come in exchange are not taken; those that did are given back. */
static void close_intake(struct engine *engine)
{
    Pb__LeaseJobResponse *leased;

    (void)pthread_mutex_lock(&engine->mutex);
    engine->is_closed = true;
    (void)pthread_mutex_unlock(&engine->mutex);
    while ((leased = take_next(engine)) != NULL)
        link_give_back(engine->worker.channel, leased);
}

static void *run(void *arg)
{
    struct engine *engine = arg;

    while (wait_for_place(engine)) {
        Pb__LeaseJobResponse *next = take_next(engine);

        if (next)
            start(engine, next);
        else
            lease(engine);
    }
    close_intake(engine);
    return NULL;
}

struct status engine_create(const struct engine_options *options, struct engine **ret)
{
    assert(options->max_jobs >= 1 && options->max_jobs <= ENGINE_MAX_JOBS);

    struct engine *engine = mem_alloc(sizeof(*engine));

    engine->worker = (struct link_worker){options->channel, options->worker_id, job_capabilities,
                                          ARRAY_LEN(job_capabilities)};
    engine->max_jobs = options->max_jobs;
    engine->owner.on_end = note_end;
    engine->owner.find_asker = find_asker;
    engine->owner.take_next = keep_next;
    engine->owner.metrics = options->metrics;
    engine->owner.tracer = options->tracer;
    engine->leases_failed = metrics_get_only(options->metrics, &worker_leases_failed_total);
    engine->jobs_running = metrics_get_only(options->metrics, &worker_jobs_running);
    metric_set(engine->jobs_running, 0);
    metric_set(metrics_get_only(options->metrics, &worker_jobs_max), options->max_jobs);
    (void)pthread_mutex_init(&engine->mutex, NULL);
    thread_init_condition(&engine->changed);
    struct status st = thread_start("engine", run, engine, &engine->thread);
    if (st.code != STATUS_OK) {
        mem_free(engine);
        return st;
    }
    *ret = engine;
    return st;
}

static void for_each_job(struct engine *engine, void (*act)(struct job *job))
{
    (void)pthread_mutex_lock(&engine->mutex);
    for (unsigned i = 0; i < engine->njobs; i++) {
        if (!engine->is_ended[i])
            act(engine->jobs[i]);
    }
    (void)pthread_mutex_unlock(&engine->mutex);
}

/* Waits until every job has ended, at most wait_ms. */
static void wait_for_jobs(struct engine *engine, int64_t wait_ms)
{
    int64_t until_ms = clock_get_monotonic_ms() + wait_ms;

    (void)pthread_mutex_lock(&engine->mutex);
    for (;;) {
        int64_t left_ms = until_ms - clock_get_monotonic_ms();
        if (count_running(engine) == 0 || left_ms <= 0)
            break;
        wait_for_change(engine, left_ms);
    }
    (void)pthread_mutex_unlock(&engine->mutex);
}

bool engine_is_answered(struct engine *engine)
{
    return atomic_load(&engine->is_answered);
}

void engine_get_syncs(struct engine *engine, struct engine_syncs *ret)
{
    struct job_sync sync;

    *ret = (struct engine_syncs){.lag_ms = -1};
    (void)pthread_mutex_lock(&engine->mutex);
    for (unsigned i = 0; i < engine->njobs; i++) {
        if (engine->is_ended[i] || !job_get_sync(engine->jobs[i], &sync))
            continue;
        ret->count++;
        ret->queued_logs += sync.queued_logs;
        if (sync.lag_ms > ret->lag_ms)
            ret->lag_ms = sync.lag_ms;
    }
    (void)pthread_mutex_unlock(&engine->mutex);
}

void engine_destroy(struct engine *engine, unsigned grace_ms)
{
    if (!engine)
        return;

    stop_request(&engine->stop);
    (void)pthread_mutex_lock(&engine->mutex);
    (void)pthread_cond_broadcast(&engine->changed);
    (void)pthread_mutex_unlock(&engine->mutex);
    (void)pthread_join(engine->thread, NULL);
    for_each_job(engine, job_release);
    wait_for_jobs(engine, grace_ms);
    for_each_job(engine, job_abandon);
    for (unsigned i = 0; i < engine->njobs; i++)
        job_destroy(engine->jobs[i]);
    (void)pthread_cond_destroy(&engine->changed);
    (void)pthread_mutex_destroy(&engine->mutex);
    mem_free(engine);
}

const struct metric_family worker_leases_failed_total = {
    .name = "sluice_worker_leases_failed_total",
    .kind = METRIC_COUNTER,
    .help = "Questions for work that the gateway did not answer.",
};

const struct metric_family worker_jobs_running = {
    .name = "sluice_worker_jobs_running",
    .kind = METRIC_GAUGE,
    .help = "Jobs that the worker runs.",
};

const struct metric_family worker_jobs_max = {
    .name = "sluice_worker_jobs_max",
    .kind = METRIC_GAUGE,
    .help = "Jobs that the worker may run at once.",
};
