/*
 * rpc/calling.h - what calls and streams of a client have in common; for client.c and client_stream.c only.
 */
#ifndef RPC_CALLING_H
#define RPC_CALLING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

#include "base/status.h"
#include "base/str.h"
#include "rpc/batch.h"

enum { RPC_CALLING_ARENA_FACTOR = 8 }; /* what unpacking may take, in terms of the largest size */

struct rpc_channel {
    grpc_channel *core;
    grpc_completion_queue *queue;
    char *target;
    size_t max_message_bytes;
    pthread_mutex_t lock; /* for the fields state of calls and streams; innermost */
};

/* A call under way, and what core fills in when it ends. */
struct rpc_calling {
    struct rpc_channel *channel;
    grpc_call *core;
    unsigned timeout_ms;
    grpc_metadata_array header;
    grpc_metadata_array trailer;
    grpc_status_code code;
    grpc_slice text;
};

/* timeout_ms 0: no deadline. */
void rpc_calling_init(struct rpc_calling *calling, struct rpc_channel *channel, const char *method,
                      unsigned timeout_ms);

void rpc_calling_deinit(struct rpc_calling *calling);

/* Starts a batch by what a call with one request sends. request is the packed one, as by rpc_batch_add_message. */
void rpc_calling_add_sends(struct rpc_batch *batch, grpc_byte_buffer *request,
                           bool waits_for_ready);

/* Has the batch end with the call. */
void rpc_calling_add_end(struct rpc_batch *batch, struct rpc_calling *calling);

/* Of a call that has ended: the packed google.rpc.Status that came with it, or an empty text. */
struct str rpc_calling_find_details(const struct rpc_calling *calling);

/* The status of a call that has ended; was_cancelled: by our own. */
struct status rpc_calling_read_end(const struct rpc_calling *calling, bool was_cancelled)
    MUST_CHECK;

#endif
