/*
 * rpc/serving.h - what the server and its calls know of each other; for those that have a part in them only.
 *
 * A call's memory is held by counts: one for the handler, which rpc_call_end hands on to the tag
 * of the final batch, and one for each other tag that core has. The last to come back frees.
 */
#ifndef RPC_SERVING_H
#define RPC_SERVING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <grpc/grpc.h>

#include "base/list.h"
#include "base/str.h"
#include "rpc/call.h"
#include "rpc/details.h"
#include "rpc/loop.h"
#include "rpc/server.h"

struct rpc_carrier;

/* A path that the server knows. */
struct rpc_route {
    char *path; /* "/sluice.v1.TaskService/GetTask" */
    const struct rpc_method *method;
    const ProtobufCMessageDescriptor *input;
    void *self;
    bool begins_traces;
};

struct rpc_call_metrics;

struct rpc_server {
    grpc_server *core;
    grpc_completion_queue *queue;
    struct rpc_route *routes; /* sorted by path */
    size_t nroutes;
    size_t max_message_bytes; /* of a request, inflated */
    size_t max_arena_bytes;
    size_t max_total_bytes;
    size_t max_calls;
    size_t max_carriers;
    size_t max_unread_bytes;
    struct rpc_gate *gate; /* NULL: none */
    struct tracer *tracer; /* NULL: none */
    int port;
    struct rpc_health *health;
    struct rpc_reflection *reflection;
    struct rpc_memory_guard *guard;
    struct rpc_server_tls *tls;       /* NULL: without */
    struct rpc_call_metrics *metrics; /* NULL: nothing is counted */
    struct rpc_tag shut;              /* core has shut down */

    atomic_size_t unread_bytes; /* answers that wait in streams of calls */

    pthread_mutex_t lock; /* for all below, and for what calls say it is for; innermost */
    pthread_cond_t changed;
    struct list waiting;  /* calls with a waiter that was not told */
    size_t ncalls;        /* all that have memory, posted accepts included */
    size_t nrunning;      /* those that were accepted */
    size_t nadmitted;     /* of those, the ones that were not refused because the server stops */
    size_t charged_bytes; /* for the requests of those, and messages of streams */
    size_t ncarriers;     /* calls that are streams of calls */
    bool is_stopping;
    bool is_shut;
};

struct rpc_call {
    struct rpc_server *server;
    const struct rpc_route *route; /* NULL: the path is not known */
    struct arena *arena;
    struct rpc_details details;
    bool is_header_sent;
    bool is_close_asked; /* whether the peer is gone */
    int64_t begin_us;    /* for the metrics */
    bool is_past_gate;   /* which is told when the call ends */
    void *ticket;        /* of the gate */

    /* What rpc/origin.c has found out; each may be NULL, for nobody has asked yet. */
    const char *request_id;
    const char *task_id;
    const char *actor;
    struct span *span;
    int64_t start_us; /* 0: calls are not logged */

    /* What core fills in. */
    grpc_call *core;
    grpc_call_details info;
    grpc_metadata_array metadata;
    grpc_byte_buffer *bytes; /* the message that RECV_MESSAGE brought */
    int was_cancelled;
    grpc_metadata trailers[2]; /* of the end: details, and whether core's clients may try again */

    /* Each is out at most once at a time. */
    struct rpc_tag accepted;
    struct rpc_tag closed; /* the call is over for the peer */
    struct rpc_tag received;
    struct rpc_tag sent;
    struct rpc_tag told; /* comes back at once, to run on_cancel on a loop thread */
    struct rpc_tag ended;

    size_t charged_bytes;        /* to the server, for the request */
    struct rpc_send *send;       /* waits for sent */
    struct rpc_receive *receive; /* waits for received */

    atomic_uint nholds;
    atomic_bool is_cancelled;

    /* Of a call that came on a stream (rpc/carrier_server.h), which has neither core nor bytes of its own. */
    struct rpc_call *stream; /* held; NULL: it is no such call */
    struct rpc_carrier *carrier;
    uint64_t carried_id;
    size_t max_reply_bytes;
    struct str carried_request; /* borrowed until it has been served */
    struct list carried;        /* under the carrier's lock */

    /* Under the server's lock. */
    bool is_admitted;
    bool is_carrier; /* counted as a stream of calls */
    struct list waiting;
    struct rpc_cancel *waiter;
    bool is_told;
    bool is_ended;
};

/* Makes a call that can be posted for accepting. */
struct rpc_call *rpc_call_create(struct rpc_server *server) MUST_CHECK;

/* What core knows of the connection: the call itself, or the stream that it came on. */
grpc_call *rpc_call_get_core(const struct rpc_call *call);

/* A call that is held is not freed. */
void rpc_call_hold(struct rpc_call *call);
void rpc_call_release(struct rpc_call *call);

/* Nobody waits for the answer any more. */
void rpc_call_cancel(struct rpc_call *call);

/* rpc_call_send of a message that is packed; bytes are copied. */
void rpc_call_send_bytes(struct rpc_call *call, struct str bytes, struct rpc_send *send);

/* For a posted call that was never accepted. */
void rpc_call_destroy(struct rpc_call *call);

/*
 * Serves a call that has just been accepted; st is OK, or what to end it with at once. Without a route it ends, too, but
 * as the gate says if that refuses it: who is not let in is not told what there is.
 */
void rpc_call_serve(struct rpc_call *call, const struct rpc_route *route, struct status st);

/* Serves a call that has come, or refuses it. */
void rpc_server_serve(struct rpc_call *call);

/* A call that has its arena begins, and ends with st. */
void rpc_origin_begin(struct rpc_call *call);
void rpc_origin_end(struct rpc_call *call, struct status st);

/* Has each call that waits for its cancellation told. The server is marked as stopping. */
void rpc_call_tell_all(struct rpc_server *server);

#endif
