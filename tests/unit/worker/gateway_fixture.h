/*
 * tests/unit/worker/gateway_fixture.h - a gateway that is played, and a job that was leased from it.
 */
#ifndef TESTS_UNIT_WORKER_GATEWAY_FIXTURE_H
#define TESTS_UNIT_WORKER_GATEWAY_FIXTURE_H

#include "sluice/worker/v1/worker_service.pb-c.h"

struct job_context;
struct rpc_channel;
struct rpc_loop;
struct rpc_server;

/* Keeps the last request, and answers a report with response. */
struct gateway {
    struct rpc_loop *loop;
    struct rpc_server *server;
    struct rpc_channel *channel;
    struct job_context *context;
    ProtobufCMessage *request; /* the last one */
    unsigned nrequests;
    const char *answers_with; /* an error for what is stored beside a job; NULL: none */
    Pb__ReportJobResponse response;
};

/* A job of this role, of a full migration with extra_attrs. */
void gateway_open(struct gateway *gateway, Pb__JobRole role, const char *extra_attrs);
void gateway_close(struct gateway *gateway);

#endif
