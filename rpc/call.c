/*
 * rpc/call.c - the life of a call that a server is serving.
 *
 * accepted -> received -> the handler -> rpc_call_end -> ended, and closed any time.
 *
 * A request is one message; whether a client sends more is not looked at, as in other servers. A bidi stream's handler
 * starts at once and asks for each message itself.
 *
 * A call that came on a stream (rpc/carrier_server.h) has its request from the start, and its end is told by the stream.
 *
 * Each event of core costs about a tenth of what a short call costs in all. So that the peer is gone is asked for with the
 * end of the call, but for calls that last, which may have to know of it before.
 */
#include "rpc/call.h"

#include <assert.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "rpc/batch.h"
#include "rpc/call_metrics.h"
#include "rpc/caller.h"
#include "rpc/carrier_server.h"
#include "rpc/codec.h"
#include "rpc/inflate.h"
#include "rpc/message_wire.h"
#include "rpc/origin.h"
#include "rpc/packed.h"
#include "rpc/serving.h"

static_assert((int)STATUS_INVALID_ARGUMENT == (int)GRPC_STATUS_INVALID_ARGUMENT &&
                  (int)STATUS_UNIMPLEMENTED == (int)GRPC_STATUS_UNIMPLEMENTED &&
                  (int)STATUS_INTERNAL == (int)GRPC_STATUS_INTERNAL &&
                  (int)STATUS_UNAUTHENTICATED == (int)GRPC_STATUS_UNAUTHENTICATED,
              "our codes are those of core");

enum {
    CHARGE_FACTOR = 16,
};

void rpc_call_destroy(struct rpc_call *call)
{
    struct rpc_server *server = call->server;
    struct rpc_call *stream = call->stream;

    if (call->core)
        grpc_call_unref(call->core);
    if (call->bytes)
        grpc_byte_buffer_destroy(call->bytes);
    if (call->trailers[0].value.refcount)
        grpc_slice_unref(call->trailers[0].value);
    grpc_call_details_destroy(&call->info);
    grpc_metadata_array_destroy(&call->metadata);
    bool was_running = call->arena;
    bool was_admitted = call->is_admitted;
    bool was_carrier = call->is_carrier;
    size_t charged_bytes = call->charged_bytes;
    arena_destroy(call->arena);
    mem_free(call);

    pthread_mutex_lock(&server->lock);
    server->ncalls--;
    server->nrunning -= was_running;
    server->nadmitted -= was_admitted;
    server->ncarriers -= was_carrier;
    server->charged_bytes -= charged_bytes;
    if (server->ncalls == 0 || (server->is_stopping && server->nadmitted == 0))
        pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    if (stream)
        rpc_call_release(stream);
}

void rpc_call_hold(struct rpc_call *call)
{
    (void)atomic_fetch_add_explicit(&call->nholds, 1, memory_order_relaxed);
}

void rpc_call_release(struct rpc_call *call)
{
    if (atomic_fetch_sub_explicit(&call->nholds, 1, memory_order_acq_rel) == 1)
        rpc_call_destroy(call);
}

/* Cancellation. */

/* Whether on_cancel is due now; whoever gets true must call tell. The lock is held. */
static bool claim_waiter(struct rpc_call *call)
{
    if (!call->waiter || call->is_told || call->is_ended)
        return false;
    call->is_told = true;
    list_remove(&call->waiting);
    rpc_call_hold(call);
    return true;
}

/* An empty batch comes back at once: that is the way onto a loop thread. */
static void tell(struct rpc_call *call)
{
    struct rpc_batch batch = {0};

    rpc_batch_start(&batch, rpc_call_get_core(call), &call->told);
}

static bool is_ended(struct rpc_call *call)
{
    pthread_mutex_lock(&call->server->lock);
    bool is_over = call->is_ended;
    pthread_mutex_unlock(&call->server->lock);
    return is_over;
}

static void on_told(struct rpc_tag *tag, bool ok)
{
    struct rpc_call *call = container_of(tag, struct rpc_call, told);

    (void)ok;
    if (!is_ended(call))
        call->waiter->on_cancel(call->waiter);
    rpc_call_release(call);
}

