#include "rpc/carrier_client.h"

#include <assert.h>

#include <grpc/byte_buffer.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/timers.h"
#include "rpc/carrier.pb-c.h"
#include "rpc/channel.h"
#include "rpc/codec.h"

enum {
    MAX_AGE_MS = 5000,  /* of a stream that takes calls */
    REFUSED_MS = 10000, /* after which a server that has refused a stream is asked again */
    MAX_CALLS = 1024,   /* of a message */
    MAX_CANCELLED = 64 << 10,
    MAX_REQUEST_BYTES = 64 << 10,
    MAX_WAITING_BYTES = 512 << 10,
    ANSWER_BYTES = 16 << 10,       /* that an answer may take besides the reply */
    MIN_MESSAGE_BYTES = 256 << 10, /* the server fills messages with as much */
};

struct carrier_stream {
    struct rpc_carrier_client *carrier;
    struct rpc_calling calling;
    struct rpc_tag begun;    /* the batch of the headers */
    struct rpc_tag received; /* the batch of a message; one is out until the stream has no more */
    struct rpc_tag ended;    /* the batch of the end, which comes next */
    struct rpc_tag sent;     /* the batch of a message, or of our end */
    grpc_byte_buffer *bytes; /* filled in by core, with a message */

    /* Under the channel's lock. */
    struct list link;    /* in the carrier's streams */
    struct list running; /* calls without an answer, in their order */
    uint64_t last_id;
    int64_t begin_ms;
    struct buf out;      /* an encoded CarryRequest, not sent yet */
    unsigned ncalls;     /* in it */
    unsigned ncancelled; /* the same */
    unsigned nout;       /* batches that core has */
    bool is_sending;
    bool is_old;    /* takes no further calls */
    bool is_closed; /* our end was sent */
};

struct rpc_carrier_client {
    struct rpc_channel *channel;
    struct timer timer; /* for the first deadline */

    /* Under the channel's lock. */
    pthread_cond_t changed;
    struct list streams;
    struct carrier_stream *current; /* which takes calls, NULL: a new one is due */
    int64_t timer_ms;               /* when the timer fires; INT64_MAX: it is not set */
    int64_t refused_until_ms;       /* calls go by themselves */
    unsigned nsenders; /* threads in rpc_carrier_client_flush that will take the lock again */
};

static void lock(struct rpc_carrier_client *carrier)
{
    pthread_mutex_lock(&carrier->channel->lock);
}

static void unlock(struct rpc_carrier_client *carrier)
{
    pthread_mutex_unlock(&carrier->channel->lock);
}

/* Core has given back a batch; the last one takes the stream along. The lock is held. */
static void let_go(struct carrier_stream *stream)
{
    struct rpc_carrier_client *carrier = stream->carrier;

    if (--stream->nout > 0)
        return;
    list_remove(&stream->link);
    rpc_channel_leave_locked(carrier->channel, stream->calling.link);
    rpc_calling_deinit(&stream->calling);
    buf_deinit(&stream->out);
    mem_free(stream);
    (void)pthread_cond_broadcast(&carrier->changed);
}

/* It takes no further calls. The lock is held. */
static void retire(struct carrier_stream *stream)
{
    stream->is_old = true;
    if (stream->carrier->current == stream)
        stream->carrier->current = NULL;
}

/* Ends of calls. */

static void answer_own(struct rpc_carried *carried)
{
    struct rpc_outcome outcome = {.code = carried->own_code};

    carried->on_answer(carried, &outcome, (struct str){NULL, 0});
}

static void on_told(struct rpc_tag *tag, bool ok)
{
    (void)ok;
    answer_own(container_of(tag, struct rpc_carried, told));
}

/* Takes a call off its stream; nobody else answers it from here on. The lock is held. */
static void take_off(struct rpc_carried *carried)
{
    list_remove(&carried->link);
    carried->stream = NULL;
}

/* A call for which there is no room goes on until its own end. */
static void write_cancel(struct carrier_stream *stream, uint64_t id)
{
    Carrier__CarryRequest request = CARRIER__CARRY_REQUEST__INIT;

    if (stream->ncancelled >= MAX_CANCELLED)
        return;
    stream->ncancelled++;
    request.cancelled_ids = &id;
    request.n_cancelled_ids = 1;
    size_t size = protobuf_c_message_get_packed_size(&request.base);
    (void)protobuf_c_message_pack(&request.base, buf_reserve(&stream->out, size));
    stream->out.len += size;
}

