#include "worker/gateway_link.h"

#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"

enum {
    STOP_POLL_MS = 100,
    CALL_TIMEOUT_MS = 5000,
    FIRST_PAUSE_MS = 100,
    LONGEST_PAUSE_MS = 2000,
    LEASE_TIMEOUT_MS = (LINK_LEASE_WAIT_S + 5) * 1000,
    GIVE_BACK_TIMEOUT_MS = 1000,
};

#define WORKER_SERVICE "/sluice.worker.v1.WorkerService/"

static const struct link_method lease_job = {WORKER_SERVICE "LeaseJob",
                                             &pb__lease_job_response__descriptor};
const struct link_method link_report_job = {WORKER_SERVICE "ReportJob",
                                            &pb__report_job_response__descriptor};
const struct link_method link_report_bad_rows = {WORKER_SERVICE "ReportBadRows",
                                                 &google__protobuf__empty__descriptor};
const struct link_method link_report_differences = {WORKER_SERVICE "ReportDifferences",
                                                    &google__protobuf__empty__descriptor};
const struct link_method link_finish_check = {WORKER_SERVICE "FinishCheck",
                                              &google__protobuf__empty__descriptor};
const struct link_method link_finish_job = {WORKER_SERVICE "FinishJob",
                                            &google__protobuf__empty__descriptor};
const struct link_method link_exchange_job = {WORKER_SERVICE "ExchangeJob",
                                              &pb__lease_job_response__descriptor};

/* A call and the thread that waits for it. */
struct waiting_call {
    struct rpc_client_call call;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    bool is_done;
    struct status status;
    ProtobufCMessage *reply; /* a copy: the call's own is gone when on_done returns */
};

static ProtobufCMessage *copy_message(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = mem_alloc(size);

    (void)protobuf_c_message_pack(message, bytes);
    ProtobufCMessage *copy = protobuf_c_message_unpack(message->descriptor, NULL, size, bytes);
    mem_free(bytes);
    return copy;
}

/* Runs on a loop thread. */
static void call_done(struct rpc_client_call *call, struct status st, const ProtobufCMessage *reply)
{
    struct waiting_call *waiting = container_of(call, struct waiting_call, call);
    ProtobufCMessage *copy = reply ? copy_message(reply) : NULL;

    (void)pthread_mutex_lock(&waiting->mutex);
    waiting->status = st;
    waiting->reply = copy;
    waiting->is_done = true;
    (void)pthread_cond_signal(&waiting->changed);
    (void)pthread_mutex_unlock(&waiting->mutex);
}

static void wait_a_moment(struct waiting_call *waiting)
{
    thread_wait_until(&waiting->changed, &waiting->mutex, clock_get_monotonic_ms() + STOP_POLL_MS);
}

static void wait_until_done(struct waiting_call *waiting, const struct stop *stop)
{
    bool was_cancelled = false;

    (void)pthread_mutex_lock(&waiting->mutex);
    while (!waiting->is_done) {
        wait_a_moment(waiting);
        if (waiting->is_done || was_cancelled || !stop || !stop_is_requested(stop))
            continue;
        was_cancelled = true;
        (void)pthread_mutex_unlock(&waiting->mutex);
        rpc_client_call_cancel(&waiting->call);
        (void)pthread_mutex_lock(&waiting->mutex);
    }
    (void)pthread_mutex_unlock(&waiting->mutex);
}

