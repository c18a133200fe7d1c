/*
 * rest-shim/list_reply.h - a whole list as one reply, however long it is.
 *
 * The list is read from the gateway page by page, and the next page is asked for while the one before is being sent. So
 * neither this process nor the gateway has more than two pages of it in memory. A page that fails is answered as any
 * call; when some have been sent already, the reply is broken off so that its reader sees it.
 */
#ifndef REST_SHIM_LIST_REPLY_H
#define REST_SHIM_LIST_REPLY_H

#include <protobuf-c/protobuf-c.h>

#include "rest-shim/lts.h"
#include "rest-shim/shim_op.h"

struct rpc_channel;

struct list_reply_options {
    struct shim_op op;           /* its route has a list */
    struct rpc_channel *channel; /* borrowed until the reply has ended, as are the settings */
    unsigned timeout_ms;         /* of each page */
    const struct lts_settings *settings;
};

/* Whether request, a ListTasksRequest, leaves open which page it wants. */
bool list_reply_is_asked_for(const ProtobufCMessage *request);

/* Answers the request of the op. request is in its arena. */
void list_reply_start(const struct list_reply_options *options, ProtobufCMessage *request);

#endif
