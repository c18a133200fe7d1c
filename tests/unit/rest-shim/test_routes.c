/*
 * tests/unit/rest-shim/test_routes.c - which request goes where, and that the table fits the contracts.
 */
#include "rest-shim/routes.h"

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "rest-shim/lts.h"
#include "rpc/message_field.h"
#include "sluice/v1/data_source_service.pb-c.h"
#include "sluice/v1/task_service.pb-c.h"
#include "tests/harness/test.h"

/* "METHOD part" of what a request matches, "405 allow" or "404". */
static void describe(const char *verb, const char *path, char ret[128])
{
    struct route_match match = routes_match(str_from(verb), str_from(path));

    if (match.route && !match.route->method)
        (void)snprintf(ret, 128, "asset %.*s", (int)match.part.len,
                       match.part.data ? match.part.data : "");
    else if (match.route)
        (void)snprintf(ret, 128, "%s %.*s", strrchr(match.route->method, '/') + 1,
                       (int)match.part.len, match.part.data ? match.part.data : "");
    else if (match.is_known)
        (void)snprintf(ret, 128, "405 %s", match.allow);
    else
        (void)snprintf(ret, 128, "404");
}

static const char *const routed[][3] = {
    {"POST", "/pro/proc/bulkload/create", "CreateTask "},
    {"GET", "/pro/proc/proc-1-ab/info", "GetTask proc-1-ab"},
    {"HEAD", "/pro/proc/proc-1-ab/info", "GetTask proc-1-ab"},
    {"GET", "/pro/proc/x/abort", "AbortTask x"},
    {"POST", "/pro/proc/x/abort", "AbortTask x"},
    {"GET", "/pro/proc/x/retry", "RetryTask x"},
    {"POST", "/pro/proc/x/retry", "RetryTask x"},
    {"GET", "/pro/proc/x/delete", "DeleteTask x"},
    {"POST", "/pro/proc/x/delete", "DeleteTask x"},
    {"GET", "/pro/proc/a%2Fb/info", "GetTask a%2Fb"},
    {"GET", "/hbase/fulldata", "ListTasks "},
    {"HEAD", "/hbase/fulldata", "ListTasks "},
    {"POST", "/hbase/fulldata/create", "CreateTask "},
    {"GET", "/hbase/fulldata/x/detail", "GetTask x"},
    {"GET", "/hbase/fulldata/x/abort", "AbortTask x"},
    {"POST", "/hbase/fulldata/x/abort", "AbortTask x"},
    {"GET", "/hbase/fulldata/x/retry", "RetryTask x"},
    {"POST", "/hbase/fulldata/x/retry", "RetryTask x"},
    {"GET", "/hbase/fulldata/x/del", "DeleteTask x"},
    {"POST", "/hbase/fulldata/x/del", "DeleteTask x"},
    {"GET", "/hbase/incr", "ListTasks "},
    {"POST", "/hbase/incr/create", "CreateTask "},
    {"POST", "/hbase/incr/update", "UpdateTask "},
    {"GET", "/hbase/incr/x/detai", "GetTask x"},
    {"GET", "/hbase/incr/x/detail", "GetTask x"},
    {"GET", "/hbase/incr/x/abort", "AbortTask x"},
    {"POST", "/hbase/incr/x/abort", "AbortTask x"},
    {"GET", "/hbase/incr/x/retry", "RetryTask x"},
    {"POST", "/hbase/incr/x/retry", "RetryTask x"},
    {"GET", "/hbase/incr/x/del", "DeleteTask x"},
    {"POST", "/hbase/incr/x/del", "DeleteTask x"},
    {"POST", "/v1/tasks", "CreateTask "},
    {"GET", "/v1/tasks", "ListTasks "},
    {"GET", "/v1/tasks/x", "GetTask x"},
    {"PATCH", "/v1/tasks/x", "UpdateTask x"},
    {"DELETE", "/v1/tasks/x", "DeleteTask x"},
    {"POST", "/v1/tasks/x:abort", "AbortTask x"},
    {"POST", "/v1/tasks/x:retry", "RetryTask x"},
    {"GET", "/v1/tasks/x/events", "ListTaskEvents x"},
    {"GET", "/v1/tasks:watch", "WatchTasks "},
    {"GET", "/v1/tasks/x:watch", "WatchTask x"},
    {"GET", "/v1/tasks/x/badRows", "ListBadRows x"},
    {"GET", "/v1/tasks/x/explanation", "ExplainTask x"},
    {"GET", "/v1/tasks/x/differences", "ListDifferences x"},
    {"POST", "/v1/dataSources", "CreateDataSource "},
    {"GET", "/v1/dataSources", "ListDataSources "},
    {"GET", "/v1/dataSources/x", "GetDataSource x"},
    {"PATCH", "/v1/dataSources/x", "UpdateDataSource x"},
    {"DELETE", "/v1/dataSources/x", "DeleteDataSource x"},
    {"POST", "/v1/dataSources/x:check", "CheckDataSource x"},
    {"GET", "/healthz", "Check "},
    {"GET", "/readyz", "Check "},
};

