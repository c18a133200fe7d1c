#include "rpc/otlp.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "rpc/client.h"
#include "rpc/otlp_pack.h"

enum {
    CALL_TIMEOUT_MS = 10000,
    FIRST_PAUSE_MS = 500,
    LONGEST_PAUSE_MS = 30000,
    TELL_MS = 10000, /* from one line about what was dropped to the next */
};

const struct metric_family otlp_spans_total = {
    .name = "sluice_spans_total",
    .kind = METRIC_COUNTER,
    .help =
        "Spans that the collector took, and those that were dropped: there was no room for them, or it refused them.",
    .labels = {"outcome"},
};

struct otlp {
    struct tracer tracer;
    struct rpc_channel *channel;
    char *endpoint;
    const char *service_name;
    char instance_id[ID_HEX_BYTES];
    struct rpc_client_call call;
    pthread_t thread;

    /* The thread's. */
    ProtobufCBinaryData batch[OTLP_MAX_BATCH];
    size_t nbatch;
    unsigned pause_ms;
    int64_t told_ms;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    ProtobufCBinaryData queue[OTLP_MAX_QUEUED]; /* a ring */
    size_t first;
    size_t count;
    size_t size_bytes;
    uint64_t ndropped; /* that were not told of yet */
    struct metric *sent;
    struct metric *dropped;
    bool is_stopping;
    int64_t stop_ms; /* when the flush is over */
    bool is_answered;
    struct status answer;
    uint64_t nrejected; /* by an answer that is not OK; 0: all of the batch */
};

/* The lock is held. */
static void note_dropped(struct otlp *otlp, uint64_t nspans)
{
    otlp->ndropped += nspans;
    metric_add(otlp->dropped, (int64_t)nspans);
}

/* Any thread. */
static void record(struct tracer *tracer, const struct span *span)
{
    struct otlp *otlp = container_of(tracer, struct otlp, tracer);
    ProtobufCBinaryData packed = otlp_pack_span(span);

    (void)pthread_mutex_lock(&otlp->lock);
    bool has_room =
        otlp->count < OTLP_MAX_QUEUED && otlp->size_bytes + packed.len <= OTLP_MAX_QUEUED_BYTES;
    if (has_room) {
        otlp->queue[(otlp->first + otlp->count) % OTLP_MAX_QUEUED] = packed;
        otlp->count++;
        otlp->size_bytes += packed.len;
    } else {
        note_dropped(otlp, 1);
    }
    if (otlp->count == 1 || otlp->count == OTLP_MAX_BATCH)
        (void)pthread_cond_signal(&otlp->changed);
    (void)pthread_mutex_unlock(&otlp->lock);
    if (!has_room)
        mem_free(packed.data);
}

/* Waits until the time has come, or the program stops. The lock is held. */
static void wait_until(struct otlp *otlp, int64_t until_ms)
{
    while (!otlp->is_stopping && clock_get_monotonic_ms() < until_ms)
        thread_wait_until(&otlp->changed, &otlp->lock, until_ms);
}

/* Waits for spans and takes a batch of them; none: the program stops, and nothing is left. */
static void take_batch(struct otlp *otlp)
{
    (void)pthread_mutex_lock(&otlp->lock);
    while (!otlp->is_stopping && otlp->count == 0)
        (void)pthread_cond_wait(&otlp->changed, &otlp->lock);
    int64_t until_ms = clock_get_monotonic_ms() + OTLP_BATCH_MS;
    while (!otlp->is_stopping && otlp->count < OTLP_MAX_BATCH &&
           clock_get_monotonic_ms() < until_ms)
        thread_wait_until(&otlp->changed, &otlp->lock, until_ms);
    while (otlp->nbatch < OTLP_MAX_BATCH && otlp->count > 0) {
        ProtobufCBinaryData *span = &otlp->queue[otlp->first];
        otlp->batch[otlp->nbatch++] = *span;
        otlp->size_bytes -= span->len;
        otlp->first = (otlp->first + 1) % OTLP_MAX_QUEUED;
        otlp->count--;
    }
    (void)pthread_mutex_unlock(&otlp->lock);
}

/* The call to the collector. */

