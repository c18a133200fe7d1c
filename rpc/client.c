/*
 * rpc/client.c - unary calls as one batch, with one tag.
 *
 * What core fills in lives in a state of its own, so that the caller's struct may be submitted
 * again, or be gone, once on_done has begun.
 */
#include "rpc/client.h"

#include <assert.h>
#include <pthread.h>

#include <grpc/compression.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "base/arena.h"
#include "base/mem.h"
#include "rpc/batch.h"
#include "rpc/calling.h"
#include "rpc/codec.h"

enum { DEFAULT_REPLY_BYTES = 16 << 20 };

struct rpc_client_state {
    struct rpc_client_call *call;
    struct rpc_calling calling;
    struct arena *arena; /* for the reply */
    bool owns_arena;
    bool was_cancelled; /* by our own; under the channel's lock */
    struct rpc_tag done;
    grpc_byte_buffer *reply; /* filled in by core */
};

/* Channels. */

static grpc_arg make_arg(const char *key, int value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER,
        .key = (char *)(uintptr_t)key, /* core does not write to it */
        .value.integer = value,
    };
}

static grpc_channel *create_core(const struct rpc_channel_options *options, size_t max_bytes)
{
    grpc_arg args[] = {
        {
            .type = GRPC_ARG_STRING,
            .key = (char *)(uintptr_t)GRPC_ARG_PRIMARY_USER_AGENT_STRING,
            .value.string = (char *)(uintptr_t)(options->user_agent ? options->user_agent : ""),
        },
        make_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)max_bytes),
        /* Core decompresses before it looks at the size. */
        make_arg(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE),
        make_arg(GRPC_ARG_ENABLE_RETRIES, 0), /* who calls knows what is safe to repeat */
        make_arg(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        make_arg(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        make_arg(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1), /* no backoff that others have caused */
        make_arg(GRPC_ARG_ENABLE_CHANNELZ, 0),
        make_arg(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100),
        make_arg(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000),
        make_arg(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000), /* how long one attempt may take */
        make_arg(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 1000),
        /* A server that is gone without a word is noticed. Servers allow a ping each 10 s. */
        make_arg(GRPC_ARG_KEEPALIVE_TIME_MS, 20000),
        make_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000),
        make_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        make_arg(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
    };
    grpc_channel_args list = {ARRAY_LEN(args), args};
    grpc_channel_credentials *plain = grpc_insecure_credentials_create();
    grpc_channel *core = grpc_channel_create(options->target, plain, &list);

    grpc_channel_credentials_release(plain);
    return core;
}

struct rpc_channel *rpc_channel_open(const struct rpc_channel_options *options)
{
    struct rpc_channel *channel = mem_alloc(sizeof(*channel));

    channel->max_message_bytes =
        options->max_message_bytes ? options->max_message_bytes : (size_t)DEFAULT_REPLY_BYTES;
    channel->queue = rpc_loop_get_queue(options->loop);
    channel->target = mem_copy_str(str_from(options->target));
    channel->core = create_core(options, channel->max_message_bytes);
    (void)pthread_mutex_init(&channel->lock, NULL);
    return channel;
}

void rpc_channel_close(struct rpc_channel *channel)
{
    if (!channel)
        return;
    grpc_channel_destroy(channel->core);
    (void)pthread_mutex_destroy(&channel->lock);
    mem_free(channel->target);
    mem_free(channel);
}

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
    st = rpc_codec_read(state->reply, call->reply_type, state->arena, NULL, ret);
    if (st.code == STATUS_INVALID_ARGUMENT)
        return status_error(STATUS_INTERNAL, "'%s' sent a bad reply to %s: %s", target,
                            call->method, st.text);
    return st;
}

static void free_state(struct rpc_client_state *state)
{
    rpc_calling_deinit(&state->calling);
    if (state->reply)
        grpc_byte_buffer_destroy(state->reply);
    if (state->owns_arena)
        arena_destroy(state->arena);
    mem_free(state);
}

static void on_done(struct rpc_tag *tag, bool ok)
{
    struct rpc_client_state *state = container_of(tag, struct rpc_client_state, done);
    struct rpc_client_call *call = state->call;
    ProtobufCMessage *reply = NULL;

    (void)ok; /* a batch that receives the status always is */
    pthread_mutex_lock(&call->channel->lock);
    call->state = NULL; /* no cancellation from here on */
    pthread_mutex_unlock(&call->channel->lock);
    call->details = rpc_calling_find_details(&state->calling);
    struct status st = read_end(state, &reply);
    call->on_done(call, st, st.code == STATUS_OK ? reply : NULL);
    free_state(state); /* call may be gone, or under way again */
}

/* The start of a call. */

static struct rpc_client_state *create_state(struct rpc_client_call *call, struct arena *arena)
{
    struct rpc_channel *channel = call->channel;
    struct rpc_client_state *state = mem_alloc(sizeof(*state));
    size_t arena_bytes = channel->max_message_bytes * RPC_CALLING_ARENA_FACTOR;

    state->call = call;
    state->done.on_event = on_done;
    state->owns_arena = !arena;
    state->arena = arena ? arena : arena_create(arena_bytes);
    rpc_calling_init(&state->calling, channel, call->method, call->timeout_ms);
    return state;
}

/* arena is where the reply is made; NULL: one that is freed after on_done. */
static void submit(struct rpc_client_call *call, const ProtobufCMessage *request,
                   struct arena *arena)
{
    struct rpc_batch batch = {0};

    assert(call->timeout_ms > 0);
    struct rpc_client_state *state = create_state(call, arena);
    grpc_byte_buffer *bytes = rpc_codec_write(request);
    rpc_calling_add_sends(&batch, bytes, call->waits_for_ready);
    rpc_batch_add_receive(&batch, &state->reply);
    rpc_calling_add_end(&batch, &state->calling);

    pthread_mutex_lock(&call->channel->lock);
    assert(!call->state);
    call->state = state;
    pthread_mutex_unlock(&call->channel->lock);
    rpc_batch_start(&batch, state->calling.core,
                    &state->done); /* from here on the call may be gone */
    grpc_byte_buffer_destroy(bytes);
}

void rpc_client_call_submit(struct rpc_client_call *call, const ProtobufCMessage *request)
{
    submit(call, request, NULL);
}

void rpc_client_call_cancel(struct rpc_client_call *call)
{
    pthread_mutex_lock(&call->channel->lock);
    if (call->state) {
        call->state->was_cancelled = true;
        (void)grpc_call_cancel(call->state->calling.core, NULL);
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