/* Ends a call that is on a stream with a code of ours. The lock is held. */
static void end_early(struct rpc_carried *carried, int code)
{
    struct carrier_stream *stream = carried->stream;
    struct rpc_batch batch = {0};

    take_off(carried);
    write_cancel(stream, carried->id);
    carried->own_code = code;
    carried->told.on_event = on_told;
    /* An empty batch comes back at once: that is the way onto a loop thread. */
    rpc_batch_start(&batch, stream->calling.core, &carried->told);
}

void rpc_carrier_client_cancel(struct rpc_carried *carried)
{
    if (carried->stream)
        end_early(carried, GRPC_STATUS_CANCELLED);
}

/* The lock is held. */
static void set_timer(struct rpc_carrier_client *carrier, int64_t deadline_ms)
{
    int64_t now_ms = clock_get_monotonic_ms();

    if (deadline_ms >= carrier->timer_ms)
        return;
    if (carrier->timer_ms != INT64_MAX && !timers_cancel(carrier->channel->timers, &carrier->timer))
        return; /* it fires, and looks at all deadlines as soon as it gets the lock */
    carrier->timer_ms = deadline_ms;
    timers_set(carrier->channel->timers, &carrier->timer,
               deadline_ms > now_ms ? deadline_ms - now_ms : 0);
}

/* Ends what is due, and returns the first deadline of the others. The lock is held. */
static int64_t end_due(struct carrier_stream *stream, int64_t now_ms)
{
    int64_t first_ms = INT64_MAX;
    struct list *next;

    for (struct list *link = stream->running.next; link != &stream->running; link = next) {
        struct rpc_carried *carried = container_of(link, struct rpc_carried, link);
        next = link->next;
        if (carried->deadline_ms <= now_ms)
            end_early(carried, GRPC_STATUS_DEADLINE_EXCEEDED);
        else if (carried->deadline_ms < first_ms)
            first_ms = carried->deadline_ms;
    }
    return first_ms;
}

static void on_fire(struct timer *timer)
{
    struct rpc_carrier_client *carrier = container_of(timer, struct rpc_carrier_client, timer);
    int64_t first_ms = INT64_MAX;
    struct list *link;

    lock(carrier);
    carrier->timer_ms = INT64_MAX;
    list_for_each (link, &carrier->streams) {
        struct carrier_stream *stream = container_of(link, struct carrier_stream, link);
        int64_t due_ms = end_due(stream, clock_get_monotonic_ms());
        if (due_ms < first_ms)
            first_ms = due_ms;
    }
    set_timer(carrier, first_ms);
    (void)pthread_cond_broadcast(&carrier->changed);
    rpc_carrier_client_flush(carrier);
}

/* The end of a stream. */

/* The server takes no streams now: it knows none, or has too many, or a message was too much for it. */
static bool is_refused(const struct carrier_stream *stream)
{
    int code = stream->calling.code;

    return code != GRPC_STATUS_OK && code != GRPC_STATUS_CANCELLED &&
           code != GRPC_STATUS_UNAVAILABLE;
}

/* What the end of a stream means for a call that has no answer: it may be made again. */
static struct rpc_outcome read_end(const struct carrier_stream *stream)
{
    if (stream->calling.code == GRPC_STATUS_OK || is_refused(stream))
        return (struct rpc_outcome){.code = GRPC_STATUS_UNAVAILABLE,
                                    .goes_alone = is_refused(stream)};
    return rpc_calling_get_outcome(&stream->calling);
}

/* Ends the calls of a stream that has ended. The lock is held, but not meanwhile. */
static void drop_calls(struct carrier_stream *stream)
{
    struct rpc_carrier_client *carrier = stream->carrier;
    struct rpc_outcome outcome = read_end(stream);
    struct list dropped, *link;

    list_init(&dropped);
    while ((link = list_take_first(&stream->running))) {
        take_off(container_of(link, struct rpc_carried, link));
        list_add_last(&dropped, link);
    }
    unlock(carrier);
    while ((link = list_take_first(&dropped))) {
        struct rpc_carried *carried = container_of(link, struct rpc_carried, link);
        carried->on_answer(carried, &outcome, (struct str){NULL, 0});
    }
    lock(carrier);
}

