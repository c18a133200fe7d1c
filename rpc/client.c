/*
 * rpc/client.c - unary calls, each as one batch with one tag, or on a stream (rpc/carrier_client.h); when they are repeated, as
 * one after the other.
 *
 * What core fills in lives in a state of its own, so that the caller's struct may be submitted
 * again, or be gone, once on_done has begun.
 */
#include "rpc/client.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>

#include <grpc/grpc.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/timers.h"
#include "rpc/batch.h"
#include "rpc/calling.h"
#include "rpc/carrier_client.h"
#include "rpc/codec.h"
#include "rpc/message_wire.h"
#include "rpc/slice.h"

struct rpc_client_state {
    struct rpc_client_call *call;
    gpr_timespec deadline;
    struct rpc_header headers[RPC_CALLING_MAX_HEADERS]; /* copies */
    size_t nheaders;
    grpc_slice request;
    struct arena *arena; /* for the reply, and for copies */
    bool owns_arena;
    bool was_cancelled; /* by our own; under the channel's lock */
    unsigned ntries;
    struct timer again; /* for the next try */

    bool is_carried; /* this try is; else it is by what follows */
    struct rpc_carried carried;
    bool has_calling;
    struct rpc_calling calling;
    struct rpc_tag done;
    grpc_byte_buffer *reply; /* filled in by core */
};

/* The end of a call. */

/* Reads the bytes that came on a stream, or else what core has filled in. */
static struct status read_reply(struct rpc_client_state *state, struct str carried,
                                ProtobufCMessage **ret)
{
    const struct rpc_client_call *call = state->call;

    if (state->is_carried && call->reply_field)
        return message_wire_read_field(carried, call->reply_type, call->reply_field, state->arena,
                                       NULL, ret);
    if (state->is_carried)
        return message_wire_read(carried, call->reply_type, state->arena, NULL, ret);
    if (call->reply_field)
        return rpc_codec_read_field(state->reply, call->reply_type, call->reply_field, state->arena,
                                    ret);
    return rpc_codec_read(state->reply, call->reply_type, state->arena, NULL, ret);
}

/* Makes the status of a call that is done, and its reply if that is OK. */
static struct status read_end(struct rpc_client_state *state, const struct rpc_outcome *outcome,
                              struct str carried, ProtobufCMessage **ret)
{
    struct rpc_client_call *call = state->call;
    const char *target = call->channel->target;
    struct status st =
        rpc_outcome_read(outcome, call->channel, call->timeout_ms, state->was_cancelled);

    if (st.code != STATUS_OK)
        return st;
    if (!state->is_carried && !state->reply)
        return status_error(STATUS_INTERNAL, "'%s' sent no reply to %s", target, call->method);
    st = read_reply(state, carried, ret);
    if (st.code == STATUS_INVALID_ARGUMENT)
        return status_error(STATUS_INTERNAL, "'%s' sent a bad reply to %s: %s", target,
                            call->method, st.text);
    return st;
}

static void free_state(struct rpc_client_state *state)
{
    if (state->has_calling)
        rpc_calling_deinit(&state->calling);
    grpc_slice_unref(state->request);
    if (state->reply)
        grpc_byte_buffer_destroy(state->reply);
    if (state->owns_arena)
        arena_destroy(state->arena);
    mem_free(state);
}

/* Whether there is a next try, and when. The lock is held. */
static bool is_due(const struct rpc_client_state *state, const struct rpc_outcome *outcome,
                   unsigned *ret_delay_ms)
{
    *ret_delay_ms = 0;
    return outcome->goes_alone ||
           rpc_repeat_is_due(&state->call->channel->repeat, outcome, state->ntries, ret_delay_ms);
}

/* Whether the call waits for its next try now, for which there must be time left. The lock is held. */
static bool wait_if_due(struct rpc_client_state *state, const struct rpc_outcome *outcome)
{
    struct rpc_channel *channel = state->call->channel;
    unsigned delay_ms = 0;

    if (!channel->timers || state->was_cancelled || state->reply ||
        !is_due(state, outcome, &delay_ms) ||
        rpc_deadline_get_left_ms(state->deadline, UINT_MAX) <= delay_ms)
        return false;
    if (outcome->goes_alone)
        state->ntries--; /* the one that has ended does not count */
    timers_set(channel->timers, &state->again, delay_ms);
    return true;
}

