/*
 * rpc/carrier_client.h - calls that go many on one stream (rpc/carrier.proto); for client.c and channel.c only.
 *
 * One stream takes all calls for a few seconds and then another one, so that they take turns with the servers of the channel.
 * All functions but create and destroy are called with the channel's lock held.
 */
#ifndef RPC_CARRIER_CLIENT_H
#define RPC_CARRIER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/str.h"
#include "rpc/calling.h"
#include "rpc/loop.h"

struct carrier_stream;
struct rpc_carrier_client;

/* A call on a stream, embedded in what waits for it; zeroed before its first use. */
struct rpc_carried {
    /* Runs once, on a loop thread, without the lock. All that is given is borrowed; reply is empty unless the code is OK. */
    void (*on_answer)(struct rpc_carried *carried, const struct rpc_outcome *outcome,
                      struct str reply);

    struct carrier_stream *stream; /* NULL: it is on none; as the rest, of carrier_client.c */
    struct list link;
    uint64_t id;
    int64_t deadline_ms;
    int own_code; /* what it ended with before there was an answer */
    struct rpc_tag told;
};

/* What is called. Borrowed. */
struct rpc_carried_call {
    const char *method;
    const struct rpc_header *headers;
    size_t nheaders; /* at most RPC_CALLING_MAX_HEADERS */
    struct str request;
    unsigned left_ms; /* until its deadline */
};

/* Of a channel with timers, which must outlive it, and that takes messages of 256 KiB. */
struct rpc_carrier_client *rpc_carrier_client_create(struct rpc_channel *channel) MUST_CHECK;

/* Blocks until its streams have ended; no call is on them. Not from a loop thread. NULL is allowed. */
void rpc_carrier_client_destroy(struct rpc_carrier_client *carrier);

/*
 * Has a call carried; rpc_carrier_client_flush comes next. False: it is to go by itself, since it is large, or the server
 * takes no such calls, or too many wait.
 */
bool rpc_carrier_client_add(struct rpc_carrier_client *carrier, struct rpc_carried *carried,
                            const struct rpc_carried_call *call) MUST_CHECK;

/* Sends what is to be sent. Releases the lock. */
void rpc_carrier_client_flush(struct rpc_carrier_client *carrier);

/* Has a call that is on a stream end soon, as CANCELLED. */
void rpc_carrier_client_cancel(struct rpc_carried *carried);

#endif
