/*
 * rpc/client.c - unary calls as one batch, with one tag; when they are repeated, as one after the other.
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
#include "rpc/codec.h"

struct rpc_client_state {
    struct rpc_client_call *call;
    struct rpc_calling calling;
    struct arena *arena; /* for the reply */
    bool owns_arena;
    bool was_cancelled; /* by our own; under the channel's lock */
    struct rpc_tag done;
    grpc_byte_buffer *request;
    grpc_byte_buffer *reply; /* filled in by core */
    unsigned ntries;
    struct timer again; /* for the next try */
};

/* The end of a call. */

/* Makes the status of a call that is done, and its reply if that is OK. */
static struct status read_end(struct rpc_client_state *state, ProtobufCMessage **ret)
{
    struct rpc_client_call *call = state->call;
    const char *target = call->channel->target;
    struct status st = rpc_calling_read_end(&state->calling, state->was_cancelled);

    if (st.code != STATUS_OK)
        return st;
    if (!state->reply)
        return status_error(STATUS_INTERNAL, "'%s' sent no reply to %s", target, call->method);
    st = call->reply_field
             ? rpc_codec_read_field(state->reply, call->reply_type, call->reply_field, state->arena,
                                    ret)
             : rpc_codec_read(state->reply, call->reply_type, state->arena, NULL, ret);
    if (st.code == STATUS_INVALID_ARGUMENT)
        return status_error(STATUS_INTERNAL, "'%s' sent a bad reply to %s: %s", target,
                            call->method, st.text);
    return st;
}

static void free_state(struct rpc_client_state *state)
{
    rpc_calling_deinit(&state->calling);
    grpc_byte_buffer_destroy(state->request);
    if (state->reply)
        grpc_byte_buffer_destroy(state->reply);
    if (state->owns_arena)
        arena_destroy(state->arena);
    mem_free(state);
}

/* Whether the call waits for its next try now, for which there must be time left. The lock is held. */
static bool wait_if_due(struct rpc_client_state *state)
{
    struct rpc_channel *channel = state->call->channel;
    unsigned delay_ms = 0;

    if (!channel->timers || state->was_cancelled || state->reply ||
        !rpc_repeat_is_due(&channel->repeat, &state->calling, state->ntries, &delay_ms) ||
        rpc_deadline_get_left_ms(state->calling.deadline, UINT_MAX) <= delay_ms)
        return false;
    timers_set(channel->timers, &state->again, delay_ms);
    return true;
}

static void on_done(struct rpc_tag *tag, bool ok)
{
    struct rpc_client_state *state = container_of(tag, struct rpc_client_state, done);
    struct rpc_client_call *call = state->call;
    ProtobufCMessage *reply = NULL;

    (void)ok; /* a batch that receives the status always is */
    pthread_mutex_lock(&call->channel->lock);
    bool goes_on = wait_if_due(state);
    if (!goes_on)
        call->state = NULL; /* no cancellation from here on */
    pthread_mutex_unlock(&call->channel->lock);
    if (goes_on)
        return;
    call->details = rpc_calling_find_details(&state->calling);
    struct status st = read_end(state, &reply);
    rpc_calling_leave(&state->calling);
    call->on_done(call, st, st.code == STATUS_OK ? reply : NULL);
    free_state(state); /* call may be gone, or under way again */
}

/* The start of a call. */

/* From here on the state may be gone, unless the channel's lock is held. */
static void start(struct rpc_client_state *state)
{
    struct rpc_batch batch = {0};
    grpc_byte_buffer *bytes = grpc_byte_buffer_copy(state->request); /* core takes what is in it */

    state->ntries++;
    rpc_calling_add_sends(&batch, &state->calling, bytes, state->call->waits_for_ready);
    rpc_batch_add_receive(&batch, &state->reply);
    rpc_calling_add_end(&batch, &state->calling);
    rpc_batch_start(&batch, state->calling.core, &state->done);
    grpc_byte_buffer_destroy(bytes);
}

/* On the timers' thread. */
static void on_again(struct timer *timer)
{
    struct rpc_client_state *state = container_of(timer, struct rpc_client_state, again);
    struct rpc_channel *channel = state->call->channel;

    pthread_mutex_lock(&channel->lock);
    rpc_calling_reset(&state->calling, state->call->method);
    if (state->was_cancelled)
        (void)grpc_call_cancel(state->calling.core, NULL);
    start(state); /* ends at once if it was cancelled */
    pthread_mutex_unlock(&channel->lock);
}

static struct rpc_client_state *create_state(struct rpc_client_call *call, struct arena *arena)
{
    struct rpc_channel *channel = call->channel;
    struct rpc_client_state *state = mem_alloc(sizeof(*state));
    size_t arena_bytes = channel->max_message_bytes * RPC_CALLING_ARENA_FACTOR;

    state->call = call;
    state->done.on_event = on_done;
    state->again.on_fire = on_again;
    state->owns_arena = !arena;
    state->arena = arena ? arena : arena_create(arena_bytes);
    rpc_calling_init(&state->calling, channel, call->method, call->timeout_ms);
    return state;
}

/* arena is where the reply is made; NULL: one that is freed after on_done. */
static void submit(struct rpc_client_call *call, const ProtobufCMessage *request,
                   struct arena *arena)
{
    assert(call->timeout_ms > 0);
    struct rpc_client_state *state = create_state(call, arena);
    state->request = rpc_codec_write(request);
    rpc_calling_set_headers(&state->calling, call->headers, call->nheaders);

    pthread_mutex_lock(&call->channel->lock);
    assert(!call->state);
    call->state = state;
    pthread_mutex_unlock(&call->channel->lock);
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

void rpc_client_call_cancel(struct rpc_client_call *call)
{
    pthread_mutex_lock(&call->channel->lock);
    if (call->state) {
        call->state->was_cancelled = true;
        (void)grpc_call_cancel(call->state->calling.core, NULL);
        hurry(call->state);
    }
    pthread_mutex_unlock(&call->channel->lock);
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
