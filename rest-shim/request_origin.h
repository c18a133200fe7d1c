/*
 * rest-shim/request_origin.h - the id of a request of HTTP and the trace that it belongs to: taken from its headers, passed
 * on to the gateway, and written to the log when the request has ended.
 */
#ifndef REST_SHIM_REQUEST_ORIGIN_H
#define REST_SHIM_REQUEST_ORIGIN_H

#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/span.h"
#include "base/status.h"
#include "http/server.h"
#include "rpc/client.h"

struct limiter_client;
struct route;

/* In the request's arena, and its note. */
struct request_origin {
    const char *request_id;
    struct span span;
    char trace_id[TRACE_ID_TEXT_BYTES];
    char traceparent[TRACE_PARENT_TEXT_BYTES];
    struct rpc_header headers[RPC_CLIENT_MAX_HEADERS]; /* for calls: headers[0 .. nheaders) */
    size_t nheaders;
    const struct route *route; /* NULL: none fits */
    const char *task_id;       /* that it is about, or ""; the arena's */
    int64_t start_us;
    struct limiter_client *client; /* of rest-shim/caller.c; NULL: it is not counted */
};

/*
 * Reads where a request comes from, has its reply carry X-Request-Id, and begins its span. route is NULL if none fits; tracer
 * may be NULL. For on_request.
 */
struct request_origin *request_origin_begin(struct http_request *request, const struct route *route,
                                            struct tracer *tracer);

/* Notes the task that message, a request or a reply of the gateway, is about, if it is about one. */
void request_origin_note_task(struct http_request *request, const ProtobufCMessage *message);

/* Notes how the gateway's call has ended, and logs what is no fault of the caller's. Any thread that has the request. */
void request_origin_note_end(struct http_request *request, struct status st);

/* Ends the span and logs the request. For on_replied. */
void request_origin_end(struct http_request *request, const struct http_outcome *outcome);

#endif