void rpc_call_cancel(struct rpc_call *call)
{
    pthread_mutex_lock(&call->server->lock);
    atomic_store(&call->is_cancelled, true);
    bool is_due = claim_waiter(call);
    pthread_mutex_unlock(&call->server->lock);
    if (is_due)
        tell(call);
}

static void on_closed(struct rpc_tag *tag, bool ok)
{
    struct rpc_call *call = container_of(tag, struct rpc_call, closed);

    (void)ok;
    if (call->was_cancelled)
        rpc_call_cancel(call);
    rpc_call_release(call);
}

static void add_close(struct rpc_call *call, struct rpc_batch *batch)
{
    rpc_batch_add(batch, GRPC_OP_RECV_CLOSE_ON_SERVER)->data.recv_close_on_server.cancelled =
        &call->was_cancelled;
    call->is_close_asked = true;
}

/* Has on_closed run when the call is over for the peer. */
static void start_close(struct rpc_call *call)
{
    struct rpc_batch batch = {0};

    rpc_call_hold(call);
    add_close(call, &batch);
    rpc_batch_start(&batch, call->core, &call->closed);
}

void rpc_call_set_cancel(struct rpc_call *call, struct rpc_cancel *waiter)
{
    struct rpc_server *server = call->server;
    bool is_due = false;

    if (!call->is_close_asked)
        start_close(call);
    pthread_mutex_lock(&server->lock);
    assert(!call->waiter);
    call->waiter = waiter;
    if (server->is_stopping || atomic_load(&call->is_cancelled))
        is_due = claim_waiter(call);
    else if (!call->is_ended) /* on_sent may have ended it */
        list_add_last(&server->waiting, &call->waiting);
    pthread_mutex_unlock(&server->lock);
    if (is_due)
        tell(call);
}

void rpc_call_tell_all(struct rpc_server *server)
{
    struct list *link;

    do {
        struct rpc_call *call = NULL;
        pthread_mutex_lock(&server->lock);
        link = list_take_first(&server->waiting);
        if (link) {
            call = container_of(link, struct rpc_call, waiting);
            bool is_due = claim_waiter(call);
            assert(is_due); /* or it would not have been in the list */
        }
        pthread_mutex_unlock(&server->lock);
        if (call)
            tell(call);
    } while (link);
}

bool rpc_call_is_cancelled(const struct rpc_call *call)
{
    return atomic_load(&call->is_cancelled);
}

/* Receiving. */

static void start_receive(struct rpc_call *call)
{
    struct rpc_batch batch = {0};

    rpc_call_hold(call);
    rpc_batch_add_receive(&batch, &call->bytes);
    rpc_batch_start(&batch, call->core, &call->received);
}

/*
 * What unpacking takes is only known afterwards, so a multiple of what came is charged to the server; *charged_bytes is what
 * was before, and what is now.
 */
static struct status charge(struct rpc_server *server, size_t size_bytes, size_t *charged_bytes)
{
    size_t cost_bytes = size_bytes * CHARGE_FACTOR;

    if (cost_bytes > server->max_arena_bytes)
        cost_bytes = server->max_arena_bytes;
    pthread_mutex_lock(&server->lock);
    server->charged_bytes -= *charged_bytes;
    bool has_room = cost_bytes <= server->max_total_bytes - server->charged_bytes;
    *charged_bytes = has_room ? cost_bytes : 0;
    server->charged_bytes += *charged_bytes;
    pthread_mutex_unlock(&server->lock);
    if (!has_room)
        return status_error(STATUS_RESOURCE_EXHAUSTED, "too many large requests at a time");
    return status_ok();
}

/* While a message is being inflated, the largest that may come out is charged. */
static struct status inflate(struct rpc_call *call, size_t *charged_bytes)
{
    size_t max_bytes = call->server->max_message_bytes;
    struct status st =
        charge(call->server, rpc_inflate_get_bound(call->bytes, max_bytes), charged_bytes);

    if (st.code != STATUS_OK)
        return st;
    return rpc_inflate(&call->bytes, max_bytes);
}

/* Reads and frees what was received. */
static struct status decode(struct rpc_call *call, struct arena *arena, size_t *charged_bytes,
                            struct message_wire_fault *ret_fault, ProtobufCMessage **ret)
{
    struct status st = status_ok();