struct status link_call(const struct link_caller *caller, const struct link_method *method,
                        const ProtobufCMessage *request, unsigned timeout_ms,
                        const struct stop *stop, ProtobufCMessage **ret_reply)
{
    char parent[TRACE_PARENT_TEXT_BYTES];
    trace_context_write(&caller->trace, parent);
    const struct rpc_header header = {"traceparent", str_from(parent)};
    struct waiting_call waiting = {
        .call = {.channel = caller->channel,
                 .method = method->path,
                 .reply_type = method->reply_type,
                 .timeout_ms = timeout_ms,
                 .headers = &header,
                 .nheaders = *parent != '\0',
                 .on_done = call_done},
    };

    (void)pthread_mutex_init(&waiting.mutex, NULL);
    thread_init_condition(&waiting.changed);

    rpc_client_call_submit(&waiting.call, request);
    wait_until_done(&waiting, stop);

    (void)pthread_cond_destroy(&waiting.changed);
    (void)pthread_mutex_destroy(&waiting.mutex);
    if (ret_reply && waiting.status.code == STATUS_OK)
        *ret_reply = waiting.reply;
    else if (waiting.reply)
        protobuf_c_message_free_unpacked(waiting.reply, NULL);
    return waiting.status;
}

static bool may_pass(enum status_code code)
{
    return code == STATUS_UNAVAILABLE || code == STATUS_DEADLINE_EXCEEDED ||
           code == STATUS_RESOURCE_EXHAUSTED || code == STATUS_UNKNOWN || code == STATUS_INTERNAL ||
           code == STATUS_CANCELLED;
}

struct status link_call_until_answered(const struct link_caller *caller,
                                       const struct link_method *method,
                                       const ProtobufCMessage *request, const struct stop *stop,
                                       ProtobufCMessage **ret_reply)
{
    unsigned pause_ms = FIRST_PAUSE_MS;

    for (;;) {
        struct status st = link_call(caller, method, request, CALL_TIMEOUT_MS, stop, ret_reply);
        if (!may_pass(st.code))
            return st;
        for (unsigned waited_ms = 0; waited_ms < pause_ms; waited_ms += STOP_POLL_MS) {
            struct timespec moment = {.tv_nsec = STOP_POLL_MS * 1000000};
            if (stop && stop_is_requested(stop))
                return status_error(STATUS_CANCELLED, "stopped while waiting for the gateway");
            (void)nanosleep(&moment, NULL);
        }
        pause_ms = pause_ms < LONGEST_PAUSE_MS ? pause_ms * 2 : LONGEST_PAUSE_MS;
    }
}

struct status link_lease(const struct link_worker *worker, unsigned wait_s, const struct stop *stop,
                         Pb__LeaseJobResponse **ret_leased)
{
    Pb__LeaseJobRequest request = PB__LEASE_JOB_REQUEST__INIT;
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    ProtobufCMessage *reply = NULL;

    wait.seconds = wait_s;
    request.worker_id = (char *)(uintptr_t)worker->worker_id;
    request.wait_duration = &wait;
    request.capabilities = (char **)(uintptr_t)worker->capabilities;
    request.n_capabilities = worker->ncapabilities;
    const struct link_caller caller = {.channel = worker->channel};
    struct status st =
        link_call(&caller, &lease_job, &request.base, LEASE_TIMEOUT_MS, stop, &reply);
    *ret_leased = (Pb__LeaseJobResponse *)reply;
    if (st.code == STATUS_CANCELLED || st.code == STATUS_DEADLINE_EXCEEDED)
        return status_ok();
    return st;
}

void link_release(struct rpc_channel *channel, const Pb__LeasedJob *job)
{
    Pb__FinishJobRequest request = PB__FINISH_JOB_REQUEST__INIT;
    const struct link_caller caller = {.channel = channel};

    request.id = job->id;
    request.lease_token = job->lease_token;
    request.outcome = PB__JOB_OUTCOME__JOB_OUTCOME_RELEASED;
    struct status st =
        link_call(&caller, &link_finish_job, &request.base, GIVE_BACK_TIMEOUT_MS, NULL, NULL);
    if (st.code != STATUS_OK)
        log_warn("not given back; the lease will end", log_str("job", job->id), log_code(st),
                 log_str("error", st.text));
}

void link_give_back(struct rpc_channel *channel, Pb__LeaseJobResponse *leased)
{
    link_release(channel, leased->job);
    pb__lease_job_response__free_unpacked(leased, NULL);
}
