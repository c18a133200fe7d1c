#include "worker/job_context.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "spec/extra_attrs.h"
#include "spec/violations.h"
#include "worker/gateway_link.h"
#include "worker/job_counts.h"
#include "worker/job_state.h"
#include "worker/job_trace.h"

enum {
    REPORT_TIMEOUT_MS = 3000,
    MAX_MESSAGE_BYTES = 1024,
};

struct job_context {
    Pb__LeaseJobResponse *leased;
    struct rpc_channel *channel;
    struct job_trace trace;
    struct stop stop;      /* for the runner and its calls */
    struct stop abandoned; /* for the last call, which tells the end */

    pthread_mutex_t mutex; /* guards what follows */
    struct job_counts counts;
    struct job_progress progress;
    char message[MAX_MESSAGE_BYTES + 1]; /* what stands in the way */
    int64_t bytes_per_second;
    bool is_dropped;  /* the gateway does not want to hear of the job any more */
    bool has_to_stop; /* it has said so, but the lease holds */
};

static const Pb__LeasedJob *get_leased(const struct job_context *context)
{
    return context->leased->job;
}

const Pb__LeasedJob *job_context_get_job(const struct job_context *context)
{
    return get_leased(context);
}

const char *job_context_get_trace_id(const struct job_context *context)
{
    return context->trace.trace_id;
}

void job_context_begin_part(struct job_context *context, const char *name, struct span *ret)
{
    job_trace_begin_part(&context->trace, name, ret);
}

/* For calls of which a job makes any number: they are of its trace, but are no spans. */
static struct link_caller get_reporter(const struct job_context *context)
{
    struct link_caller caller = {context->channel, context->trace.span.context};

    caller.trace.is_sampled = false;
    return caller;
}

const struct stop *job_context_get_stop(const struct job_context *context)
{
    return &context->stop;
}

struct metrics *job_context_get_metrics(struct job_context *context)
{
    return context->counts.metrics;
}

struct metric *job_context_get_bytes_written(struct job_context *context)
{
    return context->counts.bytes_written;
}

void job_context_set_progress(struct job_context *context, const struct job_progress *progress)
{
    (void)pthread_mutex_lock(&context->mutex);
    context->progress = *progress;
    job_counts_note_progress(&context->counts, progress);
    (void)pthread_mutex_unlock(&context->mutex);
}

struct job_progress job_context_get_progress(struct job_context *context)
{
    (void)pthread_mutex_lock(&context->mutex);
    struct job_progress progress = context->progress;
    (void)pthread_mutex_unlock(&context->mutex);
    return progress;
}

void job_context_set_message(struct job_context *context, const char *message)
{
    struct str text = str_from(message);
    size_t len = utf8_fit(text, MAX_MESSAGE_BYTES);

    (void)pthread_mutex_lock(&context->mutex);
    memcpy(context->message, text.data, len);
    context->message[len] = '\0';
    (void)pthread_mutex_unlock(&context->mutex);
}

int64_t job_context_get_bytes_per_second(struct job_context *context)
{
    (void)pthread_mutex_lock(&context->mutex);
    int64_t bytes_per_second = context->bytes_per_second;
    (void)pthread_mutex_unlock(&context->mutex);
    return bytes_per_second;
}

/* Progress as it is told, with what its message points to. Not to be copied. */

struct told_progress {
    Pb__Progress message;
    Pb__Comparison comparison;
    Google__Protobuf__Timestamp checkpoint_time;
    Google__Protobuf__Timestamp sync_time;
    Google__Protobuf__Duration lag;
};

static double get_fraction(const struct job_progress *progress)
{
    bool is_by_bytes = progress->bytes_total > 0;
    int64_t done = is_by_bytes ? progress->bytes_read : progress->regions_done;
    int64_t total = is_by_bytes ? progress->bytes_total : progress->regions_total;

    if (total <= 0)
        return 0;
    return done < total ? (double)done / (double)total : 1;
}

static Google__Protobuf__Timestamp *make_time(int64_t time_ms, Google__Protobuf__Timestamp *ret)
{
    google__protobuf__timestamp__init(ret);
    ret->seconds = time_ms / 1000;
    ret->nanos = (int32_t)(time_ms % 1000 * 1000000);
    return time_ms > 0 ? ret : NULL;
}

