#include "cli/stream.h"

#include <pthread.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "cli/connection.h"
#include "rpc/client_stream.h"

struct stream {
    struct connection connection;
    struct rpc_client_stream call;

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    const ProtobufCMessage *message; /* that came and was not looked at */
    bool is_over;
    struct status st;
};

/* On the loop's thread. */
static void on_message(struct rpc_client_stream *call, const ProtobufCMessage *message)
{
    struct stream *stream = container_of(call, struct stream, call);

    (void)pthread_mutex_lock(&stream->lock);
    stream->message = message;
    (void)pthread_cond_signal(&stream->changed);
    (void)pthread_mutex_unlock(&stream->lock);
}

static void on_end(struct rpc_client_stream *call, struct status st)
{
    struct stream *stream = container_of(call, struct stream, call);

    (void)pthread_mutex_lock(&stream->lock);
    stream->is_over = true;
    stream->st = st;
    (void)pthread_cond_signal(&stream->changed);
    (void)pthread_mutex_unlock(&stream->lock);
}

struct status stream_open(const struct cli_settings *settings, const char *method,
                          const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
                          struct stream **ret)
{
    struct stream *stream = mem_alloc(sizeof(*stream));
    struct status st = connection_open(settings, &stream->connection);

    if (st.code != STATUS_OK) {
        mem_free(stream);
        return st;
    }
    (void)pthread_mutex_init(&stream->lock, NULL);
    (void)pthread_cond_init(&stream->changed, NULL);
    stream->call = (struct rpc_client_stream){
        .channel = stream->connection.channel,
        .method = method,
        .message_type = type,
        .on_message = on_message,
        .on_end = on_end,
    };
    rpc_client_stream_open(&stream->call, request);
    *ret = stream;
    return st;
}

const ProtobufCMessage *stream_find_next(struct stream *stream)
{
    if (stream->is_over)
        return NULL;
    rpc_client_stream_next(&stream->call);
    (void)pthread_mutex_lock(&stream->lock);
    while (!stream->message && !stream->is_over)
        (void)pthread_cond_wait(&stream->changed, &stream->lock);
    const ProtobufCMessage *message = stream->message;
    stream->message = NULL;
    (void)pthread_mutex_unlock(&stream->lock);
    return message;
}

struct status stream_get_end(const struct stream *stream)
{
    return stream->st;
}

void stream_close(struct stream *stream)
{
    if (!stream)
        return;
    rpc_client_stream_cancel(&stream->call);
    while (stream_find_next(stream)) {
    }
    connection_close(&stream->connection);
    (void)pthread_cond_destroy(&stream->changed);
    (void)pthread_mutex_destroy(&stream->lock);
    mem_free(stream);
}
