#include "rest-shim/routes.h"

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "grpc/health/v1/health.pb-c.h"
#include "rest-shim/lts.h"
#include "sluice/v1/data_source_service.pb-c.h"
#include "sluice/v1/task_service.pb-c.h"

static int write_health(const ProtobufCMessage *reply, const struct lts_settings *settings,
                        struct json_out *out)
{
    const Grpc__Health__V1__HealthCheckResponse *health =
        (const Grpc__Health__V1__HealthCheckResponse *)reply;
    bool is_serving =
        health->status == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;

    (void)settings;
    json_out_begin_object(out);
    json_out_key(out, "status");
    json_out_text(out, is_serving ? "ok" : "unavailable");
    if (!is_serving) {
        json_out_key(out, "reason");
        json_out_text(out, "the gateway is not serving");
    }
    json_out_end_object(out);
    return is_serving ? 200 : 503;
}

static const struct route routes[] = {
    /* The LTS task API: bulk imports, */
    {"POST", "/pro/proc/bulkload/create", "/sluice.v1.TaskService/CreateTask", ROUTE_LTS,
     ROUTE_CHANGES, ROUTE_FORM, .form = &lts_bulkload_form, .reply_field = "id",
     .write = lts_write_created},
    {"GET", "/pro/proc/{id}/info", "/sluice.v1.TaskService/GetTask", ROUTE_LTS, ROUTE_READS,
     ROUTE_NO_BODY, .kind = &lts_bulk_import, .write = lts_write_info},
    {"GET", "/pro/proc/{id}/abort", "/sluice.v1.TaskService/AbortTask", ROUTE_LTS, ROUTE_CHANGES,
     ROUTE_NO_BODY, .kind = &lts_bulk_import, .write = lts_write_ok},
    {"GET", "/pro/proc/{id}/retry", "/sluice.v1.TaskService/RetryTask", ROUTE_LTS, ROUTE_CHANGES,
     ROUTE_NO_BODY, .kind = &lts_bulk_import, .write = lts_write_ok},
    {"GET", "/pro/proc/{id}/delete", "/sluice.v1.TaskService/DeleteTask", ROUTE_LTS, ROUTE_CHANGES,
     ROUTE_NO_BODY, .kind = &lts_bulk_import, .write = lts_write_ok},

    /* full migrations of HBase, */
    {"GET", "/hbase/fulldata", "/sluice.v1.TaskService/ListTasks", ROUTE_LTS, ROUTE_READS,
     ROUTE_NO_BODY, .preset = "kind=FULL_MIGRATION&view=FULL&order_by=create_time",
     .list = &lts_full_list},
    {"POST", "/hbase/fulldata/create", "/sluice.v1.TaskService/CreateTask", ROUTE_LTS,
     ROUTE_CHANGES, ROUTE_FORM, .form = &lts_full_create_form, .reply_field = "id",
     .write = lts_write_created},
    {"GET", "/hbase/fulldata/{id}/detail", "/sluice.v1.TaskService/GetTask", ROUTE_LTS, ROUTE_READS,
     ROUTE_NO_BODY, .kind = &lts_full_migration, .write = lts_write_full_detail},
    {"GET", "/hbase/fulldata/{id}/abort", "/sluice.v1.TaskService/AbortTask", ROUTE_LTS,
     ROUTE_CHANGES, ROUTE_NO_BODY, .kind = &lts_full_migration, .write = lts_write_ok},
    {"GET", "/hbase/fulldata/{id}/retry", "/sluice.v1.TaskService/RetryTask", ROUTE_LTS,
     ROUTE_CHANGES, ROUTE_NO_BODY, .kind = &lts_full_migration, .write = lts_write_ok},
    {"GET", "/hbase/fulldata/{id}/del", "/sluice.v1.TaskService/DeleteTask", ROUTE_LTS,
     ROUTE_CHANGES, ROUTE_NO_BODY, .kind = &lts_full_migration, .write = lts_write_ok},

    /* and incremental syncs of HBase. The misspelt path is the documented one. */
    {"GET", "/hbase/incr", "/sluice.v1.TaskService/ListTasks", ROUTE_LTS, ROUTE_READS,
     ROUTE_NO_BODY, .preset = "kind=INCREMENTAL_SYNC&order_by=create_time", .list = &lts_incr_list},
    {"POST", "/hbase/incr/create", "/sluice.v1.TaskService/CreateTask", ROUTE_LTS, ROUTE_CHANGES,
     ROUTE_FORM, .form = &lts_incr_create_form, .reply_field = "id", .write = lts_write_created},
    {"POST", "/hbase/incr/update", "/sluice.v1.TaskService/UpdateTask", ROUTE_LTS, ROUTE_CHANGES,
     ROUTE_FORM, .form = &lts_incr_update_form,
     .preset = "update_mask=incremental_sync.table_names", .kind = &lts_incremental_sync,
     .write = lts_write_ok},
    {"GET", "/hbase/incr/{id}/detai", "/sluice.v1.TaskService/GetTask", ROUTE_LTS, ROUTE_READS,
     ROUTE_NO_BODY, .kind = &lts_incremental_sync, .write = lts_write_incr_detail},
    {"GET", "/hbase/incr/{id}/detail", "/sluice.v1.TaskService/GetTask", ROUTE_LTS, ROUTE_READS,
     ROUTE_NO_BODY, .kind = &lts_incremental_sync, .write = lts_write_incr_detail},
    {"GET", "/hbase/incr/{id}/abort", "/sluice.v1.TaskService/AbortTask", ROUTE_LTS, ROUTE_CHANGES,
     ROUTE_NO_BODY, .kind = &lts_incremental_sync, .write = lts_write_ok},
    {"GET", "/hbase/incr/{id}/retry", "/sluice.v1.TaskService/RetryTask", ROUTE_LTS, ROUTE_CHANGES,
     ROUTE_NO_BODY, .kind = &lts_incremental_sync, .write = lts_write_ok},
    {"GET", "/hbase/incr/{id}/del", "/sluice.v1.TaskService/DeleteTask", ROUTE_LTS, ROUTE_CHANGES,
     ROUTE_NO_BODY, .kind = &lts_incremental_sync, .write = lts_write_ok},

    /* Tasks. */
    {"POST", "/v1/tasks", "/sluice.v1.TaskService/CreateTask", ROUTE_V1, ROUTE_CHANGES, ROUTE_JSON,
     .body_field = "task"},
    {"GET", "/v1/tasks", "/sluice.v1.TaskService/ListTasks", ROUTE_V1, ROUTE_READS, ROUTE_NO_BODY,
     .write = NULL},
    {"GET", "/v1/tasks/{id}", "/sluice.v1.TaskService/GetTask", ROUTE_V1, ROUTE_READS,
     ROUTE_NO_BODY, .write = NULL},
    {"PATCH", "/v1/tasks/{task.id}", "/sluice.v1.TaskService/UpdateTask", ROUTE_V1, ROUTE_CHANGES,
     ROUTE_JSON, .body_field = "task"},
    {"DELETE", "/v1/tasks/{id}", "/sluice.v1.TaskService/DeleteTask", ROUTE_V1, ROUTE_CHANGES,
     ROUTE_NO_BODY, .write = NULL},
    {"POST", "/v1/tasks/{id}:abort", "/sluice.v1.TaskService/AbortTask", ROUTE_V1, ROUTE_CHANGES,
     ROUTE_JSON_MAYBE, .write = NULL},
    {"POST", "/v1/tasks/{id}:retry", "/sluice.v1.TaskService/RetryTask", ROUTE_V1, ROUTE_CHANGES,
     ROUTE_JSON_MAYBE, .write = NULL},
    {"GET", "/v1/tasks:watch", "/sluice.v1.TaskService/WatchTasks", ROUTE_V1, ROUTE_READS,
     ROUTE_NO_BODY, .has_events = true},
    {"GET", "/v1/tasks/{id}:watch", "/sluice.v1.TaskService/WatchTask", ROUTE_V1, ROUTE_READS,
     ROUTE_NO_BODY, .has_events = true},
    {"GET", "/v1/tasks/{id}/events", "/sluice.v1.TaskService/ListTaskEvents", ROUTE_V1, ROUTE_READS,
     ROUTE_NO_BODY, .write = NULL},
    {"GET", "/v1/tasks/{id}/explanation", "/sluice.v1.TaskService/ExplainTask", ROUTE_V1,
     ROUTE_READS, ROUTE_NO_BODY, .write = NULL},
    {"GET", "/v1/tasks/{id}/badRows", "/sluice.v1.TaskService/ListBadRows", ROUTE_V1, ROUTE_READS,
     ROUTE_NO_BODY, .write = NULL},
    {"GET", "/v1/tasks/{id}/differences", "/sluice.v1.TaskService/ListDifferences", ROUTE_V1,
     ROUTE_READS, ROUTE_NO_BODY, .write = NULL},

    /* Data sources. */
    {"POST", "/v1/dataSources", "/sluice.v1.DataSourceService/CreateDataSource", ROUTE_V1,
     ROUTE_CHANGES, ROUTE_JSON, .body_field = "data_source"},
    {"GET", "/v1/dataSources", "/sluice.v1.DataSourceService/ListDataSources", ROUTE_V1,
     ROUTE_READS, ROUTE_NO_BODY, .write = NULL},
    {"GET", "/v1/dataSources/{name}", "/sluice.v1.DataSourceService/GetDataSource", ROUTE_V1,
     ROUTE_READS, ROUTE_NO_BODY, .write = NULL},
    {"PATCH", "/v1/dataSources/{data_source.name}", "/sluice.v1.DataSourceService/UpdateDataSource",
     ROUTE_V1, ROUTE_CHANGES, ROUTE_JSON, .body_field = "data_source"},
    {"DELETE", "/v1/dataSources/{name}", "/sluice.v1.DataSourceService/DeleteDataSource", ROUTE_V1,
     ROUTE_CHANGES, ROUTE_NO_BODY, .write = NULL},
    {"POST", "/v1/dataSources/{name}:check", "/sluice.v1.DataSourceService/CheckDataSource",
     ROUTE_V1, ROUTE_CHANGES, ROUTE_JSON_MAYBE, .write = NULL},

    /* What this program shows of itself: rest-shim/assets.h. */
    {"GET", "/openapi.json", NULL, ROUTE_V1, ROUTE_READS, ROUTE_NO_BODY, .write = NULL},
    {"GET", "/docs", NULL, ROUTE_V1, ROUTE_READS, ROUTE_NO_BODY, .write = NULL},
    {"GET", "/docs/{file}", NULL, ROUTE_V1, ROUTE_READS, ROUTE_NO_BODY, .write = NULL},

    {"GET", "/healthz", "/grpc.health.v1.Health/Check", ROUTE_HEALTH, ROUTE_READS, ROUTE_NO_BODY,
     .write = write_health},
    {"GET", "/readyz", "/grpc.health.v1.Health/Check", ROUTE_HEALTH, ROUTE_READS, ROUTE_NO_BODY,
     .write = write_health, .is_readiness = true},
};

