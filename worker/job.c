#include "worker/job.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "worker/gateway_link.h"
#include "worker/job_context.h"
#include "worker/job_state.h"
#include "worker/runner.h"

enum { REPORT_EVERY_MS = 1000 };

struct job {
    struct job_context *context;
    struct rpc_channel *channel;
    struct job_owner *owner;
    pthread_t thread;
    pthread_t reporter;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    bool is_reporting; /* the runner is still at work */
};

/* Waits for the next report to be due; false when there is none any more. */
static bool wait_for_report(struct job *job)
{
    int64_t until_ms = clock_get_monotonic_ms() + REPORT_EVERY_MS;

    (void)pthread_mutex_lock(&job->mutex);
    while (job->is_reporting && clock_get_monotonic_ms() < until_ms)
        thread_wait_until(&job->changed, &job->mutex, until_ms);
    bool is_due = job->is_reporting;
    (void)pthread_mutex_unlock(&job->mutex);
    return is_due;
}

static void *run_reporter(void *arg)
{
    struct job *job = arg;

    while (!job_context_is_dropped(job->context) && wait_for_report(job))
        job_context_report(job->context);
    return NULL;
}

static void stop_reporter(struct job *job)
{
    (void)pthread_mutex_lock(&job->mutex);
    job->is_reporting = false;
    (void)pthread_cond_signal(&job->changed);
    (void)pthread_mutex_unlock(&job->mutex);
    (void)pthread_join(job->reporter, NULL);
}

/* A runner's ABORTED is the destination's word that a newer token is at work. */
static bool is_lost(struct job_context *context, const struct runner_result *result)
{
    if (result->status.code == STATUS_ABORTED)
        job_context_drop(context, "fenced off by a newer lease");
    return job_context_is_dropped(context);
}

/* Tells how the job ended, and hands on the one that came instead. */
static bool finish(struct job *job, const struct runner_result *result)
{
    const struct link_worker *asker = job->owner->find_asker(job->owner);
    Pb__LeaseJobResponse *next = NULL;
    bool is_accepted = job_context_finish(job->context, result, asker, &next);

    if (asker && !job->owner->take_next(job->owner, next) && next)
        link_give_back(job->channel, next);
    return is_accepted;
}

static void *run_job(void *arg)
{
    struct job *job = arg;
    struct job_context *context = job->context;
    const Pb__LeasedJob *leased = job_context_get_job(context);
    const struct runner *runner = runner_find(leased->task ? leased->task->kind : 0, leased->role);
    struct runner_result result = {.status = {0}};
    void *state = NULL;
    bool is_over = false;

    if (runner)
        result = runner->run(context, &state);
    else
        result.status = status_error(STATUS_UNIMPLEMENTED, "this worker cannot run such a job");
    stop_reporter(job);
    if (is_lost(context, &result))
        job_context_leave(context);
    else
        is_over = finish(job, &result) && result.status.code == STATUS_OK;
    if (runner && runner->close)
        runner->close(state, is_over);
    job->owner->on_end(job->owner, job);
    return NULL;
}

static void free_job(struct job *job)
{
    (void)pthread_cond_destroy(&job->changed);
    (void)pthread_mutex_destroy(&job->mutex);
    job_context_destroy(job->context);
    mem_free(job);
}

struct status job_start(Pb__LeaseJobResponse *leased, struct rpc_channel *channel,
                        struct job_owner *owner, struct job **ret)
{
    struct job *job = mem_alloc(sizeof(*job));

    job->context = job_context_create(leased, channel, owner->metrics, owner->tracer);
    job->channel = channel;
    job->is_reporting = true;
    job->owner = owner;
    (void)pthread_mutex_init(&job->mutex, NULL);
    thread_init_condition(&job->changed);
    log_info("job leased", JOB_FIELDS(job->context), log_int("attempt", leased->job->attempt));

    struct status st = thread_start("reporter", run_reporter, job, &job->reporter);
    if (st.code == STATUS_OK && FAILPOINT("worker.after-lease")) {
        stop_reporter(job);
        st = status_error(STATUS_RESOURCE_EXHAUSTED, "no thread for the job");
    }
    if (st.code != STATUS_OK) {
        free_job(job);
        return st;
    }
    st = thread_start("job", run_job, job, &job->thread);
    if (st.code != STATUS_OK) {
        stop_reporter(job);
        free_job(job);
        return st;
    }
    *ret = job;
    return st;
}

void job_release(struct job *job)
{
    job_context_stop(job->context);
}

void job_abandon(struct job *job)
{
    job_context_abandon(job->context);
}

bool job_get_sync(struct job *job, struct job_sync *ret)
{
    struct job_progress progress = job_context_get_progress(job->context);

    *ret = (struct job_sync){progress.lag_ms, progress.queued_logs};
    return job_context_get_job(job->context)->role == PB__JOB_ROLE__JOB_ROLE_INCR;
}

void job_destroy(struct job *job)
{
    (void)pthread_join(job->thread, NULL);
    free_job(job);
}