/* A try has ended. */
static void end_try(struct rpc_client_state *state, const struct rpc_outcome *outcome,
                    struct str carried)
{
    struct rpc_client_call *call = state->call;
    ProtobufCMessage *reply = NULL;

    pthread_mutex_lock(&call->channel->lock);
    bool goes_on = wait_if_due(state, outcome);
    if (!goes_on)
        call->state = NULL; /* no cancellation from here on */
    pthread_mutex_unlock(&call->channel->lock);
    if (goes_on)
        return;
    call->details = outcome->details;
    struct status st = read_end(state, outcome, carried, &reply);
    if (state->has_calling)
        rpc_calling_leave(&state->calling);
    call->on_done(call, st, st.code == STATUS_OK ? reply : NULL);
    free_state(state); /* call may be gone, or under way again */
}

static void on_done(struct rpc_tag *tag, bool ok)
{
    struct rpc_client_state *state = container_of(tag, struct rpc_client_state, done);
    struct rpc_outcome outcome = rpc_calling_get_outcome(&state->calling);

    (void)ok; /* a batch that receives the status always is */
    end_try(state, &outcome, (struct str){NULL, 0});
}

static void on_answer(struct rpc_carried *carried, const struct rpc_outcome *outcome,
                      struct str reply)
{
    end_try(container_of(carried, struct rpc_client_state, carried), outcome, reply);
}

/* The start of a call. */

/* Has the call carried, if that can be. The lock is held, and released by this if it returns true. */
static bool start_carried(struct rpc_client_state *state)
{
    struct rpc_carrier_client *carrier = state->call->channel->carrier;
    const struct rpc_carried_call call = {
        .method = state->call->method,
        .headers = state->headers,
        .nheaders = state->nheaders,
        .request = rpc_slice_get_bytes(&state->request),
        .left_ms = rpc_deadline_get_left_ms(state->deadline, UINT_MAX),
    };

    state->is_carried = false; /* the try before may have been */
    if (!carrier || state->was_cancelled || state->call->waits_for_ready ||
        state->call->goes_alone || call.left_ms == 0)
        return false;
    bool is_carried = rpc_carrier_client_add(carrier, &state->carried, &call);
    state->is_carried = is_carried;
    if (is_carried)
        rpc_carrier_client_flush(carrier); /* from here on the state may be gone */
    return is_carried;
}

/* Makes a call of core for the next try. The lock is held. */
static void renew(struct rpc_client_state *state)
{
    struct rpc_client_call *call = state->call;

    if (state->has_calling) {
        rpc_calling_reset(&state->calling, call->method);
        return;
    }
    rpc_calling_init(&state->calling, call->channel, rpc_channel_enter_locked(call->channel),
                     call->method, state->deadline);
    rpc_calling_set_headers(&state->calling, state->headers, state->nheaders);
    state->has_calling = true;
}

/* The lock is held, and released by this: from then on the state may be gone. */
static void start(struct rpc_client_state *state)
{
    struct rpc_channel *channel = state->call->channel;
    struct rpc_batch batch = {0};

    state->ntries++;
    if (start_carried(state))
        return;
    renew(state);
    if (state->was_cancelled)
        (void)grpc_call_cancel(state->calling.core, NULL); /* it ends at once */
    grpc_byte_buffer *bytes = grpc_raw_byte_buffer_create(&state->request, 1);
    rpc_calling_add_sends(&batch, &state->calling, bytes, state->call->waits_for_ready);
    rpc_batch_add_receive(&batch, &state->reply);
    rpc_calling_add_end(&batch, &state->calling);
    pthread_mutex_unlock(&channel->lock);
    rpc_batch_start(&batch, state->calling.core, &state->done);
    grpc_byte_buffer_destroy(bytes);
}

/* On the timers' thread. */
static void on_again(struct timer *timer)
{
    struct rpc_client_state *state = container_of(timer, struct rpc_client_state, again);

    pthread_mutex_lock(&state->call->channel->lock);
    start(state);
}

/* Keeps what the call sends besides its request. */
static void copy_headers(struct rpc_client_state *state)
{
    const struct rpc_client_call *call = state->call;
    char token[RPC_CALLING_TOKEN_BYTES];

    assert(call->nheaders <= RPC_CLIENT_MAX_HEADERS);
    for (size_t i = 0; i < call->nheaders; i++) {
        struct str value = call->headers[i].value;
        state->headers[i].key = call->headers[i].key;
        state->headers[i].value = str_from_bytes(arena_copy_str(state->arena, value), value.len);
    }
    state->nheaders = call->nheaders;
    if (!rpc_calling_write_token(call->channel, call->headers, call->nheaders, token))
        return;
    state->headers[state->nheaders++] = (struct rpc_header){
        rpc_calling_authorization, str_from(arena_copy_str(state->arena, str_from(token)))};
    mem_wipe(token, sizeof(token));
}

