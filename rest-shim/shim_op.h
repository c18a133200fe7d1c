/*
 * rest-shim/shim_op.h - a request of HTTP that waits for the gateway. For the files of the shim alone.
 */
#ifndef REST_SHIM_SHIM_OP_H
#define REST_SHIM_SHIM_OP_H

#include "base/status.h"
#include "base/str.h"
#include "http/server.h"

struct request_origin;
struct route;
struct shim;

/* It lives in the request's arena. */
struct shim_op {
    struct shim *shim;
    struct http_request *request;
    const struct route *route;
    const struct request_origin *origin;
};

/* The reply that tells of a failure, in the request's arena; details are what came with st. Any thread. */
struct http_reply shim_op_make_failure(const struct shim_op *op, struct status st,
                                       struct str details);

/*
 * Answers the request by what the call has ended with; details are what came with it. op must not be touched
 * afterwards. Any thread.
 */
void shim_op_fail(struct shim_op *op, struct status st, struct str details);

#endif
