/*
 * rpc/calling.h - what calls and streams of a client have in common; for client.c, client_stream.c and carrier_client.c only.
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
#include "base/token_file.h"
#include "rpc/batch.h"
#include "rpc/client.h"
#include "rpc/repeat.h"

enum {
    RPC_CALLING_ARENA_FACTOR = 8, /* what unpacking may take, in terms of the largest size */
    RPC_CALLING_TOKEN_BYTES = TOKEN_FILE_MAX_BYTES + sizeof("Bearer "),
};

/* Connections with the same certificates. */
struct rpc_channel_link {
    grpc_channel *core;
    size_t ncalls;
};

struct rpc_channel {
    struct rpc_channel_link *link; /* of new calls */
    struct tls_files *tls;         /* NULL: without */
    grpc_completion_queue *queue;
    char *target;
    const char *user_agent;
    struct token_file *token; /* NULL: none */
    size_t max_message_bytes;
    struct timers *timers;              /* NULL: nothing is repeated */
    struct rpc_carrier_client *carrier; /* NULL: each call goes by itself */
    struct rpc_repeat repeat;
    pthread_mutex_t
        lock; /* for link, tls, repeat, carrier, and the fields state of calls and streams; only timers have one inside */
};

enum { RPC_CALLING_MAX_HEADERS = RPC_CLIENT_MAX_HEADERS + 1 }; /* one is the channel's token */

/* The header that shows a token. */
extern const char rpc_calling_authorization[];

/* How a call has ended, by whatever way. Borrowed. */
struct rpc_outcome {
    int code; /* as received */
    struct str text;
    struct str details; /* a packed google.rpc.Status, or empty */
    struct str
        pushback; /* when the server wants to see it again (gRFC A6); data is NULL: it says nothing */
    bool goes_alone; /* it was not begun, as its stream was refused: no try that counts */
};

/* A call under way, and what core fills in when it ends. */
struct rpc_calling {
    struct rpc_channel *channel;
    struct rpc_channel_link *link;
    grpc_call *core;
    gpr_timespec deadline;
    grpc_metadata sent[RPC_CALLING_MAX_HEADERS]; /* sent[0 .. nsent) */
    size_t nsent;
    grpc_metadata_array header;
    grpc_metadata_array trailer;
    grpc_status_code code;
    grpc_slice text;
};

/* link: what rpc_channel_enter gave. */
void rpc_calling_init(struct rpc_calling *calling, struct rpc_channel *channel,
                      struct rpc_channel_link *link, const char *method, gpr_timespec deadline);

/* timeout_ms 0: none. */
gpr_timespec rpc_calling_make_deadline(unsigned timeout_ms) MUST_CHECK;

/* Makes it as it was before it was started, with the same deadline and headers. */
void rpc_calling_reset(struct rpc_calling *calling, const char *method);

/* What is sent before the request: copies of headers[0 .. nheaders), and the channel's token unless there is another one. Comes before rpc_calling_add_sends. */
void rpc_calling_set_headers(struct rpc_calling *calling, const struct rpc_header *headers,
                             size_t nheaders);

/* It has ended, and its channel may be closed from here on: comes before the caller is told, and rpc_calling_deinit. */
void rpc_calling_leave(struct rpc_calling *calling);

void rpc_calling_deinit(struct rpc_calling *calling);

/* Starts a batch by what a call with one request sends. request is the packed one, as by rpc_batch_add_message. */
void rpc_calling_add_sends(struct rpc_batch *batch, struct rpc_calling *calling,
                           grpc_byte_buffer *request, bool waits_for_ready);

/* Has the batch end when headers have come. */
void rpc_calling_add_header(struct rpc_batch *batch, struct rpc_calling *calling);

/* Has the batch end with the call, whose headers another batch asks for. */
void rpc_calling_add_status(struct rpc_batch *batch, struct rpc_calling *calling);

/* Has the batch end with the call: both of these. */
void rpc_calling_add_end(struct rpc_batch *batch, struct rpc_calling *calling);

struct rpc_outcome rpc_calling_get_outcome(const struct rpc_calling *calling);

/* What an outcome means; was_cancelled: by our own. */
struct status rpc_outcome_read(const struct rpc_outcome *outcome, const struct rpc_channel *channel,
                               unsigned timeout_ms, bool was_cancelled) MUST_CHECK;

/* The value of the header that shows the channel's token, for a call with these headers; false: it shows none, or another one. */
bool rpc_calling_write_token(const struct rpc_channel *channel, const struct rpc_header *headers,
                             size_t nheaders, char ret[RPC_CALLING_TOKEN_BYTES]);

#endif