    if (rpc_inflate_is_due(call->bytes))
        st = inflate(call, charged_bytes);
    if (st.code == STATUS_OK)
        st = charge(call->server, grpc_byte_buffer_length(call->bytes), charged_bytes);
    if (st.code == STATUS_OK)
        st = rpc_codec_read(call->bytes, call->route->input, arena, ret_fault, ret);
    grpc_byte_buffer_destroy(call->bytes);
    call->bytes = NULL;
    return st;
}

/* Reads what came with a call on a stream. */
static struct status decode_carried(struct rpc_call *call, struct message_wire_fault *ret_fault,
                                    ProtobufCMessage **ret)
{
    struct status st = charge(call->server, call->carried_request.len, &call->charged_bytes);

    if (st.code != STATUS_OK)
        return st;
    return message_wire_read(call->carried_request, call->route->input, call->arena, ret_fault,
                             ret);
}

static void receive_request(struct rpc_call *call)
{
    struct message_wire_fault fault = {.what = NULL};
    ProtobufCMessage *message = NULL;
    struct status st;

    /* How the protocol wants it: grpc.github.io, "Status codes", request cardinality violation. */
    if (call->stream)
        st = decode_carried(call, &fault, &message);
    else if (!call->bytes)
        st = status_error(STATUS_UNIMPLEMENTED, "the method takes a message; there was none");
    else
        st = decode(call, call->arena, &call->charged_bytes, &fault, &message);
    if (fault.what) {
        rpc_call_add_violation(call, fault.field, fault.what);
        rpc_call_set_reason(call, "INVALID_FIELD", NULL, NULL);
    }
    if (st.code == STATUS_OK)
        call->route->method->start(call, message);
    else
        rpc_call_end(call, st, NULL);
}

/* A message of a stream, and what is charged for it, is there until on_received returns. */
static void receive_in_stream(struct rpc_call *call)
{
    struct rpc_receive *receive = call->receive;
    struct arena *arena = NULL;
    size_t charged_bytes = 0;
    ProtobufCMessage *message = NULL;
    struct status st = status_ok();

    call->receive = NULL;
    if (is_ended(call))
        return;
    if (call->bytes) {
        arena = arena_create(call->server->max_arena_bytes);
        st = decode(call, arena, &charged_bytes, NULL, &message);
    }
    receive->on_received(receive, st, message);
    arena_destroy(arena);
    (void)charge(call->server, 0, &charged_bytes);
}

static void on_received(struct rpc_tag *tag, bool ok)
{
    struct rpc_call *call = container_of(tag, struct rpc_call, received);

    (void)ok;
    if (call->receive)
        receive_in_stream(call);
    else if (grpc_call_failed_before_recv_message(call->core))
        rpc_call_end(call, status_error(STATUS_CANCELLED, "the call was cancelled"), NULL);
    else
        receive_request(call);
    rpc_call_release(call);
}

void rpc_call_receive(struct rpc_call *call, struct rpc_receive *receive)
{
    assert(!call->receive && call->route->method->kind == RPC_BIDI_STREAM);
    call->receive = receive;
    start_receive(call);
}

/* Sending. */

static void add_header(struct rpc_call *call, struct rpc_batch *batch)
{
    if (!call->is_header_sent)
        (void)rpc_batch_add(batch, GRPC_OP_SEND_INITIAL_METADATA);
    call->is_header_sent = true;
}

/* Sends a message behind the header, which says how large ones are compressed if the client takes that. */
static void add_message(struct rpc_call *call, struct rpc_batch *batch, grpc_byte_buffer *bytes)
{
    if (!call->is_header_sent)
        rpc_batch_add_gzip_header(batch);
    call->is_header_sent = true;
    rpc_batch_add_message(batch, bytes);
}

static void on_sent(struct rpc_tag *tag, bool ok)
{
    struct rpc_call *call = container_of(tag, struct rpc_call, sent);
    struct rpc_send *send = call->send;

    call->send = NULL;
    if (!is_ended(call))
        send->on_sent(send, ok);
    rpc_call_release(call);
}