static void on_answer(struct rpc_client_call *call, struct status st, const ProtobufCMessage *reply)
{
    struct otlp *otlp = container_of(call, struct otlp, call);
    const Otlp__ExportResponse *response = (const Otlp__ExportResponse *)reply;

    (void)pthread_mutex_lock(&otlp->lock);
    if (response && response->partial_success && response->partial_success->rejected_spans > 0) {
        otlp->nrejected = (uint64_t)response->partial_success->rejected_spans;
        st = status_error(STATUS_INVALID_ARGUMENT, "%s", response->partial_success->error_message);
    }
    otlp->answer = st;
    otlp->is_answered = true;
    (void)pthread_cond_broadcast(&otlp->changed);
    (void)pthread_mutex_unlock(&otlp->lock);
}

static struct status wait_for_answer(struct otlp *otlp)
{
    bool was_cancelled = false;

    (void)pthread_mutex_lock(&otlp->lock);
    while (!otlp->is_answered) {
        if (!otlp->is_stopping || was_cancelled) {
            (void)pthread_cond_wait(&otlp->changed, &otlp->lock);
        } else if (clock_get_monotonic_ms() < otlp->stop_ms) {
            thread_wait_until(&otlp->changed, &otlp->lock, otlp->stop_ms);
        } else {
            was_cancelled = true;
            (void)pthread_mutex_unlock(&otlp->lock);
            rpc_client_call_cancel(&otlp->call);
            (void)pthread_mutex_lock(&otlp->lock);
        }
    }
    struct status st = otlp->answer;
    otlp->is_answered = false;
    (void)pthread_mutex_unlock(&otlp->lock);
    return st;
}

static struct status send_batch(struct otlp *otlp)
{
    struct otlp_batch batch;

    otlp_batch_init(&batch, otlp->service_name, otlp->instance_id, otlp->batch, otlp->nbatch);
    otlp->call = (struct rpc_client_call){
        .channel = otlp->channel,
        .method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        .reply_type = &otlp__export_response__descriptor,
        .timeout_ms = CALL_TIMEOUT_MS,
        .on_done = on_answer,
    };
    rpc_client_call_submit(&otlp->call, &batch.request.base);
    return wait_for_answer(otlp);
}

/* Which failures a sender repeats after (opentelemetry.io, "OTLP Specification", failures of OTLP/gRPC). */
static bool may_pass(enum status_code code)
{
    return code == STATUS_CANCELLED || code == STATUS_DEADLINE_EXCEEDED || code == STATUS_ABORTED ||
           code == STATUS_OUT_OF_RANGE || code == STATUS_UNAVAILABLE || code == STATUS_DATA_LOSS;
}

/* Tells of a failure, or of spans that were dropped meanwhile, but not too often. */
static void tell(struct otlp *otlp, struct status st)
{
    int64_t now_ms = clock_get_monotonic_ms();

    (void)pthread_mutex_lock(&otlp->lock);
    bool is_due = (st.code != STATUS_OK || otlp->ndropped > 0) &&
                  (otlp->told_ms == 0 || now_ms - otlp->told_ms >= TELL_MS || otlp->is_stopping);
    uint64_t ndropped = otlp->ndropped;
    if (is_due)
        otlp->ndropped = 0;
    (void)pthread_mutex_unlock(&otlp->lock);
    if (!is_due)
        return;
    otlp->told_ms = now_ms;
    log_warn("spans not exported", log_str("endpoint", otlp->endpoint), log_code(st),
             log_str("error", st.text), log_int("dropped", (int64_t)ndropped));
}

static void drop_batch(struct otlp *otlp)
{
    for (size_t i = 0; i < otlp->nbatch; i++)
        mem_free(otlp->batch[i].data);
    otlp->nbatch = 0;
}

/* The collector has spoken for the last time. The lock is held. */
static void count_batch(struct otlp *otlp, struct status st)
{
    uint64_t ndropped = st.code == STATUS_OK                                    ? 0
                        : otlp->nrejected > 0 && otlp->nrejected < otlp->nbatch ? otlp->nrejected
                                                                                : otlp->nbatch;

    note_dropped(otlp, ndropped);
    metric_add(otlp->sent, (int64_t)(otlp->nbatch - ndropped));
    otlp->nrejected = 0;
}

