/*
 * rpc/client_stream.c - streams of replies: one batch for the call, and one for each message.
 *
 * The batch of the call is out from open to end. Core gives it back with an error at once, but
 * when the server has ended the stream well, only after the last message was received. The end
 * is told when that batch is back and the caller asks in vain: whichever of the two batches comes
 * back last tells it, once no callback runs.
 */
#include "rpc/client_stream.h"

#include <assert.h>

#include "base/arena.h"
#include "base/mem.h"
#include "rpc/calling.h"
#include "rpc/codec.h"

struct rpc_client_stream_state {
    struct rpc_client_stream *stream;
    struct rpc_calling calling;
    struct rpc_tag ended;    /* the batch of the call */
    struct rpc_tag received; /* the batch of a message */
    grpc_byte_buffer *bytes; /* filled in by core, with a message */
    struct arena *arena;     /* of the last message */
    struct status fault;     /* a message that cannot be read; OK: none */

    /* Under the channel's lock. */
    unsigned nholds;    /* batches of messages that are out, and callbacks that run */
    bool is_asked;      /* for a message that has not come yet */
    bool is_over;       /* the batch of the call is back */
    bool was_cancelled; /* by the caller */
};

static void lock(struct rpc_client_stream *stream)
{
    pthread_mutex_lock(&stream->channel->lock);
}

static void unlock(struct rpc_client_stream *stream)
{
    pthread_mutex_unlock(&stream->channel->lock);
}

/* The end. */

/* Under the lock: whether it is the caller's to tell the end now. If so, nobody else comes to the state any more. */
static bool take_end(struct rpc_client_stream_state *state)
{
    if (!state->is_over || state->nholds > 0 || !state->is_asked)
        return false;
    state->stream->state = NULL;
    return true;
}

static void tell_end(struct rpc_client_stream_state *state)
{
    struct rpc_client_stream *stream = state->stream;
    struct status st = state->fault;

    struct rpc_outcome outcome = rpc_calling_get_outcome(&state->calling);
    stream->details = outcome.details;
    if (st.code == STATUS_OK)
        st = rpc_outcome_read(&outcome, stream->channel, stream->timeout_ms, state->was_cancelled);
    rpc_calling_leave(&state->calling);
    stream->on_end(stream, st);
    rpc_calling_deinit(&state->calling);
    arena_destroy(state->arena);
    mem_free(state);
}

static void on_ended(struct rpc_tag *tag, bool ok)
{
    struct rpc_client_stream_state *state =
        container_of(tag, struct rpc_client_stream_state, ended);
    struct rpc_client_stream *stream = state->stream;

    (void)ok; /* a batch that receives the status always is */
    lock(stream);
    state->is_over = true;
    bool is_mine = take_end(state);
    unlock(stream);
    if (is_mine)
        tell_end(state);
}

/* Messages. */

static struct status read_message(struct rpc_client_stream_state *state, grpc_byte_buffer *bytes,
                                  ProtobufCMessage **ret)
{
    const struct rpc_client_stream *stream = state->stream;
    struct status st = rpc_codec_read(bytes, stream->message_type, state->arena, NULL, ret);

    if (st.code == STATUS_INVALID_ARGUMENT)
        return status_error(STATUS_INTERNAL, "'%s' sent a bad message for %s: %s",
                            stream->channel->target, stream->method, st.text);
    return st;
}

static void give_message(struct rpc_client_stream_state *state, grpc_byte_buffer *bytes)
{
    struct rpc_client_stream *stream = state->stream;
    ProtobufCMessage *message = NULL;

    state->arena = arena_create(stream->channel->max_message_bytes * RPC_CALLING_ARENA_FACTOR);
    struct status st = read_message(state, bytes, &message);
    if (st.code != STATUS_OK) { /* the end is the answer */
        state->fault = st;
        (void)grpc_call_cancel(state->calling.core, NULL);
        return;
    }
    lock(stream);
    state->is_asked = false;
    unlock(stream);
    stream->on_message(stream, message);
}

static void on_received(struct rpc_tag *tag, bool ok)
{
    struct rpc_client_stream_state *state =
        container_of(tag, struct rpc_client_stream_state, received);
    struct rpc_client_stream *stream = state->stream;
    grpc_byte_buffer *bytes = state->bytes; /* the next batch may come back while on_message runs */

    (void)ok;
    if (bytes) {
        state->bytes = NULL;
        give_message(state, bytes);
        grpc_byte_buffer_destroy(bytes);
    }
    lock(stream);
    state->nholds--;
    bool is_mine = take_end(state);
    unlock(stream);
    if (is_mine)
        tell_end(state);
}

void rpc_client_stream_next(struct rpc_client_stream *stream)
{
    struct rpc_batch batch = {0};

    lock(stream);
    struct rpc_client_stream_state *state = stream->state;
    assert(state && !state->is_asked);
    state->is_asked = true;
    state->nholds++; /* keeps the state until the batch is back */
    unlock(stream);
    arena_destroy(state->arena);
    state->arena = NULL;
    rpc_batch_add_receive(&batch, &state->bytes); /* with nothing if the stream is over */
    rpc_batch_start(&batch, state->calling.core, &state->received);
}

void rpc_client_stream_cancel(struct rpc_client_stream *stream)
{
    lock(stream);
    if (stream->state) {
        stream->state->was_cancelled = true;
        (void)grpc_call_cancel(stream->state->calling.core, NULL);
    }
    unlock(stream);
}

struct str rpc_client_stream_get_details(const struct rpc_client_stream *stream)
{
    return stream->details;
}

/* The start. */

void rpc_client_stream_open(struct rpc_client_stream *stream, const ProtobufCMessage *request)
{
    struct rpc_client_stream_state *state = mem_alloc(sizeof(*state));
    struct rpc_batch batch = {0};
    grpc_byte_buffer *bytes = rpc_codec_write(request);

    state->stream = stream;
    state->ended.on_event = on_ended;
    state->received.on_event = on_received;
    rpc_calling_init(&state->calling, stream->channel, rpc_channel_enter(stream->channel),
                     stream->method, rpc_calling_make_deadline(stream->timeout_ms));
    rpc_calling_set_headers(&state->calling, stream->headers, stream->nheaders);
    rpc_calling_add_sends(&batch, &state->calling, bytes, stream->waits_for_ready);
    rpc_calling_add_end(&batch, &state->calling);

    lock(stream);
    assert(!stream->state);
    stream->state = state;
    unlock(stream);
    rpc_batch_start(&batch, state->calling.core, &state->ended);
    grpc_byte_buffer_destroy(bytes);
}
