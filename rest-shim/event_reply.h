/*
 * rest-shim/event_reply.h - a stream of task changes as server-sent events (html.spec.whatwg.org, "Server-sent events").
 *
 * The next change is asked for when the one before is written, so a client that reads slowly holds up the gateway and
 * no memory. The cursor of a change is the event's id, which a client that comes back sends as Last-Event-ID.
 */
#ifndef REST_SHIM_EVENT_REPLY_H
#define REST_SHIM_EVENT_REPLY_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"
#include "rest-shim/shim_op.h"

struct rpc_channel;

/* Those under way, which belong to the HTTP server's thread. */
struct event_replies {
    unsigned count;
    unsigned max_count;
};

/* Whether one more may be started. On the HTTP server's thread. */
bool event_replies_have_room(const struct event_replies *replies);

/*
 * Answers the request of the op, whose method has a stream of TaskChange. Takes a place of replies until the reply has
 * ended; on the HTTP server's thread. request is packed before this returns.
 */
void event_reply_start(const struct shim_op *op, struct rpc_channel *channel,
                       struct event_replies *replies, const ProtobufCMessage *request);

/* Appends a change as an event; is_first: with how long to wait before coming back. */
void event_reply_write(const ProtobufCMessage *change, bool is_first, struct buf *ret);

#endif
