#include "rpc/stream_reader.h"

#include <pthread.h>

#include "base/mem.h"
#include "rpc/client_stream.h"

struct rpc_stream_reader {
    struct rpc_client_stream stream;
    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    bool is_answered; /* the last rpc_client_stream_next */
    bool is_over;
    struct status end; /* OK until it is over */
    const ProtobufCMessage *message;
};

static void on_message(struct rpc_client_stream *stream, const ProtobufCMessage *message)
{
    struct rpc_stream_reader *reader = container_of(stream, struct rpc_stream_reader, stream);

    pthread_mutex_lock(&reader->lock);
    reader->message = message;
    reader->is_answered = true;
    pthread_cond_signal(&reader->changed);
    pthread_mutex_unlock(&reader->lock);
}

static void on_end(struct rpc_client_stream *stream, struct status st)
{
    struct rpc_stream_reader *reader = container_of(stream, struct rpc_stream_reader, stream);

    pthread_mutex_lock(&reader->lock);
    reader->end = st;
    reader->is_over = true;
    reader->is_answered = true;
    pthread_cond_signal(&reader->changed);
    pthread_mutex_unlock(&reader->lock);
}

struct rpc_stream_reader *rpc_stream_reader_open(const struct rpc_request *request)
{
    struct rpc_stream_reader *reader = mem_alloc(sizeof(*reader));

    reader->stream = (struct rpc_client_stream){
        .channel = request->channel,
        .method = request->method,
        .message_type = request->reply_type,
        .timeout_ms = request->timeout_ms,
        .waits_for_ready = request->waits_for_ready,
        .on_message = on_message,
        .on_end = on_end,
    };
    (void)pthread_mutex_init(&reader->lock, NULL);
    (void)pthread_cond_init(&reader->changed, NULL);
    rpc_client_stream_open(&reader->stream, request->message);
    return reader;
}

/* Has the next answer, of whichever kind, in the fields of the reader. */
static void wait_for_answer(struct rpc_stream_reader *reader)
{
    reader->is_answered = false; /* nobody else looks until the stream is asked */
    reader->message = NULL;
    rpc_client_stream_next(&reader->stream);
    pthread_mutex_lock(&reader->lock);
    while (!reader->is_answered)
        pthread_cond_wait(&reader->changed, &reader->lock);
    pthread_mutex_unlock(&reader->lock);
}

struct status rpc_stream_reader_next(struct rpc_stream_reader *reader, const ProtobufCMessage **ret)
{
    wait_for_answer(reader);
    if (reader->end.code == STATUS_OK)
        *ret = reader->message;
    return reader->end;
}

void rpc_stream_reader_close(struct rpc_stream_reader *reader)
{
    if (!reader)
        return;
    rpc_client_stream_cancel(&reader->stream);
    while (!reader->is_over)
        wait_for_answer(reader);
    (void)pthread_cond_destroy(&reader->changed);
    (void)pthread_mutex_destroy(&reader->lock);
    mem_free(reader);
}