test(requests_find_their_route)
{
    for (size_t i = 0; i < ARRAY_LEN(routed); i++) {
        char got[128];
        describe(routed[i][0], routed[i][1], got);
        check_str(got, routed[i][2]);
    }
}

test(assets_have_a_route)
{
    static const char *const cases[][3] = {
        {"GET", "/openapi.json", "asset "},
        {"HEAD", "/docs", "asset "},
        {"GET", "/docs/init.js", "asset init.js"},
        {"GET", "/docs/", "404"},
        {"GET", "/docs/a/b", "404"},
        {"POST", "/docs", "405 GET, HEAD, OPTIONS"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char got[128];
        describe(cases[i][0], cases[i][1], got);
        check_str(got, cases[i][2]);
    }
}

test(other_verbs_and_paths_are_refused)
{
    static const char *const cases[][3] = {
        {"GET", "/pro/proc/bulkload/create", "405 POST, OPTIONS"},
        {"HEAD", "/pro/proc/x/abort", "405 GET, POST, OPTIONS"},
        {"OPTIONS", "/pro/proc/x/delete", "405 GET, POST, OPTIONS"},
        {"PUT", "/pro/proc/x/info", "405 GET, HEAD, OPTIONS"},
        {"POST", "/pro/proc/x/info", "405 GET, HEAD, OPTIONS"},
        {"POST", "/hbase/fulldata", "405 GET, HEAD, OPTIONS"},
        {"GET", "/hbase/fulldata/create", "405 POST, OPTIONS"},
        {"GET", "/hbase/incr/update", "405 POST, OPTIONS"},
        {"DELETE", "/hbase/incr/x/del", "405 GET, POST, OPTIONS"},
        {"HEAD", "/hbase/incr/x/del", "405 GET, POST, OPTIONS"},
        {"HEAD", "/v1/tasks/x:abort", "405 POST, OPTIONS"},
        {"PUT", "/v1/dataSources/x", "405 GET, HEAD, PATCH, DELETE, OPTIONS"},
        {"get", "/healthz", "405 GET, HEAD, OPTIONS"},
        {"", "/healthz", "405 GET, HEAD, OPTIONS"},
        {"GET", "", "404"},
        {"GET", "/", "404"},
        {"GET", "*", "404"},
        {"GET", "/pro/proc//info", "404"},
        {"GET", "/hbase", "404"},
        {"GET", "/hbase/fulldata/", "404"},
        {"GET", "/hbase/fulldata/x/detai", "404"},
        {"GET", "/hbase/fulldata/x/delete", "404"},
        {"GET", "/pro/proc/x/del", "404"},
        {"POST", "/hbase/fulldata/update", "404"},
        {"GET", "/pro/proc/x/info/", "404"},
        {"GET", "//pro/proc/x/info", "404"},
        {"GET", "/pro/proc/x//info", "404"},
        {"GET", "/pro/proc/../proc/x/info", "404"},
        {"GET", "/pro/proc/x/y/info", "404"},
        {"GET", "/pro/proc/info", "404"},
        {"GET", "/PRO/proc/x/info", "404"},
        {"GET", "/pro/proc/x/Info", "404"},
        {"GET", "/pro%2Fproc/x/info", "404"},
        {"POST", "/pro/proc/bulkload/create/", "404"},
        {"GET", "/v1/tasks/", "404"},
        {"GET", "/v1/tasks/x:y", "404"},
        {"POST", "/v1/tasks/:abort", "404"},
        {"POST", "/v1/tasks:watch", "405 GET, HEAD, OPTIONS"},
        {"GET", "/v1/tasks:abort", "404"},
        {"GET", "/v1/tasks/:watch", "404"},
        {"POST", "/v1/tasks/x:y:abort", "404"},
        {"GET", "/v1/tasks/x/badRows/", "404"},
        {"GET", "/v1/dataSources/a/b", "404"},
        {"GET", "/healthz/", "404"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char got[128];
        describe(cases[i][0], cases[i][1], got);
        check_str(got, cases[i][2]);
    }
}

test(errors_have_the_style_of_their_path)
{
    check_int(routes_get_style(str_from("/pro/proc/x/info")), ROUTE_LTS);
    check_int(routes_get_style(str_from("/nope")), ROUTE_LTS);
    check_int(routes_get_style(str_from("/hbase/incr/x/abort")), ROUTE_LTS);
    check_int(routes_get_style(str_from("")), ROUTE_LTS);
    check_int(routes_get_style(str_from("/v1/tasks/x:abort")), ROUTE_V1);
    check_int(routes_get_style(str_from("/v1/nope")), ROUTE_V1);
    check_int(routes_get_style(str_from("/healthz")), ROUTE_HEALTH);
}

/* The descriptor of the field that a path of names leads to, or NULL. */
static const ProtobufCFieldDescriptor *find_path(const ProtobufCMessageDescriptor *type,
                                                 struct str path)
{
    const ProtobufCFieldDescriptor *field = NULL;

    do {
        struct str name = str_cut(&path, '.');
        field = type ? message_field_find(type, name) : NULL;
        type = field && field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
    } while (field && path.data);
    return field;
}

static void check_row(const struct route *route)
{
    const ProtobufCMethodDescriptor *method = route_get_method(route);

    check(method != NULL);
    if (!method)
        return;
    struct str part_field = route_get_part_field(route);
    check(part_field.len == 0 || find_path(method->input, part_field));
    if (route->body_field)
        check(message_field_find(method->input, str_from(route->body_field)) != NULL);
    if (route->reply_field)
        check(protobuf_c_message_descriptor_get_field_by_name(method->output, route->reply_field) !=
              NULL);
    check((route->body == ROUTE_FORM) == (route->form != NULL));
    for (size_t i = 0; route->form && i < route->form->nfields; i++)
        check(find_path(method->input, str_from(route->form->fields[i].path)) != NULL);
}

test(every_row_fits_its_method)
{
    size_t count = 0;
    const struct route *routes = routes_get_all(&count);

    for (size_t i = 0; i < count; i++) {
        if (routes[i].method)
            check_row(&routes[i]);
    }
}

/* Which methods change something, told from their names. */
test(rows_of_methods_that_change_something_say_so)
{
    size_t count = 0;
    const struct route *routes = routes_get_all(&count);

    for (size_t i = 0; i < count; i++) {
        if (!routes[i].method)
            continue;
        const char *name = strrchr(routes[i].method, '/') + 1;
        bool only_reads = strncmp(name, "Get", 3) == 0 || strncmp(name, "List", 4) == 0 ||
                          strncmp(name, "Watch", 5) == 0 || strncmp(name, "Explain", 7) == 0 ||
                          strcmp(name, "Check") == 0;
        check_int(routes[i].effect, only_reads ? ROUTE_READS : ROUTE_CHANGES);
    }
}

/* Whether a row of /v1 offers the method. */
static bool is_offered(const char *service, const char *method)
{
    size_t count = 0;
    const struct route *routes = routes_get_all(&count);
    char path[128];

    (void)snprintf(path, sizeof(path), "/%s/%s", service, method);
    for (size_t i = 0; i < count; i++) {
        if (routes[i].style == ROUTE_V1 && routes[i].method && strcmp(routes[i].method, path) == 0)
            return true;
    }
    return false;
}

test(each_public_method_has_a_row_of_v1)
{
    static const ProtobufCServiceDescriptor *const services[] = {
        &pb__task_service__descriptor, &pb__data_source_service__descriptor};

    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        for (unsigned k = 0; k < services[i]->n_methods; k++) {
            if (!is_offered(services[i]->name, services[i]->methods[k].name))
                check_str(services[i]->methods[k].name, "offered");
        }
    }
}