static void send_bytes(struct rpc_call *call, grpc_byte_buffer *bytes, struct rpc_send *send)
{
    struct rpc_batch batch = {0};

    assert(!call->send && call->route->method->kind != RPC_UNARY);
    call->send = send;
    rpc_call_hold(call);
    add_message(call, &batch, bytes);
    rpc_batch_start(&batch, call->core, &call->sent);
    grpc_byte_buffer_destroy(bytes);
}

void rpc_call_send_bytes(struct rpc_call *call, struct str bytes, struct rpc_send *send)
{
    grpc_slice slice = grpc_slice_from_copied_buffer(bytes.data, bytes.len);

    send_bytes(call, grpc_raw_byte_buffer_create(&slice, 1), send);
    grpc_slice_unref(slice);
}

void rpc_call_send(struct rpc_call *call, const ProtobufCMessage *message, struct rpc_send *send)
{
    send_bytes(call, rpc_codec_write(message), send);
}

void rpc_call_send_packed(struct rpc_call *call, const struct rpc_packed *packed,
                          struct rpc_send *send)
{
    send_bytes(call, rpc_packed_write(packed), send);
}

static void on_ended(struct rpc_tag *tag, bool ok)
{
    (void)ok; /* the peer may be gone; that is its affair */
    rpc_call_release(container_of(tag, struct rpc_call, ended));
}

/* INTERNAL is for us to read: the log gets the text, the client a number to ask about. */
static struct status hide(struct rpc_call *call, struct status st)
{
    const char *id = rpc_origin_get_request_id(call);
    char trace_id[TRACE_ID_TEXT_BYTES];

    trace_context_write_id(&rpc_origin_get_span(call)->context, trace_id);
    call->details = (struct rpc_details){.reason = NULL};
    log_error("call failed", log_str("request_id", id), log_str("trace_id", trace_id),
              log_str("method", call->route->path), log_str("task", call->task_id),
              log_str("actor", call->actor), log_str("error", st.text));
    return status_error(STATUS_INTERNAL, "internal error, request id %s", id);
}

/* Packs what an error says; empty without one, and when nobody reads it. */
static struct buf write_details(struct rpc_call *call, struct status st)
{
    struct buf packed = {0};

    if (st.code != STATUS_OK && !rpc_call_is_cancelled(call))
        rpc_details_write(&call->details, st, call->arena, &packed);
    return packed;
}

static void add_status(struct rpc_call *call, struct rpc_batch *batch, struct status st,
                       grpc_slice *text)
{
    grpc_op *op = rpc_batch_add(batch, GRPC_OP_SEND_STATUS_FROM_SERVER);
    struct buf packed = write_details(call, st);

    op->data.send_status_from_server.status = (grpc_status_code)st.code;
    if (packed.len == 0)
        return;
    call->trailers[0].key = grpc_slice_from_static_string("grpc-status-details-bin");
    call->trailers[0].value = grpc_slice_from_copied_buffer(packed.data, packed.len);
    buf_deinit(&packed);
    call->trailers[1].key = grpc_slice_from_static_string("grpc-retry-pushback-ms");
    call->trailers[1].value = grpc_slice_from_static_string("-1"); /* not at all */
    op->data.send_status_from_server.status_details = text;
    op->data.send_status_from_server.trailing_metadata = call->trailers;
    op->data.send_status_from_server.trailing_metadata_count =
        call->details.is_lasting ? ARRAY_LEN(call->trailers) : 1;
}

static void mark_ended(struct rpc_call *call)
{
    pthread_mutex_lock(&call->server->lock);
    assert(!call->is_ended);
    call->is_ended = true;
    list_remove(&call->waiting);
    pthread_mutex_unlock(&call->server->lock);
}

/* Has core send the end. */
static void send_end(struct rpc_call *call, struct status st, const ProtobufCMessage *reply)
{
    struct rpc_batch batch = {0};
    grpc_byte_buffer *bytes = NULL;

    if (st.code == STATUS_OK && call->route->method->kind == RPC_UNARY) {
        assert(reply);
        bytes = rpc_codec_write(reply);
        add_message(call, &batch, bytes);
    }
    add_header(call, &batch);
    if (!call->is_close_asked)
        add_close(call, &batch);
    grpc_slice text = grpc_slice_from_copied_string(st.text);
    add_status(call, &batch, st, &text);
    rpc_batch_start(&batch, call->core, &call->ended); /* from here on the call may be gone */
    grpc_slice_unref(text);
    if (bytes)
        grpc_byte_buffer_destroy(bytes);
}

