/*
 * tests/unit/gateway/test_method_scope.c - the table of what callers must be allowed has all methods that there are.
 */
#include <stdio.h>
#include <string.h>

#include "gateway/gateway.h"
#include "gateway/method_scope.h"
#include "rpc/carrier_server.h"
#include "rpc/health.h"
#include "rpc/reflection.h"
#include "rpc/server.h"
#include "tests/harness/test.h"

static const struct method_scope *find(const char *service, const char *method)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "/%s/%s", service, method);
    return method_scope_find(str_from(path));
}

test(each_method_of_the_gateway_has_a_scope)
{
    for (size_t i = 0; i < GATEWAY_NSERVICES; i++) {
        const ProtobufCServiceDescriptor *service = gateway_services[i]->descriptor;
        for (unsigned m = 0; m < service->n_methods; m++) {
            const struct method_scope *row = find(service->name, service->methods[m].name);
            test_check(TEST_HERE, row && !row->is_open, service->methods[m].name);
        }
    }
    for (size_t i = 0; i < RPC_REFLECTION_NSERVICES; i++) {
        const struct method_scope *row = find(rpc_reflection_services[i], "ServerReflectionInfo");
        check(row && !row->is_open);
    }
    check(find("grpc.health.v1.Health", "Check")->is_open);
}

/* Whether the path is that of the service, which ends with '/', or of a method of it. */
static bool is_of(const ProtobufCServiceDescriptor *service, const char *path)
{
    char name[128];

    (void)snprintf(name, sizeof(name), "/%s/", service->name);
    size_t len = strlen(name);
    return strncmp(path, name, len) == 0 &&
           (path[len] == '\0' ||
            protobuf_c_service_descriptor_get_method_by_name(service, path + len));
}

static bool is_there(const char *path)
{
    bool is_found = is_of(rpc_carrier_service.descriptor, path) ||
                    strncmp(path, "/grpc.", strlen("/grpc.")) == 0;

    for (size_t i = 0; i < GATEWAY_NSERVICES; i++)
        is_found |= is_of(gateway_services[i]->descriptor, path);
    return is_found;
}

test(each_row_is_a_method_that_there_is)
{
    for (size_t i = 0; i < method_scopes_count; i++)
        test_check(TEST_HERE, is_there(method_scopes[i].path), method_scopes[i].path);
}

test(what_changes_something_wants_more_than_read)
{
    static const char *const reading[] = {"Get", "List", "Watch", "Explain"};

    for (size_t i = 0; i < method_scopes_count; i++) {
        const char *name = strrchr(method_scopes[i].path, '/') + 1;
        bool is_reading = false;
        for (size_t k = 0; k < sizeof(reading) / sizeof(reading[0]); k++)
            is_reading |= strncmp(name, reading[k], strlen(reading[k])) == 0;
        if (*name != '\0')
            test_check(TEST_HERE, (method_scopes[i].scope == TOKEN_READ) == is_reading, name);
    }
}

test(paths_that_are_like_a_method_are_none)
{
    static const char *const paths[] = {"/sluice.v1.TaskService/GetTas",
                                        "/sluice.v1.TaskService/GetTasks",
                                        "/sluice.v1.TaskService/",
                                        "sluice.v1.TaskService/GetTask",
                                        "/sluice.worker.v1.WorkerServic/LeaseJob",
                                        "/grpc.health.v1.Health",
                                        ""};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        test_check(TEST_HERE, !method_scope_find(str_from(paths[i])), paths[i]);
}