static const ProtobufCServiceDescriptor *const services[] = {
    &pb__task_service__descriptor,
    &pb__data_source_service__descriptor,
    &grpc__health__v1__health__descriptor,
};

static bool has_suffix(struct str text, struct str suffix)
{
    return text.len >= suffix.len && str_is_equal(str_skip(text, text.len - suffix.len), suffix);
}

/* Whether path fits the pattern; *ret is what stands in the place of the braces. */
static bool fits(const char *pattern, struct str path, struct str *ret)
{
    size_t same = 0; /* what both begin with; for most patterns that is all that is looked at */

    *ret = (struct str){0};
    while (same < path.len && pattern[same] == path.data[same] && pattern[same] != '{' &&
           pattern[same] != '\0')
        same++;
    if (pattern[same] != '{')
        return pattern[same] == '\0' && same == path.len;

    struct str suffix = str_from(pattern + same);
    struct str rest = str_skip(path, same);
    (void)str_cut(&suffix, '}');
    if (!has_suffix(rest, suffix))
        return false;
    *ret = str_from_bytes(rest.data, rest.len - suffix.len);
    return ret->len > 0 && str_find_byte(*ret, '/') == ret->len &&
           str_find_byte(*ret, ':') == ret->len;
}

const char *route_get_other_verb(const struct route *route)
{
    if (strcmp(route->verb, "GET") != 0)
        return NULL;
    return route->effect == ROUTE_READS ? "HEAD" : "POST";
}

