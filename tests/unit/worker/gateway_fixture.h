/*
 * tests/unit/worker/gateway_fixture.h - a gateway that is played, and a job that was leased from it.
 */
#ifndef TESTS_UNIT_WORKER_GATEWAY_FIXTURE_H
#define TESTS_UNIT_WORKER_GATEWAY_FIXTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "sluice/worker/v1/worker_service.pb-c.h"

struct job_context;
struct rpc_channel;
struct rpc_loop;
struct rpc_server;

enum { GATEWAY_MAX_REQUESTS = 64 };

/*
 * Keeps all requests. What a test and the threads of the server share is atomic: the thread sanitizer does not see that a
 * call's answer comes after its request.
 */
struct gateway {
    struct rpc_loop *loop;
    struct rpc_server *server;
    struct rpc_channel *channel;
    struct job_context *context;
    ProtobufCMessage *requests[GATEWAY_MAX_REQUESTS];
    atomic_uint nrequests;
    _Atomic int64_t bytes_per_second; /* what reports are answered with */
    atomic_bool stops;                /* they are answered by STOP */
    const char *_Atomic answers_with; /* an error for what is stored beside a job; NULL: none */
    const char
        *_Atomic exchanges_for; /* the id of the next job; "": there is none; NULL: not known how */
};

/* The last request; NULL if there was none. Valid until the gateway is closed. */
const ProtobufCMessage *gateway_get_request(struct gateway *gateway);

/* A job of this role, of a full migration with extra_attrs. */
void gateway_open(struct gateway *gateway, Pb__JobRole role, const char *extra_attrs);
void gateway_close(struct gateway *gateway);

#endif
