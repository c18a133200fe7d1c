/*
 * tests/unit/rest-shim/test_openapi.c - that the OpenAPI document tells of all that HTTP offers, and of nothing else.
 */
#include "rest-shim/openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/json_in.h"
#include "rest-shim/openapi_schema.h"
#include "rest-shim/proto_comments.h"
#include "rest-shim/routes.h"
#include "sluice/v1/task_service.pb-c.h"
#include "tests/harness/test.h"

test(comments_are_found_by_full_names)
{
    static const char *const cases[][2] = {
        {"sluice.v1.Task.id",
         "The id: proc-<n>-<32 hex digits> for a bulk import, n counting them; "},
        {"sluice.v1.Task", "What a user asked for, and how far it is."},
        {"sluice.v1.TaskState.TASK_STATE_PENDING", "Stored; no worker has a job of it yet."},
        {"sluice.v1.TaskState", "The life of a task: "},
        {"sluice.v1.TaskService.GetTask", "Returns one task"},
        {"sluice.v1.TaskService", "Creates, follows, stops, retries and deletes tasks."},
    };
    struct arena *arena = arena_create(64 << 20);
    const struct proto_comments *comments = proto_comments_create(arena);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = proto_comments_get(comments, cases[i][0]);
        check(strncmp(got, cases[i][1], strlen(cases[i][1])) == 0);
        check(strchr(got, '\n') == NULL);
    }
    check_str(proto_comments_get(comments, "sluice.v1.Task.nope"), "");
    check_str(proto_comments_get(comments, ""), "");
    arena_destroy(arena);
}

test(fields_are_found_by_paths)
{
    const ProtobufCMessageDescriptor *type = &pb__create_task_request__descriptor;

    struct openapi_field found = openapi_field_find(type, str_from("task.bulkload.instances"));
    check_str(found.owner->name, "sluice.v1.BulkloadSpec");
    check_str(found.field->name, "instances");
    check(openapi_field_find(type, str_from("task.nope")).field == NULL);
    check(openapi_field_find(type, str_from("request_id.nope")).field == NULL);
    check(openapi_field_find(type, str_from("")).field == NULL);
}

/* A document, and what is found in it. */
struct fixture {
    struct buf text;
    struct json *root;
};

static void open_fixture(struct fixture *f)
{
    *f = (struct fixture){.root = NULL};
    openapi_write(&f->text);
    check_status(json_read("the document", buf_get(&f->text), &f->root), STATUS_OK);
}

static void close_fixture(struct fixture *f)
{
    json_destroy(f->root);
    buf_deinit(&f->text);
}

/* "/v1/tasks/{id}" of "/v1/tasks/{task.id}". */
static void get_path(const struct route *route, char ret[128])
{
    const char *open = strchr(route->path, '{');
    const char *dot = open ? strchr(open, '.') : NULL;

    if (dot)
        (void)snprintf(ret, 128, "%.*s%s", (int)(open + 1 - route->path), route->path, dot + 1);
    else
        (void)snprintf(ret, 128, "%s", route->path);
}

static const struct json *find_operation(const struct fixture *f, const char *path,
                                         const char *verb)
{
    const struct json *item = json_find(json_find(f->root, "paths"), path);
    char lower[8] = "";

    for (size_t i = 0; verb[i] && i < sizeof(lower) - 1; i++)
        lower[i] = (char)tolower((unsigned char)verb[i]);
    return item ? json_find(item, lower) : NULL;
}

static unsigned check_operation(const struct fixture *f, const struct route *route,
                                const char *verb)
{
    static const char *const members[] = {"operationId", "tags",       "summary",
                                          "description", "parameters", "responses"};
    char path[128];

    get_path(route, path);
    const struct json *operation = find_operation(f, path, verb);
    if (!operation) {
        check_str(path, "in the document");
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const struct json *member = json_find(operation, members[i]);
        check(member != NULL);
        if (member && json_get_kind(member) == JSON_KIND_STRING)
            check(json_get_string(member).len > 0);
    }
    check_int(json_find(operation, "requestBody") != NULL, route->body != ROUTE_NO_BODY);
    return 1;
}

/* How many operations the document has, of paths that are routes. */
static unsigned count_operations(const struct fixture *f)
{
    const struct json *paths = json_find(f->root, "paths");
    unsigned count = 0;

    for (struct json_member m = json_first(paths); m.value; m = json_next(paths, m))
        count += (unsigned)json_get_count(m.value);
    return count;
}

test(the_document_has_all_routes_and_no_others)
{
    struct fixture f;
    size_t nroutes = 0;
    unsigned count = 0;
    const struct route *routes = routes_get_all(&nroutes);

    open_fixture(&f);
    for (size_t i = 0; i < nroutes; i++) {
        const char *other = route_get_other_verb(&routes[i]);
        if (!routes[i].method)
            continue;
        count += check_operation(&f, &routes[i], routes[i].verb);
        if (other && strcmp(other, "POST") == 0)
            count += check_operation(&f, &routes[i], other);
    }
    check_int(count_operations(&f), count);
    close_fixture(&f);
}

/* Each reference of the document leads somewhere. */
static void check_refs(const struct json *root, const struct json *value)
{
    if (json_get_kind(value) == JSON_KIND_ARRAY) {
        for (size_t i = 0; i < json_get_count(value); i++)
            check_refs(root, json_get_element(value, i));
        return;
    }
    if (json_get_kind(value) != JSON_KIND_OBJECT)
        return;
    for (struct json_member m = json_first(value); m.value; m = json_next(value, m)) {
        if (!str_is(m.key, "$ref")) {
            check_refs(root, m.value);
            continue;
        }
        struct str rest = json_get_string(m.value);
        const struct json *at = root;
        (void)str_cut(&rest, '/');
        while (at && rest.data) {
            char part[64];
            struct str name = str_cut(&rest, '/');
            (void)snprintf(part, sizeof(part), "%.*s", (int)name.len, name.data);
            at = json_find(at, part);
        }
        check(at != NULL);
    }
}