static bool has_verb(const struct route *route, struct str verb)
{
    const char *other = route_get_other_verb(route);

    return str_is(verb, route->verb) || (other && str_is(verb, other));
}

struct route_match routes_match(struct str verb, struct str path)
{
    struct route_match match = {0};
    size_t len = 0;

    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        const struct route *route = &routes[i];
        struct str part;
        if (!fits(route->path, path, &part))
            continue;
        match.is_known = true;
        match.part = part;
        if (has_verb(route, verb)) {
            match.route = route;
            match.allow[0] = '\0';
            return match;
        }
        const char *other = route_get_other_verb(route);
        len += (size_t)snprintf(match.allow + len, sizeof(match.allow) - len, "%s, %s%s",
                                route->verb, other ? other : "", other ? ", " : "");
    }
    if (match.is_known)
        (void)snprintf(match.allow + len, sizeof(match.allow) - len, "OPTIONS");
    return match;
}

enum route_style routes_get_style(struct str path)
{
    struct route_match match = routes_match(str_from("GET"), path);

    if (match.route)
        return match.route->style;
    return str_has_prefix(path, "/v1/") ? ROUTE_V1 : ROUTE_LTS;
}

struct str route_get_part_field(const struct route *route)
{
    struct str rest = str_from(route->path);

    (void)str_cut(&rest, '{');
    return str_cut(&rest, '}');
}

const ProtobufCMethodDescriptor *route_get_method(const struct route *route)
{
    struct str name = str_from(route->method + 1);
    struct str service = str_cut(&name, '/');

    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        if (str_is(service, services[i]->name))
            return protobuf_c_service_descriptor_get_method_by_name(services[i], name.data);
    }
    return NULL;
}

const struct route *routes_get_all(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(routes);
    return routes;
}