static void on_begun(struct rpc_tag *tag, bool ok)
{
    struct carrier_stream *stream = container_of(tag, struct carrier_stream, begun);
    struct rpc_carrier_client *carrier = stream->carrier;

    (void)ok; /* the end of the stream says what there is to say */
    lock(carrier);
    let_go(stream);
    unlock(carrier);
}

static void on_ended(struct rpc_tag *tag, bool ok)
{
    struct carrier_stream *stream = container_of(tag, struct carrier_stream, ended);
    struct rpc_carrier_client *carrier = stream->carrier;

    (void)ok; /* a batch that receives the status always is */
    lock(carrier);
    if (is_refused(stream))
        carrier->refused_until_ms = clock_get_monotonic_ms() + REFUSED_MS;
    drop_calls(stream);
    let_go(stream);
    unlock(carrier);
}

/* Answers. */

static struct rpc_carried *find_call(struct carrier_stream *stream, uint64_t id)
{
    struct list *link;

    list_for_each (link, &stream->running) {
        struct rpc_carried *carried = container_of(link, struct rpc_carried, link);
        if (carried->id == id)
            return carried;
    }
    return NULL;
}

static struct rpc_outcome get_outcome(const Carrier__Reply *reply)
{
    return (struct rpc_outcome){
        .code = (int)reply->code,
        .text = str_from(reply->text),
        .details = str_from_bytes(reply->details.data, reply->details.len),
        .pushback = reply->is_lasting ? str_from("-1") : (struct str){NULL, 0},
    };
}

static void answer(struct carrier_stream *stream, const Carrier__CarryResponse *response,
                   struct arena *arena)
{
    struct rpc_carried **calls = arena_alloc(arena, response->n_replies * sizeof(*calls));

    lock(stream->carrier);
    for (size_t i = 0; i < response->n_replies; i++) {
        calls[i] = find_call(stream, response->replies[i]->id);
        if (calls[i] && response->replies[i]->code == STATUS_UNAVAILABLE &&
            !response->replies[i]->is_lasting)
            retire(stream); /* it may be that the server stops */
        if (calls[i])
            take_off(calls[i]);
    }
    unlock(stream->carrier);
    for (size_t i = 0; i < response->n_replies; i++) {
        const Carrier__Reply *reply = response->replies[i];
        struct rpc_outcome outcome = get_outcome(reply);
        if (calls[i])
            calls[i]->on_answer(calls[i], &outcome,
                                str_from_bytes(reply->response.data, reply->response.len));
    }
}

static void start_receive(struct carrier_stream *stream)
{
    struct rpc_batch batch = {0};

    rpc_batch_add_receive(&batch, &stream->bytes);
    rpc_batch_start(&batch, stream->calling.core, &stream->received);
}

/* Only now, since core may drop answers that have come before an end which it is asked for. */
static void start_end(struct carrier_stream *stream)
{
    struct rpc_batch batch = {0};

    rpc_calling_add_status(&batch, &stream->calling);
    rpc_batch_start(&batch, stream->calling.core, &stream->ended);
}

/* Whether it could be read. */
static bool take_message(struct carrier_stream *stream)
{
    size_t max_bytes = stream->carrier->channel->max_message_bytes * RPC_CALLING_ARENA_FACTOR;
    struct arena *arena = arena_create(max_bytes);
    ProtobufCMessage *message = NULL;
    struct status st =
        rpc_codec_read(stream->bytes, &carrier__carry_response__descriptor, arena, NULL, &message);

    grpc_byte_buffer_destroy(stream->bytes);
    stream->bytes = NULL;
    if (st.code == STATUS_OK)
        answer(stream, (const Carrier__CarryResponse *)message, arena);
    arena_destroy(arena);
    return st.code == STATUS_OK;
}

static void on_received(struct rpc_tag *tag, bool ok)
{
    struct carrier_stream *stream = container_of(tag, struct carrier_stream, received);
    struct rpc_carrier_client *carrier = stream->carrier;

    (void)ok;
    bool has_message = stream->bytes;
    if (has_message && take_message(stream)) {
        start_receive(stream);
        return;
    }
    if (has_message)
        (void)grpc_call_cancel(stream->calling.core, NULL);
    lock(carrier);
    stream->is_closed = true;
    retire(stream);
    unlock(carrier);
    start_end(stream);
}

