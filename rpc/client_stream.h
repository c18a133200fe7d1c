/*
 * rpc/client_stream.h - calls whose reply is a stream of messages.
 *
 * A stream is pulled: each rpc_client_stream_next is answered once, by on_message or by on_end, and nothing comes that
 * was not asked for. So a caller that is slow slows down the server, through the flow control of HTTP/2, and holds one
 * message at a time.
 */
#ifndef RPC_CLIENT_STREAM_H
#define RPC_CLIENT_STREAM_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "base/status.h"
#include "base/str.h"
#include "rpc/client.h"

/*
 * One call, embedded in what waits for it. The first part is the caller's to fill; zero the rest. It may be opened
 * again after on_end.
 */
struct rpc_client_stream {
    struct rpc_channel *channel;
    const char *method; /* "/sluice.v1.TaskService/WatchTasks"; borrowed until on_end */
    const ProtobufCMessageDescriptor *message_type;
    unsigned timeout_ms;  /* for the whole stream; 0: none */
    bool waits_for_ready; /* wait for a connection until the deadline instead of failing at once */
    const struct rpc_header *headers; /* headers[0 .. nheaders), borrowed by open only */
    size_t nheaders;                  /* at most RPC_CLIENT_MAX_HEADERS */
    /*
     * Runs on a loop thread and must not block. message is borrowed until it has returned, and from then on until the
     * next rpc_client_stream_next.
     */
    void (*on_message)(struct rpc_client_stream *stream, const ProtobufCMessage *message);
    /*
     * Runs once, on a loop thread, must not block, and may free the stream. st is OK when the server has ended the
     * stream and all its messages were taken.
     */
    void (*on_end)(struct rpc_client_stream *stream, struct status st);

    struct rpc_client_stream_state *state; /* of client_stream.c, while under way */
    struct str details;                    /* of client_stream.c */
};

/*
 * Packs request before it returns. Nothing comes back before rpc_client_stream_next, and the stream is there until
 * on_end: who has enough cancels it and asks on. Any thread.
 */
void rpc_client_stream_open(struct rpc_client_stream *stream, const ProtobufCMessage *request);

/*
 * Asks for the next message. Neither callback runs from inside. Only after the answer to the one before; in on_message
 * that is so. Any thread.
 */
void rpc_client_stream_next(struct rpc_client_stream *stream);

/*
 * Has the stream end soon, as CANCELLED if it was not over, whether a message is awaited or not. One that has come
 * may still be given before. Any thread, also when the stream has ended.
 */
void rpc_client_stream_cancel(struct rpc_client_stream *stream);

/* For on_end with an error: the packed google.rpc.Status that came with it, or an empty text. */
struct str rpc_client_stream_get_details(const struct rpc_client_stream *stream);

#endif