static struct rpc_client_state *create_state(struct rpc_client_call *call, struct arena *arena)
{
    struct rpc_channel *channel = call->channel;
    struct rpc_client_state *state = mem_alloc(sizeof(*state));
    size_t arena_bytes = channel->max_message_bytes * RPC_CALLING_ARENA_FACTOR;

    state->call = call;
    state->done.on_event = on_done;
    state->carried.on_answer = on_answer;
    state->again.on_fire = on_again;
    state->owns_arena = !arena;
    state->arena = arena ? arena : arena_create(arena_bytes);
    state->deadline = rpc_calling_make_deadline(call->timeout_ms);
    copy_headers(state);
    return state;
}

/* arena is where the reply is made; NULL: one that is freed after on_done. */
static void submit(struct rpc_client_call *call, const ProtobufCMessage *request,
                   struct arena *arena)
{
    assert(call->timeout_ms > 0);
    struct rpc_client_state *state = create_state(call, arena);
    state->request = rpc_codec_pack(request);

    pthread_mutex_lock(&call->channel->lock);
    assert(!call->state);
    call->state = state;
    start(state); /* from here on the call may be gone */
}

void rpc_client_call_submit(struct rpc_client_call *call, const ProtobufCMessage *request)
{
    submit(call, request, NULL);
}

/* A call that waits for its next try has it now. The lock is held. */
static void hurry(struct rpc_client_state *state)
{
    struct timers *timers = state->call->channel->timers;

    if (timers && timers_cancel(timers, &state->again))
        timers_set(timers, &state->again, 0);
}

/* The lock is held. */
static void cancel_try(struct rpc_client_state *state)
{
    if (state->is_carried)
        rpc_carrier_client_cancel(&state->carried);
    else
        (void)grpc_call_cancel(state->calling.core, NULL);
}

void rpc_client_call_cancel(struct rpc_client_call *call)
{
    struct rpc_channel *channel = call->channel;

    pthread_mutex_lock(&channel->lock);
    if (call->state) {
        call->state->was_cancelled = true;
        cancel_try(call->state);
        hurry(call->state);
    }
    if (channel->carrier)
        rpc_carrier_client_flush(channel->carrier);
    else
        pthread_mutex_unlock(&channel->lock);
}

struct str rpc_client_call_get_details(const struct rpc_client_call *call)
{
    return call->details;
}

/* Waiting. */

struct waiter {
    struct rpc_client_call call;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done;
    struct status st;
    const ProtobufCMessage *reply;
    struct arena *arena;
    struct str details;
};

static void on_waited(struct rpc_client_call *call, struct status st, const ProtobufCMessage *reply)
{
    struct waiter *waiter = container_of(call, struct waiter, call);

    pthread_mutex_lock(&waiter->lock);
    waiter->st = st;
    waiter->reply = reply;
    struct str details = rpc_client_call_get_details(call);
    waiter->details = str_from_bytes(arena_copy_str(waiter->arena, details), details.len);
    waiter->is_done = true;
    pthread_cond_signal(&waiter->changed);
    pthread_mutex_unlock(&waiter->lock);
}

struct status rpc_client_call_wait(const struct rpc_request *request, struct arena *arena,
                                   const ProtobufCMessage **ret_reply)
{
    struct waiter waiter = {
        .call = {.channel = request->channel,
                 .method = request->method,
                 .reply_type = request->reply_type,
                 .timeout_ms = request->timeout_ms,
                 .waits_for_ready = request->waits_for_ready,
                 .on_done = on_waited},
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
        .arena = arena,
    };

    submit(&waiter.call, request->message, arena);
    pthread_mutex_lock(&waiter.lock);
    while (!waiter.is_done)
        pthread_cond_wait(&waiter.changed, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
    (void)pthread_cond_destroy(&waiter.changed);
    (void)pthread_mutex_destroy(&waiter.lock);
    if (waiter.st.code == STATUS_OK)
        *ret_reply = waiter.reply;
    else if (request->ret_details)
        *request->ret_details = waiter.details;
    return waiter.st;
}
