#include "worker/job.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/thread.h"
#include "worker/gateway_link.h"
#include "worker/job_context.h"
#include "worker/runner.h"

enum { REPORT_EVERY_MS = 1000 };

/* A runner sees its job as a context. */
struct job_context {
    Pb__LeaseJobResponse *leased;
    struct rpc_channel *channel;
    struct stop stop;      /* for the runner and its calls */
    struct stop abandoned; /* for the last call, which tells the end */

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct job_progress progress;
    bool is_dropped;   /* the gateway does not want to hear of the job any more */
    bool is_reporting; /* the runner is still at work */
};

struct job {
    struct job_context context;
    struct job_owner *owner;
    pthread_t thread;
    pthread_t reporter;
};

static const Pb__LeasedJob *get_leased(const struct job_context *context)
{
    return context->leased->job;
}

const Pb__LeasedJob *job_context_get_job(const struct job_context *context)
{
    return get_leased(context);
}

const struct stop *job_context_get_stop(const struct job_context *context)
{
    return &context->stop;
}

void job_context_set_progress(struct job_context *context, const struct job_progress *progress)
{
    (void)pthread_mutex_lock(&context->mutex);
    context->progress = *progress;
    (void)pthread_mutex_unlock(&context->mutex);
}

static struct job_progress get_progress(struct job_context *context)
{
    (void)pthread_mutex_lock(&context->mutex);
    struct job_progress progress = context->progress;
    (void)pthread_mutex_unlock(&context->mutex);
    return progress;
}

static Pb__Progress make_progress(struct job_context *context)
{
    struct job_progress progress = get_progress(context);
    Pb__Progress message = PB__PROGRESS__INIT;

    message.rows_read = progress.rows_read;
    message.rows_written = progress.rows_written;
    message.bad_rows = progress.bad_rows;
    message.bytes_read = progress.bytes_read;
    message.bytes_total = progress.bytes_total;
    if (progress.bytes_total > 0 && progress.bytes_read < progress.bytes_total)
        message.fraction = (double)progress.bytes_read / (double)progress.bytes_total;
    else if (progress.bytes_total > 0)
        message.fraction = 1;
    return message;
}

/* The job is no longer ours: the runner stops, and its end is not told. */
static void drop(struct job_context *context, const char *why)
{
    (void)pthread_mutex_lock(&context->mutex);
    bool was_dropped = context->is_dropped;
    context->is_dropped = true;
    (void)pthread_mutex_unlock(&context->mutex);
    stop_request(&context->stop);
    stop_request(&context->abandoned);
    if (!was_dropped)
        log_info("job dropped", log_str("job", get_leased(context)->id),
                 log_str("task", get_leased(context)->task_id), log_str("reason", why));
}

/* Takes in what the gateway wants, and frees the reply. Returns whether the job goes on. */
static bool obey(struct job_context *context, ProtobufCMessage *reply)
{
    const Pb__ReportJobResponse *response = (const Pb__ReportJobResponse *)reply;
    bool goes_on = response->directive != PB__DIRECTIVE__DIRECTIVE_STOP;

    protobuf_c_message_free_unpacked(reply, NULL);
    if (!goes_on)
        drop(context, "task aborted or deleted");
    return goes_on;
}

struct status job_context_save_checkpoint(struct job_context *context, struct str checkpoint)
{
    Pb__ReportJobRequest request = PB__REPORT_JOB_REQUEST__INIT;
    Pb__Checkpoint saved = PB__CHECKPOINT__INIT;
    Pb__Progress progress = make_progress(context);
    ProtobufCMessage *reply = NULL;

    request.id = get_leased(context)->id;
    request.lease_token = get_leased(context)->lease_token;
    request.progress = &progress;
    saved.data.data = (uint8_t *)(uintptr_t)checkpoint.data;
    saved.data.len = checkpoint.len;
    request.checkpoint = &saved;
    struct status st = link_call_until_answered(context->channel, &link_report_job, &request.base,
                                                &context->stop, &reply);
    if (st.code == STATUS_ABORTED)
        drop(context, "lease lost");
    /* Told to stop, the gateway has stored nothing: going on would be work without a checkpoint. */
    if (st.code == STATUS_OK && !obey(context, reply))
        st = status_error(STATUS_CANCELLED, "the task was aborted or deleted");
    return st;
}

struct status job_context_store_bad_rows(struct job_context *context, Pb__BadRow **rows,
                                         size_t nrows)
{
    Pb__ReportBadRowsRequest request = PB__REPORT_BAD_ROWS_REQUEST__INIT;

    request.id = get_leased(context)->id;
    request.lease_token = get_leased(context)->lease_token;
    request.bad_rows = rows;
    request.n_bad_rows = nrows;
    struct status st = link_call_until_answered(context->channel, &link_report_bad_rows,
                                                &request.base, &context->stop, NULL);
    if (st.code == STATUS_ABORTED)
        drop(context, "lease lost");
    return st;
}

/* Reports once; a gateway that does not answer is tried again with the next report. */
static void report(struct job_context *context)
{
    Pb__ReportJobRequest request = PB__REPORT_JOB_REQUEST__INIT;
    Pb__Progress progress = make_progress(context);
    ProtobufCMessage *reply = NULL;

    request.id = get_leased(context)->id;
    request.lease_token = get_leased(context)->lease_token;
    request.progress = &progress;
    struct status st = link_call(context->channel, &link_report_job, &request.base,
                                 3 * REPORT_EVERY_MS, &context->stop, &reply);
    if (st.code == STATUS_ABORTED)
        drop(context, "lease lost");
    else if (st.code != STATUS_OK && st.code != STATUS_CANCELLED)
        log_warn("report failed", log_str("job", get_leased(context)->id), log_code(st),
                 log_str("error", st.text));
    if (reply)
        (void)obey(context, reply);
}