static Google__Protobuf__Duration *make_duration(int64_t duration_ms,
                                                 Google__Protobuf__Duration *ret)
{
    google__protobuf__duration__init(ret);
    ret->seconds = duration_ms / 1000;
    ret->nanos = (int32_t)(duration_ms % 1000 * 1000000);
    return ret;
}

static void tell_comparison(const struct job_comparison *comparison, Pb__Comparison *ret)
{
    pb__comparison__init(ret);
    ret->cells = comparison->cells;
    ret->missing = comparison->missing;
    ret->extra = comparison->extra;
    ret->changed_values = comparison->changed_values;
    ret->changed_timestamps = comparison->changed_timestamps;
    ret->repaired = comparison->repaired;
}

static void tell_progress(struct job_context *context, struct told_progress *ret)
{
    Pb__Progress *message = &ret->message;

    struct job_progress progress = job_context_get_progress(context);

    pb__progress__init(message);
    message->rows_read = progress.rows_read;
    message->rows_written = progress.rows_written;
    message->bad_rows = progress.bad_rows;
    message->bytes_read = progress.bytes_read;
    message->bytes_total = progress.bytes_total;
    message->fraction = get_fraction(&progress);
    message->regions_done = progress.regions_done;
    message->regions_total = progress.regions_total;
    message->checkpoint_time = make_time(progress.checkpoint_time_ms, &ret->checkpoint_time);
    message->sync_time = make_time(progress.sync_time_ms, &ret->sync_time);
    message->queued_logs = progress.queued_logs;
    if (get_leased(context)->role == PB__JOB_ROLE__JOB_ROLE_INCR && progress.lag_ms >= 0)
        message->lag = make_duration(progress.lag_ms, &ret->lag);
    if (progress.has_comparison) {
        tell_comparison(&progress.comparison, &ret->comparison);
        message->comparison = &ret->comparison;
    }
}

/* The job is no longer ours. */

void job_context_drop(struct job_context *context, const char *why)
{
    (void)pthread_mutex_lock(&context->mutex);
    bool was_dropped = context->is_dropped;
    context->is_dropped = true;
    (void)pthread_mutex_unlock(&context->mutex);
    job_context_abandon(context);
    if (!was_dropped)
        job_counts_note_drop(&context->counts, why);
    if (!was_dropped)
        log_info("job dropped", JOB_FIELDS(context), log_str("task", get_leased(context)->task_id),
                 log_str("reason", why));
}

bool job_context_is_dropped(struct job_context *context)
{
    (void)pthread_mutex_lock(&context->mutex);
    bool is_dropped = context->is_dropped;
    (void)pthread_mutex_unlock(&context->mutex);
    return is_dropped;
}

void job_context_leave(struct job_context *context)
{
    (void)pthread_mutex_lock(&context->mutex);
    bool has_lease = context->has_to_stop;
    (void)pthread_mutex_unlock(&context->mutex);
    if (has_lease)
        link_release(context->channel, get_leased(context));
}

/* Reports. */

struct report {
    Pb__ReportJobRequest request;
    Pb__Checkpoint checkpoint;
    struct told_progress progress;
    char message[MAX_MESSAGE_BYTES + 1];
};

static void make_report(struct job_context *context, struct report *ret)
{
    pb__report_job_request__init(&ret->request);
    ret->request.id = get_leased(context)->id;
    ret->request.lease_token = get_leased(context)->lease_token;
    tell_progress(context, &ret->progress);
    ret->request.progress = &ret->progress.message;
    (void)pthread_mutex_lock(&context->mutex);
    memcpy(ret->message, context->message, sizeof(ret->message));
    (void)pthread_mutex_unlock(&context->mutex);
    ret->request.message = ret->message;
}

/* Does what the gateway wants, and frees the reply. Returns whether the job goes on. */
static bool obey(struct job_context *context, ProtobufCMessage *reply)
{
    const Pb__ReportJobResponse *response = (const Pb__ReportJobResponse *)reply;
    bool goes_on = response->directive != PB__DIRECTIVE__DIRECTIVE_STOP;

    (void)pthread_mutex_lock(&context->mutex);
    context->bytes_per_second = response->bytes_per_second > 0 ? response->bytes_per_second : 0;
    context->has_to_stop = !goes_on;
    (void)pthread_mutex_unlock(&context->mutex);
    protobuf_c_message_free_unpacked(reply, NULL);
    if (!goes_on)
        job_context_drop(context, "task aborted or deleted");
    return goes_on;
}