/* Calls that go. */

static void on_sent(struct rpc_tag *tag, bool ok)
{
    struct carrier_stream *stream = container_of(tag, struct carrier_stream, sent);
    struct rpc_carrier_client *carrier = stream->carrier;

    (void)ok; /* the end of the stream says what there is to say */
    lock(carrier);
    stream->is_sending = false;
    let_go(stream);
    rpc_carrier_client_flush(carrier);
}

static struct carrier_stream *open_stream(struct rpc_carrier_client *carrier)
{
    struct carrier_stream *stream = mem_alloc(sizeof(*stream));
    struct rpc_batch batch = {0};

    stream->carrier = carrier;
    stream->begun.on_event = on_begun;
    stream->ended.on_event = on_ended;
    stream->received.on_event = on_received;
    stream->sent.on_event = on_sent;
    stream->begin_ms = clock_get_monotonic_ms();
    list_init(&stream->running);
    list_add_last(&carrier->streams, &stream->link);
    rpc_calling_init(&stream->calling, carrier->channel, rpc_channel_enter_locked(carrier->channel),
                     "/sluice.carrier.v1.Carrier/Carry", gpr_inf_future(GPR_CLOCK_MONOTONIC));
    (void)rpc_batch_add(&batch, GRPC_OP_SEND_INITIAL_METADATA);
    rpc_calling_add_header(&batch, &stream->calling);
    stream->nout = 2;
    rpc_batch_start(&batch, stream->calling.core, &stream->begun);
    start_receive(stream);
    return stream;
}

/* The stream that takes calls. */
static struct carrier_stream *get_stream(struct rpc_carrier_client *carrier)
{
    struct carrier_stream *stream = carrier->current;
    int64_t now_ms = clock_get_monotonic_ms();

    if (stream && (now_ms - stream->begin_ms >= MAX_AGE_MS ||
                   !rpc_channel_is_current_locked(carrier->channel, stream->calling.link)))
        retire(stream);
    if (!carrier->current)
        carrier->current = open_stream(carrier);
    return carrier->current;
}

static void write_call(struct carrier_stream *stream, uint64_t id,
                       const struct rpc_carried_call *wanted)
{
    Carrier__CarryRequest request = CARRIER__CARRY_REQUEST__INIT;
    Carrier__Call call = CARRIER__CALL__INIT;
    Carrier__Call *calls[] = {&call};
    Carrier__Header headers[RPC_CALLING_MAX_HEADERS];
    Carrier__Header *places[RPC_CALLING_MAX_HEADERS];

    call.id = id;
    call.method = (char *)(uintptr_t)wanted->method;
    call.timeout_ms = wanted->left_ms;
    call.max_response_bytes =
        (uint32_t)(stream->carrier->channel->max_message_bytes - ANSWER_BYTES);
    call.request =
        (ProtobufCBinaryData){wanted->request.len, (uint8_t *)(uintptr_t)wanted->request.data};
    for (size_t i = 0; i < wanted->nheaders; i++) {
        carrier__header__init(&headers[i]);
        headers[i].key = (char *)(uintptr_t)wanted->headers[i].key;
        headers[i].value = (ProtobufCBinaryData){
            wanted->headers[i].value.len, (uint8_t *)(uintptr_t)wanted->headers[i].value.data};
        places[i] = &headers[i];
    }
    call.headers = places;
    call.n_headers = wanted->nheaders;
    request.calls = calls;
    request.n_calls = 1;
    size_t size = protobuf_c_message_get_packed_size(&request.base);
    (void)protobuf_c_message_pack(&request.base, buf_reserve(&stream->out, size));
    stream->out.len += size;
    stream->ncalls++;
}

