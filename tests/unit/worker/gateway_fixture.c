#include "tests/unit/worker/gateway_fixture.h"

#include <stdio.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "rpc/call.h"
#include "rpc/client.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "tests/harness/test.h"
#include "worker/job_state.h"

static void keep(struct gateway *gateway, const ProtobufCMessage *request)
{
    size_t size = protobuf_c_message_get_packed_size(request);
    uint8_t *bytes = mem_alloc(size + 1);

    check(gateway->nrequests < GATEWAY_MAX_REQUESTS);
    (void)protobuf_c_message_pack(request, bytes);
    gateway->requests[gateway->nrequests] =
        protobuf_c_message_unpack(request->descriptor, NULL, size, bytes);
    gateway->nrequests++;
    mem_free(bytes);
}

static void answer_report(struct rpc_call *call, const ProtobufCMessage *request)
{
    struct gateway *gateway = rpc_call_get_self(call);
    Pb__ReportJobResponse response = PB__REPORT_JOB_RESPONSE__INIT;

    keep(gateway, request);
    response.directive =
        gateway->stops ? PB__DIRECTIVE__DIRECTIVE_STOP : PB__DIRECTIVE__DIRECTIVE_CONTINUE;
    response.bytes_per_second = gateway->bytes_per_second;
    rpc_call_end(call, status_ok(), &response.base);
}

static void answer_others(struct rpc_call *call, const ProtobufCMessage *request)
{
    struct gateway *gateway = rpc_call_get_self(call);
    Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;

    keep(gateway, request);
    rpc_call_end(call,
                 gateway->answers_with ? status_error(STATUS_ABORTED, "%s", gateway->answers_with)
                                       : status_ok(),
                 &empty.base);
}

static void answer_exchange(struct rpc_call *call, const ProtobufCMessage *request)
{
    struct gateway *gateway = rpc_call_get_self(call);
    Pb__LeaseJobResponse response = PB__LEASE_JOB_RESPONSE__INIT;
    Pb__LeasedJob job = PB__LEASED_JOB__INIT;
    const char *id = gateway->exchanges_for;

    keep(gateway, request);
    if (!id) {
        rpc_call_end(call, status_error(STATUS_UNIMPLEMENTED, "no such method"), NULL);
        return;
    }
    job.id = (char *)(uintptr_t)id;
    response.job = *id ? &job : NULL;
    rpc_call_end(call, status_ok(), &response.base);
}

static const struct rpc_method methods[] = {
    {"LeaseJob", RPC_UNARY, answer_others},          {"ReportJob", RPC_UNARY, answer_report},
    {"ReportBadRows", RPC_UNARY, answer_others},     {"FinishJob", RPC_UNARY, answer_others},
    {"ReportDifferences", RPC_UNARY, answer_others}, {"FinishCheck", RPC_UNARY, answer_others},
    {"ExchangeJob", RPC_UNARY, answer_exchange},
};

static const struct rpc_service service = {
    .descriptor = &pb__worker_service__descriptor,
    .methods = methods,
    .nmethods = ARRAY_LEN(methods),
};

static Pb__LeaseJobResponse *make_leased(Pb__JobRole role, const char *extra_attrs)
{
    Pb__LeaseJobResponse leased = PB__LEASE_JOB_RESPONSE__INIT;
    Pb__LeasedJob job = PB__LEASED_JOB__INIT;
    Pb__Task task = PB__TASK__INIT;
    Pb__FullMigrationSpec spec = PB__FULL_MIGRATION_SPEC__INIT;

    spec.extra_attrs_json = (char *)(uintptr_t)extra_attrs;
    task.spec_case = PB__TASK__SPEC_FULL_MIGRATION;
    task.full_migration = &spec;
    job.id = (char *)(uintptr_t)"check-1";
    job.lease_token = 7;
    job.role = role;
    job.task = &task;
    leased.job = &job;

    size_t size = pb__lease_job_response__get_packed_size(&leased);
    uint8_t *bytes = mem_alloc(size);
    (void)pb__lease_job_response__pack(&leased, bytes);
    Pb__LeaseJobResponse *copy = pb__lease_job_response__unpack(NULL, size, bytes);
    mem_free(bytes);
    return copy;
}

void gateway_open(struct gateway *gateway, Pb__JobRole role, const char *extra_attrs)
{
    static const struct rpc_service *const services[] = {&service};
    char target[32];

    *gateway = (struct gateway){.loop = NULL};
    check_status(rpc_loop_create(2, &gateway->loop), STATUS_OK);
    struct rpc_server_options options = {
        .listen = "127.0.0.1:0",
        .loop = gateway->loop,
        .services = services,
        .nservices = ARRAY_LEN(services),
        .self = gateway,
    };
    check_status(rpc_server_create(&options, &gateway->server), STATUS_OK);
    (void)snprintf(target, sizeof(target), "127.0.0.1:%d", rpc_server_get_port(gateway->server));
    gateway->channel =
        rpc_channel_open(&(struct rpc_channel_options){.target = target, .loop = gateway->loop});
    gateway->context =
        job_context_create(make_leased(role, extra_attrs), gateway->channel, NULL, NULL);
}

void gateway_close(struct gateway *gateway)
{
    job_context_destroy(gateway->context);
    rpc_channel_close(gateway->channel);
    rpc_server_destroy(gateway->server);
    rpc_loop_destroy(gateway->loop);
    for (unsigned i = 0; i < gateway->nrequests; i++)
        protobuf_c_message_free_unpacked(gateway->requests[i], NULL);
}

const ProtobufCMessage *gateway_get_request(struct gateway *gateway)
{
    unsigned n = gateway->nrequests;

    return n > 0 ? gateway->requests[n - 1] : NULL;
}