test(each_reference_leads_somewhere)
{
    struct fixture f;

    open_fixture(&f);
    check_refs(f.root, f.root);
    close_fixture(&f);
}

/* A value of the document by its keys. */
static const struct json *dig(const struct json *at, const char *const *keys)
{
    for (; at && *keys; keys++)
        at = json_find(at, *keys);
    return at;
}

static void check_text(const struct fixture *f, const char *const *keys, const char *expected)
{
    const struct json *at = dig(f->root, keys);
    char got[256] = "nothing";

    if (at && json_get_kind(at) == JSON_KIND_STRING)
        (void)snprintf(got, sizeof(got), "%.*s", (int)json_get_string(at).len,
                       json_get_string(at).data);
    check_str(got, expected);
}

#define PATH(...) ((const char *const[]){__VA_ARGS__, NULL})
#define PROPERTY(type, name) "components", "schemas", type, "properties", name

test(fields_have_the_types_that_json_gives_them)
{
    struct fixture f;

    open_fixture(&f);
    check_text(&f, PATH(PROPERTY("Progress", "rowsRead"), "type"), "string");
    check_text(&f, PATH(PROPERTY("Progress", "rowsRead"), "format"), "int64");
    check_text(&f, PATH(PROPERTY("Progress", "fraction"), "type"), "number");
    check_text(&f, PATH(PROPERTY("BadRow", "raw"), "format"), "byte");
    check_text(&f, PATH(PROPERTY("Task", "createTime"), "format"), "date-time");
    check_text(&f, PATH(PROPERTY("Task", "state"), "$ref"), "#/components/schemas/TaskState");
    check_text(&f, PATH(PROPERTY("Task", "jobs"), "items", "$ref"), "#/components/schemas/Job");
    check_text(&f, PATH(PROPERTY("Task", "labels"), "additionalProperties", "type"), "string");
    check(dig(f.root, PATH(PROPERTY("Task", "state"), "readOnly")) != NULL);
    check(dig(f.root, PATH(PROPERTY("Task", "source"), "readOnly")) == NULL);
    check(dig(f.root, PATH(PROPERTY("Task", "etag"), "readOnly")) == NULL);
    check_text(&f, PATH(PROPERTY("Task", "displayName"), "description"),
               "What its users call it: at most 128 bytes without control characters; need not be "
               "unique. Optional.");
    close_fixture(&f);
}

/* "name:in" of an operation's parameters, with a space behind each. */
static void list_parameters(const struct json *operation, struct buf *ret)
{
    const struct json *list = json_find(operation, "parameters");

    for (size_t i = 0; i < json_get_count(list); i++) {
        const struct json *item = json_get_element(list, i);
        buf_append_str(ret, json_get_string(json_find(item, "name")));
        buf_append_char(ret, ':');
        buf_append_str(ret, json_get_string(json_find(item, "in")));
        buf_append_char(ret, ' ');
    }
}

test(operations_have_the_parameters_that_requests_may_have)
{
    static const char *const cases[][3] = {
        {"post", "/v1/tasks", "requestId:query validateOnly:query Idempotency-Key:header "},
        {"patch", "/v1/tasks/{id}", "id:path updateMask:query "},
        {"delete", "/v1/tasks/{id}", "id:path etag:query "},
        {"post", "/v1/tasks/{id}:abort", "id:path "},
        {"get", "/v1/tasks/{id}:watch", "id:path cursor:query Last-Event-ID:header "},
        {"get", "/v1/tasks/{id}/badRows", "id:path pageSize:query pageToken:query "},
        {"get", "/v1/tasks/{id}/explanation", "id:path "},
        {"get", "/v1/tasks/{id}/differences", "id:path pageSize:query pageToken:query "},
        {"get", "/pro/proc/{id}/info", "id:path "},
        {"get", "/hbase/fulldata", "pageSize:query pageToken:query "},
        {"post", "/pro/proc/bulkload/create", "Idempotency-Key:header "},
        {"get", "/healthz", ""},
    };
    struct fixture f;

    open_fixture(&f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf got = {0};
        list_parameters(find_operation(&f, cases[i][1], cases[i][0]), &got);
        check_str(buf_get_text(&got), cases[i][2]);
        buf_deinit(&got);
    }
    close_fixture(&f);
}

test(calls_of_lts_say_what_is_theirs)
{
    static const char told[] =
        " The id is that of a full migration. This GET changes something, as the Lindorm Tunnel "
        "Service has it; POST does the same.";
    struct fixture f;

    open_fixture(&f);
    struct str text = json_get_string(
        json_find(find_operation(&f, "/hbase/fulldata/{id}/abort", "get"), "description"));
    check(text.len > strlen(told));
    check(str_is(str_skip(text, text.len - strlen(told)), told));
    close_fixture(&f);
}

test(forms_are_told_field_by_field)
{
    struct fixture f;

    open_fixture(&f);
    const struct json *schema =
        dig(find_operation(&f, "/pro/proc/bulkload/create", "post"),
            PATH("requestBody", "content", "application/x-www-form-urlencoded", "schema"));
    check(schema != NULL);
    check(dig(schema, PATH("properties", "readerConfig")) != NULL);
    check(str_is(json_get_string(dig(schema, PATH("properties", "instances", "type"))), "integer"));
    check_int(json_get_count(json_find(schema, "required")), 6);
    close_fixture(&f);
}