bool rpc_carrier_client_add(struct rpc_carrier_client *carrier, struct rpc_carried *carried,
                            const struct rpc_carried_call *call)
{
    int64_t now_ms = clock_get_monotonic_ms();

    if (call->request.len > MAX_REQUEST_BYTES || now_ms < carrier->refused_until_ms)
        return false;
    struct carrier_stream *stream = get_stream(carrier);
    if (stream->ncalls >= MAX_CALLS || stream->out.len > MAX_WAITING_BYTES)
        return false;
    carried->id = ++stream->last_id;
    carried->deadline_ms = now_ms + call->left_ms;
    carried->stream = stream;
    list_add_last(&stream->running, &carried->link);
    write_call(stream, carried->id, call);
    set_timer(carrier, carried->deadline_ms);
    return true;
}

/* Adds what is to be sent on the stream; returns whether that is anything. The lock is held. */
static bool prepare(struct carrier_stream *stream, struct rpc_batch *batch,
                    grpc_byte_buffer **ret_bytes)
{
    *ret_bytes = NULL;
    if (stream->is_sending || stream->is_closed)
        return false;
    if (stream->out.len > 0) {
        grpc_slice slice = grpc_slice_from_copied_buffer(stream->out.data, stream->out.len);
        *ret_bytes = grpc_raw_byte_buffer_create(&slice, 1);
        grpc_slice_unref(slice);
        rpc_batch_add_message(batch, *ret_bytes);
        buf_clear(&stream->out);
        stream->ncalls = 0;
        stream->ncancelled = 0;
    } else if (stream->is_old && list_is_empty(&stream->running)) {
        (void)rpc_batch_add(batch, GRPC_OP_SEND_CLOSE_FROM_CLIENT);
        stream->is_closed = true;
    } else {
        return false;
    }
    stream->is_sending = true;
    stream->nout++;
    return true;
}

/* A stream that has something to send, which is in *batch then; NULL: none has. The lock is held. */
static struct carrier_stream *find_sender(struct rpc_carrier_client *carrier,
                                          struct rpc_batch *batch, grpc_byte_buffer **ret_bytes)
{
    struct list *link;

    *batch = (struct rpc_batch){0};
    list_for_each (link, &carrier->streams) {
        struct carrier_stream *stream = container_of(link, struct carrier_stream, link);
        if (prepare(stream, batch, ret_bytes))
            return stream;
    }
    return NULL;
}

void rpc_carrier_client_flush(struct rpc_carrier_client *carrier)
{
    struct rpc_batch batch;
    grpc_byte_buffer *bytes = NULL;
    struct carrier_stream *stream;

    while ((stream = find_sender(carrier, &batch, &bytes))) {
        carrier->nsenders++;
        unlock(carrier);
        rpc_batch_start(&batch, stream->calling.core, &stream->sent);
        if (bytes)
            grpc_byte_buffer_destroy(bytes);
        lock(carrier);
        if (--carrier->nsenders == 0)
            (void)pthread_cond_broadcast(&carrier->changed);
    }
    unlock(carrier);
}

struct rpc_carrier_client *rpc_carrier_client_create(struct rpc_channel *channel)
{
    struct rpc_carrier_client *carrier = mem_alloc(sizeof(*carrier));

    assert(channel->timers && channel->max_message_bytes >= MIN_MESSAGE_BYTES);
    carrier->channel = channel;
    carrier->timer.on_fire = on_fire;
    carrier->timer_ms = INT64_MAX;
    thread_init_condition(&carrier->changed);
    list_init(&carrier->streams);
    return carrier;
}

/* One that fires may have set the timer anew, for calls that are cancelled. The lock is held. */
static bool is_over(struct rpc_carrier_client *carrier)
{
    if (carrier->timer_ms != INT64_MAX && timers_cancel(carrier->channel->timers, &carrier->timer))
        carrier->timer_ms = INT64_MAX;
    return list_is_empty(&carrier->streams) && carrier->timer_ms == INT64_MAX &&
           carrier->nsenders == 0;
}

void rpc_carrier_client_destroy(struct rpc_carrier_client *carrier)
{
    struct list *link;

    if (!carrier)
        return;
    lock(carrier);
    list_for_each (link, &carrier->streams)
        (void)grpc_call_cancel(container_of(link, struct carrier_stream, link)->calling.core, NULL);
    while (!is_over(carrier))
        (void)pthread_cond_wait(&carrier->changed, &carrier->channel->lock);
    unlock(carrier);
    (void)pthread_cond_destroy(&carrier->changed);
    mem_free(carrier);
}