/* For tests: the runner is not told what became of its checkpoint. */
static struct status lose_answer(void)
{
    return status_error(STATUS_UNAVAILABLE, "the answer to the checkpoint was lost");
}

struct status job_context_save_checkpoint(struct job_context *context, struct str checkpoint)
{
    struct report report;
    ProtobufCMessage *reply = NULL;

    make_report(context, &report);
    pb__checkpoint__init(&report.checkpoint);
    report.checkpoint.data.data = (uint8_t *)(uintptr_t)checkpoint.data;
    report.checkpoint.data.len = checkpoint.len;
    report.request.checkpoint = &report.checkpoint;
    if (FAILPOINT("worker.before-checkpoint"))
        return lose_answer();
    int64_t begin_us = clock_get_monotonic_us();
    struct link_caller caller = get_reporter(context);
    struct status st = link_call_until_answered(&caller, &link_report_job, &report.request.base,
                                                &context->stop, &reply);
    metric_observe_us(context->counts.checkpoint_duration, clock_get_monotonic_us() - begin_us);
    if (st.code == STATUS_ABORTED)
        job_context_drop(context, "lease lost");
    /* Told to stop, the gateway has stored nothing: going on would be work without a checkpoint. */
    if (st.code == STATUS_OK && !obey(context, reply))
        st = status_error(STATUS_CANCELLED, "the task was aborted or deleted");
    return st.code == STATUS_OK && FAILPOINT("worker.after-checkpoint") ? lose_answer() : st;
}

void job_context_report(struct job_context *context)
{
    struct report report;
    ProtobufCMessage *reply = NULL;

    make_report(context, &report);
    struct link_caller caller = get_reporter(context);
    struct status st = link_call(&caller, &link_report_job, &report.request.base, REPORT_TIMEOUT_MS,
                                 &context->stop, &reply);
    if (st.code == STATUS_ABORTED) {
        job_context_drop(context, "lease lost");
    } else if (st.code != STATUS_OK && st.code != STATUS_CANCELLED) {
        metric_add(context->counts.reports_failed, 1);
        log_warn("report failed", JOB_FIELDS(context), log_code(st), log_str("error", st.text));
    }
    if (reply)
        (void)obey(context, reply);
}

/* Sends what is to be stored beside the job until the gateway has it. */
static struct status store_beside(struct job_context *context, const struct link_method *method,
                                  const ProtobufCMessage *request)
{
    struct link_caller caller = get_reporter(context);
    struct status st = link_call_until_answered(&caller, method, request, &context->stop, NULL);

    if (st.code == STATUS_ABORTED)
        job_context_drop(context, "lease lost");
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
    return store_beside(context, &link_report_bad_rows, &request.base);
}

struct status job_context_store_differences(struct job_context *context,
                                            Pb__Difference **differences, size_t count)
{
    Pb__ReportDifferencesRequest request = PB__REPORT_DIFFERENCES_REQUEST__INIT;

    request.id = get_leased(context)->id;
    request.lease_token = get_leased(context)->lease_token;
    request.differences = differences;
    request.n_differences = count;
    return store_beside(context, &link_report_differences, &request.base);
}

/* The end. */

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

static const char *choose_message(const struct runner_result *result)
{
    if (result->status.code != STATUS_OK)
        return result->status.text;
    return result->skipped[0] ? result->skipped : result->done;
}

/* Ends the job and asks for another one. UNIMPLEMENTED: the gateway is older than that. */
static struct status exchange(struct job_context *context, const Pb__FinishJobRequest *finish,
                              const struct link_worker *asker, Pb__LeaseJobResponse **ret_next)
{
    Pb__ExchangeJobRequest request = PB__EXCHANGE_JOB_REQUEST__INIT;
    const struct link_caller caller = {context->channel, context->trace.span.context};
    ProtobufCMessage *reply = NULL;

    request.id = finish->id;
    request.lease_token = finish->lease_token;
    request.outcome = finish->outcome;
    request.message = finish->message;
    request.progress = finish->progress;
    request.n_table_names = finish->n_table_names;
    request.table_names = finish->table_names;
    request.worker_id = (char *)(uintptr_t)asker->worker_id;
    request.capabilities = (char **)(uintptr_t)asker->capabilities;
    request.n_capabilities = asker->ncapabilities;
    struct status st = link_call_until_answered(&caller, &link_exchange_job, &request.base,
                                                &context->abandoned, &reply);
    Pb__LeaseJobResponse *next = (Pb__LeaseJobResponse *)reply;
    if (next && next->job)
        *ret_next = next;
    else if (next)
        pb__lease_job_response__free_unpacked(next, NULL);
    return st;
}

