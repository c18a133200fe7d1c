#include "rest-shim/event_reply.h"

#include <ctype.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/json_out.h"
#include "rest-shim/request_origin.h"
#include "rest-shim/routes.h"
#include "rpc/client_stream.h"
#include "rpc/message_json.h"
#include "sluice/v1/task.pb-c.h"

enum { RETRY_MS = 2000 }; /* how long a client waits before it comes back */

/* All in the request's arena. */
struct event_reply {
    struct shim_op op;
    struct event_replies *replies;
    struct rpc_client_stream call;
    struct http_stream stream;
    struct http_gone gone;
    bool has_begun; /* for the callbacks of call alone */
};

/* The text. */

/* "CHANGED" of TASK_CHANGE_TYPE_CHANGED, in lower case. */
static void write_name(Pb__TaskChangeType type, struct buf *ret)
{
    static const char prefix[] = "TASK_CHANGE_TYPE_";
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&pb__task_change_type__descriptor, (int)type);

    if (!value) /* of a newer gateway: an event without a name */
        return;
    buf_append_text(ret, "event: ");
    for (const char *c = value->name + sizeof(prefix) - 1; *c; c++)
        buf_append_char(ret, (char)tolower((unsigned char)*c));
    buf_append_char(ret, '\n');
}

void event_reply_write(const ProtobufCMessage *message, bool is_first, struct buf *ret)
{
    const Pb__TaskChange *change = (const Pb__TaskChange *)message;
    struct json_out out = json_out_make(ret);

    if (is_first)
        buf_printf(ret, "retry: %d\n", RETRY_MS);
    if (change->cursor[0] != '\0') /* without one the client keeps the id that it has */
        buf_printf(ret, "id: %s\n", change->cursor);
    write_name(change->type, ret);
    buf_append_text(ret, "data: ");
    message_json_write(message, &out); /* on one line */
    buf_append_text(ret, "\n\n");
}

/* On the loop thread: the turn of the stream is ours whenever the call answers. */

static void on_message(struct rpc_client_stream *call, const ProtobufCMessage *message)
{
    struct event_reply *reply = container_of(call, struct event_reply, call);
    struct buf piece = {0};

    event_reply_write(message, !reply->has_begun, &piece);
    reply->has_begun = true;
    http_stream_send(&reply->stream, &piece);
}

static void on_end(struct rpc_client_stream *call, struct status st)
{
    struct event_reply *reply = container_of(call, struct event_reply, call);
    struct buf last = {0};

    /* Only this process cancels: its client is gone, or it stops. */
    request_origin_note_end(reply->op.request, st.code == STATUS_CANCELLED ? status_ok() : st);
    if (st.code == STATUS_OK) {
        http_stream_end(&reply->stream);
        return;
    }
    struct http_reply failure =
        shim_op_make_failure(&reply->op, st, rpc_client_stream_get_details(call));
    buf_append_text(&last, "event: error\ndata: ");
    buf_append_str(&last, buf_get(&failure.body));
    buf_append_text(&last, "\n\n");
    http_stream_fail(&reply->stream, &failure, &last);
}

/* On the HTTP server's thread. */

static void on_ready(struct http_stream *stream)
{
    rpc_client_stream_next(&container_of(stream, struct event_reply, stream)->call);
}

static void on_stop(struct http_stream *stream)
{
    rpc_client_stream_cancel(&container_of(stream, struct event_reply, stream)->call);
}

static void on_gone(struct http_gone *gone)
{
    rpc_client_stream_cancel(&container_of(gone, struct event_reply, gone)->call);
}

static void on_over(struct http_stream *stream)
{
    container_of(stream, struct event_reply, stream)->replies->count--;
}

bool event_replies_have_room(const struct event_replies *replies)
{
    return replies->count < replies->max_count;
}

void event_reply_start(const struct shim_op *op, struct rpc_channel *channel,
                       struct event_replies *replies, const ProtobufCMessage *request)
{
    /* A proxy that collects replies would keep the events. */
    static const struct http_header headers[] = {{"X-Accel-Buffering", "no"}};
    struct event_reply *reply = arena_alloc(http_request_get_arena(op->request), sizeof(*reply));

    replies->count++;
    reply->op = *op;
    reply->replies = replies;
    reply->gone.on_gone = on_gone;
    reply->stream = (struct http_stream){
        .on_ready = on_ready,
        .on_stop = on_stop,
        .on_over = on_over,
        .idle_piece = ": still here\n\n",
    };
    reply->call = (struct rpc_client_stream){
        .channel = channel,
        .method = op->route->method,
        .message_type = route_get_method(op->route)->output,
        .headers = op->origin->headers,
        .nheaders = op->origin->nheaders,
        .on_message = on_message,
        .on_end = on_end,
    };
    http_request_set_gone(op->request, &reply->gone);
    rpc_client_stream_open(&reply->call, request);
    http_request_stream(op->request,
                        &(struct http_reply){.content_type = "text/event-stream",
                                             .headers = headers,
                                             .nheaders = ARRAY_LEN(headers)},
                        &reply->stream);
}