static void *run_reporter(void *arg)
{
    struct job_context *context = arg;

    (void)pthread_mutex_lock(&context->mutex);
    while (context->is_reporting && !context->is_dropped) {
        int64_t until_ms = clock_get_monotonic_ms() + REPORT_EVERY_MS;

        while (context->is_reporting && clock_get_monotonic_ms() < until_ms)
            thread_wait_until(&context->changed, &context->mutex, until_ms);
        if (!context->is_reporting)
            break;
        (void)pthread_mutex_unlock(&context->mutex);
        report(context);
        (void)pthread_mutex_lock(&context->mutex);
    }
    (void)pthread_mutex_unlock(&context->mutex);
    return NULL;
}

static void stop_reporter(struct job *job)
{
    (void)pthread_mutex_lock(&job->context.mutex);
    job->context.is_reporting = false;
    (void)pthread_cond_signal(&job->context.changed);
    (void)pthread_mutex_unlock(&job->context.mutex);
    (void)pthread_join(job->reporter, NULL);
}

static bool is_set(struct job_context *context, const bool *flag)
{
    (void)pthread_mutex_lock(&context->mutex);
    bool value = *flag;
    (void)pthread_mutex_unlock(&context->mutex);
    return value;
}

static Pb__JobOutcome choose_outcome(const struct runner_result *result)
{
    switch (result->status.code) {
    case STATUS_OK:
        return result->skipped[0] ? PB__JOB_OUTCOME__JOB_OUTCOME_SKIPPED
                                  : PB__JOB_OUTCOME__JOB_OUTCOME_SUCCEEDED;
    case STATUS_CANCELLED:
        return PB__JOB_OUTCOME__JOB_OUTCOME_RELEASED;
    case STATUS_UNAVAILABLE:
    case STATUS_RESOURCE_EXHAUSTED:
    case STATUS_DEADLINE_EXCEEDED:
    case STATUS_UNKNOWN:
        return PB__JOB_OUTCOME__JOB_OUTCOME_RETRY;
    default:
        return PB__JOB_OUTCOME__JOB_OUTCOME_FAILED;
    }
}

/* Tells the gateway how the job ended; true if it took it. */
static bool finish(struct job_context *context, const struct runner_result *result)
{
    Pb__FinishJobRequest request = PB__FINISH_JOB_REQUEST__INIT;
    Pb__Progress progress = make_progress(context);
    const Pb__LeasedJob *job = get_leased(context);

    request.id = job->id;
    request.lease_token = job->lease_token;
    request.outcome = choose_outcome(result);
    request.message =
        (char *)(uintptr_t)(result->skipped[0] ? result->skipped : result->status.text);
    request.progress = &progress;
    struct status st = link_call_until_answered(context->channel, &link_finish_job, &request.base,
                                                &context->abandoned, NULL);
    const ProtobufCEnumValue *outcome =
        protobuf_c_enum_descriptor_get_value(&pb__job_outcome__descriptor, (int)request.outcome);
    log_info("job finished", log_str("job", job->id), log_str("task", job->task_id),
             log_str("outcome", outcome ? outcome->name : ""), log_str("message", request.message),
             log_int("rows_read", progress.rows_read),
             log_int("rows_written", progress.rows_written),
             log_bool("is_accepted", st.code == STATUS_OK));
    return st.code == STATUS_OK;
}

/* A runner's ABORTED is the destination's word that a newer token is at work. */
static bool is_lost(struct job_context *context, const struct runner_result *result)
{
    if (result->status.code == STATUS_ABORTED)
        drop(context, "fenced off by a newer lease");
    return is_set(context, &context->is_dropped);
}

static void *run_job(void *arg)
{
    struct job *job = arg;
    struct job_context *context = &job->context;
    const Pb__LeasedJob *leased = get_leased(context);
    const struct runner *runner = runner_find(leased->task ? leased->task->kind : 0, leased->role);
    struct runner_result result = {.status = {0}};
    void *state = NULL;
    bool is_over = false;

    if (runner)
        result = runner->run(context, &state);
    else
        result.status = status_error(STATUS_UNIMPLEMENTED, "this worker cannot run such a job");
    stop_reporter(job);
    if (!is_lost(context, &result))
        is_over = finish(context, &result) && result.status.code == STATUS_OK;
    if (runner && runner->close)
        runner->close(state, is_over);
    job->owner->on_end(job->owner, job);
    return NULL;
}

static void free_job(struct job *job)
{
    (void)pthread_cond_destroy(&job->context.changed);
    (void)pthread_mutex_destroy(&job->context.mutex);
    pb__lease_job_response__free_unpacked(job->context.leased, NULL);
    mem_free(job);
}

struct status job_start(Pb__LeaseJobResponse *leased, struct rpc_channel *channel,
                        struct job_owner *owner, struct job **ret)
{
    struct job *job = mem_alloc(sizeof(*job));

    job->context.leased = leased;
    job->context.channel = channel;
    job->context.is_reporting = true;
    job->owner = owner;
    (void)pthread_mutex_init(&job->context.mutex, NULL);
    thread_init_condition(&job->context.changed);
    log_info("job leased", log_str("job", leased->job->id), log_str("task", leased->job->task_id),
             log_int("attempt", leased->job->attempt));

    struct status st = thread_start("reporter", run_reporter, &job->context, &job->reporter);
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
    stop_request(&job->context.stop);
}

void job_abandon(struct job *job)
{
    stop_request(&job->context.stop);
    stop_request(&job->context.abandoned);
}

void job_destroy(struct job *job)
{
    (void)pthread_join(job->thread, NULL);
    free_job(job);
}
