/*
 * rpc/server.h - a gRPC server over the tables of its services.
 *
 * Every path gets an answer: accepting is generic, and what no table knows is UNIMPLEMENTED.
 * The server brings health (grpc.health.v1) and reflection (v1 and v1alpha) itself. It takes messages that are
 * compressed by gzip or deflate, and compresses large ones for clients that accept it.
 */
#ifndef RPC_SERVER_H
#define RPC_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "base/status.h"
#include "base/tls.h"

struct metrics;
struct rpc_call;
struct rpc_loop;
struct rpc_server;
struct tracer;

enum rpc_kind {
    RPC_UNARY,
    RPC_SERVER_STREAM,
    RPC_BIDI_STREAM, /* start gets NULL for a request and asks for messages by rpc_call_receive */
};

/* Descriptors do not tell which methods stream, so the table does; a test compares the names of both. */
struct rpc_method {
    const char *name; /* as in the descriptor: "GetTask" */
    enum rpc_kind kind;
    /*
     * Runs on a loop thread and must not block. request is of the method's input type, unpacked
     * and checked (UTF-8, no NUL in strings), and lives as long as the call.
     */
    void (*start)(struct rpc_call *call, const ProtobufCMessage *request);
};

struct rpc_service {
    const ProtobufCServiceDescriptor *descriptor;
    const struct rpc_method *methods;
    size_t nmethods;
    bool begins_traces; /* a call that comes without a trace may begin one */
};

/*
 * Who decides which calls are served; embedded in what decides. It is asked for every path, those of health and reflection
 * and unknown ones included.
 */
struct rpc_gate {
    /*
     * Runs on a loop thread before anything of the request is read, and must not block; rpc/caller.h has what it may
     * ask. What is not OK ends the call, with what rpc_call_set_reason and its like have added; INTERNAL is not allowed.
     */
    struct status (*admit)(struct rpc_gate *gate, struct rpc_call *call);
    /* An admitted call ends. Runs on the thread that ends it, before the end is sent. May be NULL. */
    void (*leave)(struct rpc_gate *gate, struct rpc_call *call);
};

struct rpc_server_options {
    const char *listen;    /* "host:port", "[v6]:port", port 0: any free; or "unix:/path" */
    struct tls_paths tls;  /* borrowed until rpc_server_destroy; no certificate: without TLS */
    struct rpc_loop *loop; /* borrowed until rpc_server_destroy */
    const struct rpc_service *const
        *services; /* the array is borrowed, what it points to is kept */
    size_t nservices;
    void *self;               /* what rpc_call_get_self returns */
    struct tracer *tracer;    /* borrowed until rpc_server_destroy; NULL: there are no spans */
    struct rpc_gate *gate;    /* borrowed until rpc_server_destroy; NULL: all calls are served */
    size_t max_message_bytes; /* of a request, compressed and inflated; 0: 1 MiB */
    size_t max_arena_bytes;   /* what unpacking a request may take; 0: 8 MiB */
    size_t
        max_total_bytes; /* what the requests of all running calls may take, by estimate; 0: 512 MiB */
    size_t max_calls;    /* that run at a time; 0: 10,000 */
    size_t max_carriers; /* of those, streams that carry calls (rpc/carrier.proto); 0: 128 */
    size_t
        max_unread_bytes; /* of answers, in all such streams with more than a little; 0: 64 MiB */
    struct metrics *metrics; /* that count calls; borrowed until rpc_server_destroy, or NULL */
};

/*
 * Listens and serves. UNAVAILABLE: the address is taken or cannot be had; the text names it. Else an error of the files for
 * TLS (base/tls_files.h).
 */
struct status rpc_server_create(const struct rpc_server_options *options, struct rpc_server **ret)
    MUST_CHECK;

/* The port that is listened on; 0 for a unix socket. */
int rpc_server_get_port(const struct rpc_server *server);

/*
 * What health answers, for "" and for each service; at first SERVING. Watchers are told. Any thread.
 */
void rpc_server_set_serving(struct rpc_server *server, bool is_serving);

/*
 * Health is NOT_SERVING from here on, whatever rpc_server_set_serving says later; calls are still served. Whoever spreads
 * calls over servers may use the time until rpc_server_stop to leave this one out. Any thread.
 */
void rpc_server_announce_stop(struct rpc_server *server);

/*
 * Health turns NOT_SERVING, new calls are refused, running ones have grace_ms to end before they are
 * cancelled; then waits until all are gone. Blocks; not from a loop thread. A call that waits for its cancellation
 * (rpc_call_set_cancel) is told at once, with on_cancel, so that long polls do not hold up the stop. Calls that come in
 * meanwhile end as UNAVAILABLE, with a RetryInfo if they reach us; none of them has begun. When the running ones have
 * ended all connections are closed.
 */
void rpc_server_stop(struct rpc_server *server, unsigned grace_ms);

/* Stops if that was not done, and frees. NULL is allowed. */
void rpc_server_destroy(struct rpc_server *server);

#endif