static struct status finish(struct job_context *context, const Pb__FinishJobRequest *request)
{
    const struct link_caller caller = {context->channel, context->trace.span.context};

    return link_call_until_answered(&caller, &link_finish_job, &request->base, &context->abandoned,
                                    NULL);
}

bool job_context_finish(struct job_context *context, const struct runner_result *result,
                        const struct link_worker *asker, Pb__LeaseJobResponse **ret_next)
{
    Pb__FinishJobRequest request = PB__FINISH_JOB_REQUEST__INIT;
    struct told_progress progress;
    const Pb__LeasedJob *job = get_leased(context);

    tell_progress(context, &progress);
    request.id = job->id;
    request.lease_token = job->lease_token;
    request.outcome = choose_outcome(result);
    request.message = (char *)(uintptr_t)choose_message(result);
    request.progress = &progress.message;
    if (result->status.code == STATUS_OK) {
        request.table_names = result->table_names;
        request.n_table_names = result->ntable_names;
    }
    if (FAILPOINT("worker.before-finish"))
        return false;
    struct status st = asker ? exchange(context, &request, asker, ret_next)
                             : status_error(STATUS_UNIMPLEMENTED, "nothing to exchange for");
    if (st.code == STATUS_UNIMPLEMENTED)
        st = finish(context, &request);
    if (FAILPOINT("worker.after-finish"))
        return false;
    if (st.code == STATUS_OK)
        job_counts_note_end(&context->counts, request.outcome);
    const ProtobufCEnumValue *outcome =
        protobuf_c_enum_descriptor_get_value(&pb__job_outcome__descriptor, (int)request.outcome);
    job_trace_note_end(&context->trace, result->status, progress.message.rows_written);
    log_info("job finished", JOB_FIELDS(context), log_str("outcome", outcome ? outcome->name : ""),
             log_str("message", request.message), log_int("rows_read", progress.message.rows_read),
             log_int("rows_written", progress.message.rows_written),
             log_bool("is_accepted", st.code == STATUS_OK));
    return st.code == STATUS_OK;
}

void job_context_stop(struct job_context *context)
{
    stop_request(&context->stop);
}

void job_context_abandon(struct job_context *context)
{
    stop_request(&context->stop);
    stop_request(&context->abandoned);
}

/* The bandWidth that the task has now; later ones come with the answers to reports. */
static int64_t read_bandwidth(const Pb__Task *task)
{
    struct violations violations = {0};
    const char *attrs = "";

    if (task && task->spec_case == PB__TASK__SPEC_FULL_MIGRATION)
        attrs = task->full_migration->extra_attrs_json;
    if (task && task->spec_case == PB__TASK__SPEC_INCREMENTAL_SYNC)
        attrs = task->incremental_sync->extra_attrs_json;
    struct config_reader reader = extra_attrs_make("task", attrs, &violations);
    int64_t bytes_per_second = extra_attrs_read_bandwidth(&reader);
    config_reader_deinit(&reader);
    return bytes_per_second;
}

struct job_context *job_context_create(Pb__LeaseJobResponse *leased, struct rpc_channel *channel,
                                       struct metrics *metrics, struct tracer *tracer)
{
    struct job_context *context = mem_alloc(sizeof(*context));

    context->leased = leased;
    context->channel = channel;
    context->progress.lag_ms = -1;
    job_counts_init(&context->counts, metrics, leased->job);
    job_trace_begin(&context->trace, tracer, leased->job);
    context->bytes_per_second = read_bandwidth(leased->job->task);
    (void)pthread_mutex_init(&context->mutex, NULL);
    return context;
}

void job_context_destroy(struct job_context *context)
{
    job_trace_end(&context->trace);
    (void)pthread_mutex_destroy(&context->mutex);
    pb__lease_job_response__free_unpacked(context->leased, NULL);
    mem_free(context);
}