/* Sends the batch until the collector has answered. What is recorded meanwhile waits in the queue, as far as it has room. */
static void deliver(struct otlp *otlp)
{
    otlp->pause_ms = FIRST_PAUSE_MS;
    for (;;) {
        struct status st = send_batch(otlp);
        (void)pthread_mutex_lock(&otlp->lock);
        bool is_over = !may_pass(st.code) || otlp->is_stopping;
        if (is_over)
            count_batch(otlp, st);
        (void)pthread_mutex_unlock(&otlp->lock);
        tell(otlp, st);
        if (is_over)
            break;
        (void)pthread_mutex_lock(&otlp->lock);
        wait_until(otlp, clock_get_monotonic_ms() + otlp->pause_ms);
        (void)pthread_mutex_unlock(&otlp->lock);
        otlp->pause_ms =
            otlp->pause_ms * 2 < LONGEST_PAUSE_MS ? otlp->pause_ms * 2 : (unsigned)LONGEST_PAUSE_MS;
    }
    drop_batch(otlp);
}

static bool is_flushed(struct otlp *otlp)
{
    (void)pthread_mutex_lock(&otlp->lock);
    bool is_late = otlp->is_stopping && clock_get_monotonic_ms() >= otlp->stop_ms;
    (void)pthread_mutex_unlock(&otlp->lock);
    return is_late;
}

static void *run(void *arg)
{
    struct otlp *otlp = arg;

    for (;;) {
        take_batch(otlp);
        if (otlp->nbatch == 0)
            return NULL;
        if (is_flushed(otlp)) {
            drop_batch(otlp);
            return NULL;
        }
        deliver(otlp);
    }
}

static void free_otlp(struct otlp *otlp)
{
    for (; otlp->count > 0; otlp->count--) {
        mem_free(otlp->queue[otlp->first].data);
        otlp->first = (otlp->first + 1) % OTLP_MAX_QUEUED;
    }
    rpc_channel_close(otlp->channel);
    (void)pthread_cond_destroy(&otlp->changed);
    (void)pthread_mutex_destroy(&otlp->lock);
    mem_free(otlp->endpoint);
    mem_free(otlp);
}

struct status otlp_start(const struct otlp_options *options, struct otlp **ret)
{
    struct otlp *otlp = mem_alloc(sizeof(*otlp));
    otlp->tracer = (struct tracer){.record = record, .root_ratio = options->root_ratio};
    otlp->service_name = options->service_name;
    otlp->sent = metrics_get(options->metrics, &otlp_spans_total, (const char *const[]){"sent"});
    otlp->dropped =
        metrics_get(options->metrics, &otlp_spans_total, (const char *const[]){"dropped"});
    otlp->endpoint = mem_copy_str(str_from(options->endpoint));
    id_make_hex(otlp->instance_id);
    (void)pthread_mutex_init(&otlp->lock, NULL);
    thread_init_condition(&otlp->changed);
    otlp->channel =
        rpc_channel_open(&(struct rpc_channel_options){.target = otlp->endpoint,
                                                       .tls = options->tls,
                                                       .loop = options->loop,
                                                       .user_agent = options->service_name});
    struct status st = thread_start("otlp", run, otlp, &otlp->thread);
    if (st.code != STATUS_OK) {
        free_otlp(otlp);
        return st;
    }
    *ret = otlp;
    return st;
}

struct tracer *otlp_get_tracer(struct otlp *otlp)
{
    return otlp ? &otlp->tracer : NULL;
}

void otlp_stop(struct otlp *otlp)
{
    if (!otlp)
        return;
    (void)pthread_mutex_lock(&otlp->lock);
    otlp->is_stopping = true;
    otlp->stop_ms = clock_get_monotonic_ms() + OTLP_FLUSH_MS;
    (void)pthread_cond_broadcast(&otlp->changed);
    (void)pthread_mutex_unlock(&otlp->lock);
    (void)pthread_join(otlp->thread, NULL);
    free_otlp(otlp);
}