static void answer_carried(struct rpc_call *call, struct status st, const ProtobufCMessage *reply)
{
    struct buf details = write_details(call, st);

    rpc_carrier_answer(call, st, buf_get(&details), reply);
    buf_deinit(&details);
    rpc_call_release(call);
}

void rpc_call_end(struct rpc_call *call, struct status st, const ProtobufCMessage *reply)
{
    mark_ended(call);
    rpc_call_metrics_end(call->server->metrics, call->route, st.code, call->details.reason,
                         call->begin_us);
    if (call->is_past_gate && call->server->gate->leave)
        call->server->gate->leave(call->server->gate, call);
    rpc_origin_end(call, st);
    if (st.code == STATUS_INTERNAL)
        st = hide(call, st);
    if (call->stream)
        answer_carried(call, st, reply);
    else
        send_end(call, st, reply);
}

/* What handlers ask for. */

void *rpc_call_get_self(const struct rpc_call *call)
{
    return call->route->self;
}

struct arena *rpc_call_get_arena(struct rpc_call *call)
{
    return call->arena;
}

void *rpc_call_alloc(struct rpc_call *call, size_t size)
{
    return arena_alloc(call->arena, size);
}

unsigned rpc_call_get_time_left_ms(const struct rpc_call *call)
{
    return rpc_deadline_get_left_ms(call->info.deadline, RPC_MAX_TIME_LEFT_MS);
}

struct rpc_call *rpc_call_create(struct rpc_server *server)
{
    struct rpc_call *call = mem_alloc(sizeof(*call));

    call->server = server;
    grpc_call_details_init(&call->info);
    grpc_metadata_array_init(&call->metadata);
    call->closed.on_event = on_closed;
    call->received.on_event = on_received;
    call->sent.on_event = on_sent;
    call->told.on_event = on_told;
    call->ended.on_event = on_ended;
    atomic_init(&call->nholds, 1); /* the handler's */
    pthread_mutex_lock(&server->lock);
    server->ncalls++;
    pthread_mutex_unlock(&server->lock);
    return call;
}

grpc_call *rpc_call_get_core(const struct rpc_call *call)
{
    return call->stream ? call->stream->core : call->core;
}

/* Whether the call, which has come this far, is served. */
static struct status pass_gate(struct rpc_call *call)
{
    struct rpc_gate *gate = call->server->gate;
    struct str path = rpc_caller_get_path(call);
    struct status st = gate ? gate->admit(gate, call) : status_ok();

    if (st.code != STATUS_OK)
        return st;
    call->is_past_gate = gate;
    if (!call->route)
        return status_error(STATUS_UNIMPLEMENTED, "there is no method '%.*s'", (int)path.len,
                            path.data);
    if (call->stream && call->route->method->kind != RPC_UNARY)
        return status_error(STATUS_UNIMPLEMENTED, "method '%.*s' streams, so it cannot be carried",
                            (int)path.len, path.data);
    return st;
}

void rpc_call_serve(struct rpc_call *call, const struct rpc_route *route, struct status st)
{
    call->route = route;
    call->begin_us = rpc_call_metrics_begin(call->server->metrics);
    if (!call->arena)
        call->arena = arena_create(call->server->max_arena_bytes);
    if (route && route->method->kind != RPC_UNARY && !call->stream)
        start_close(call);
    rpc_call_hold(call); /* until the handler's start has returned */
    rpc_origin_begin(call);
    if (!call->is_admitted)
        st = rpc_call_set_stopping(call);
    if (st.code == STATUS_OK)
        st = pass_gate(call);
    if (st.code != STATUS_OK)
        rpc_call_end(call, st, NULL);
    else if (route->method->kind == RPC_BIDI_STREAM)
        route->method->start(call, NULL);
    else if (call->stream)
        receive_request(call);
    else
        start_receive(call);
    rpc_call_release(call);
}
