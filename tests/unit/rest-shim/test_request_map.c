/*
 * tests/unit/rest-shim/test_request_map.c - from HTTP to the request of the gateway.
 */
#include "rest-shim/request_map.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "rpc/message_json.h"
#include "sluice/v1/task_service.pb-c.h"
#include "tests/harness/test.h"

#define FORM "application/x-www-form-urlencoded"
#define JSON "application/json"

struct map_case {
    const char *verb, *path, *query, *body;
    const char *expected; /* the request as JSON, or the error */
};

/* The request that a case makes, as JSON, or its error. Owned by the caller. */
static char *map(const struct map_case *item)
{
    struct route_match match = routes_match(str_from(item->verb), str_from(item->path));
    struct arena *arena = arena_create(4 << 20);
    struct buf shown = {0};
    struct json_out out = json_out_make(&shown);
    ProtobufCMessage *request = NULL;
    struct request_input input = {
        .part = match.part, .query = str_from(item->query), .body = str_from(item->body)};

    check(match.route != NULL);
    struct status st = request_map_read(match.route, &input, arena, &request);
    if (st.code == STATUS_OK)
        message_json_write(request, &out);
    else
        check(st.code == STATUS_INVALID_ARGUMENT || st.code == STATUS_NOT_FOUND);
    buf_append_text(&shown, st.text);
    arena_destroy(arena);
    return buf_take(&shown);
}

static void check_mapped(const struct map_case *cases, size_t ncases)
{
    for (size_t i = 0; i < ncases; i++) {
        char *got = map(&cases[i]);
        check_str(got, cases[i].expected);
        mem_free(got);
    }
}

#define CREATE "POST", "/pro/proc/bulkload/create", ""
#define REST "readerConfig={}&writerConfig={}&driverSpec=large&instances=5"

test(forms_become_tasks)
{
    static const struct map_case cases[] = {
        {CREATE, "src=hdfs&dst=ld&" REST,
         "{\"task\":{\"source\":\"hdfs\",\"destination\":\"ld\",\"bulkload\":{"
         "\"readerConfigJson\":\"{}\",\"writerConfigJson\":\"{}\","
         "\"driverSpec\":\"DRIVER_SPEC_LARGE\",\"instances\":5}}}"},
        {CREATE,
         "src=a+b&dst=%6cd&readerConfig={\"column\":[\"a|int\"]}&writerConfig={\"c\":[\"R||S\"]}&"
         "driverSpec=XLarge&instances=1&fileType=parquet&sparkAdditionalParams=a=b;c=d",
         "{\"task\":{\"source\":\"a b\",\"destination\":\"ld\",\"bulkload\":{"
         "\"readerConfigJson\":\"{\\\"column\\\":[\\\"a|int\\\"]}\","
         "\"writerConfigJson\":\"{\\\"c\\\":[\\\"R||S\\\"]}\","
         "\"driverSpec\":\"DRIVER_SPEC_XLARGE\",\"instances\":1,"
         "\"fileType\":\"FILE_TYPE_PARQUET\",\"sparkAdditionalParams\":\"a=b;c=d\"}}}"},
        {CREATE, "src=a&dst=b&fileType=&" REST,
         "{\"task\":{\"source\":\"a\",\"destination\":\"b\",\"bulkload\":{"
         "\"readerConfigJson\":\"{}\",\"writerConfigJson\":\"{}\","
         "\"driverSpec\":\"DRIVER_SPEC_LARGE\",\"instances\":5}}}"},
    };

    check_mapped(cases, ARRAY_LEN(cases));
}

#define FULL "POST", "/hbase/fulldata/create", ""
#define INCR "POST", "/hbase/incr/create", ""
#define UPDATE "POST", "/hbase/incr/update", ""

test(forms_of_hbase_become_tasks)
{
    static const struct map_case cases[] = {
        {FULL, "src=hbase1&dst=hbase2&tableNames=t1,t2,t3&bulkload=true&createTable=true",
         "{\"task\":{\"source\":\"hbase1\",\"destination\":\"hbase2\",\"fullMigration\":{"
         "\"tableNames\":[\"t1\",\"t2\",\"t3\"],\"bulkload\":true,\"createTable\":true}}}"},
        {FULL, "src=a&dst=b&tableNames=%20ns:t1+,+t2/t3+&bulkload=False&createTable=TRUE",
         "{\"task\":{\"source\":\"a\",\"destination\":\"b\",\"fullMigration\":{"
         "\"tableNames\":[\"ns:t1\",\"t2/t3\"],\"createTable\":true}}}"},
        {FULL, "src=a&dst=b&tableNames=t1&extraAttrs={\"bandWidth\":10485760}",
         "{\"task\":{\"source\":\"a\",\"destination\":\"b\",\"fullMigration\":{"
         "\"tableNames\":[\"t1\"],\"extraAttrsJson\":\"{\\\"bandWidth\\\":10485760}\"}}}"},
        {INCR, "name=test1&src=hbase1&dst=hbase2&tableNames=t1,t2,t3&createTable=true",
         "{\"task\":{\"source\":\"hbase1\",\"destination\":\"hbase2\",\"displayName\":\"test1\","
         "\"incrementalSync\":{\"tableNames\":[\"t1\",\"t2\",\"t3\"],\"createTable\":true}}}"},
        {INCR, "src=a&dst=b&tableNames=t1,,t1&extraAttrs=x",
         "{\"task\":{\"source\":\"a\",\"destination\":\"b\",\"incrementalSync\":{"
         "\"tableNames\":[\"t1\",\"\",\"t1\"],\"extraAttrsJson\":\"x\"}}}"},
        {UPDATE, "jobId=wal-1&tableNames=t1,t2",
         "{\"task\":{\"id\":\"wal-1\",\"incrementalSync\":{\"tableNames\":[\"t1\",\"t2\"]}},"
         "\"updateMask\":\"incrementalSync.tableNames\"}"},
    };

    check_mapped(cases, ARRAY_LEN(cases));
}

test(forms_of_hbase_that_do_not_fit_are_refused)
{
    static const struct map_case cases[] = {
        {FULL, "", "missing: src, dst, tableNames"},
        {FULL, "src=a&dst=b&tableNames=", "missing: tableNames"},
        {FULL, "src=a&dst=b&tableNames=t&bulkload=1", "bulkload: '1' is not true or false"},
        {FULL, "src=a&dst=b&tableNames=t&createTable=yes",
         "createTable: 'yes' is not true or false"},
        {FULL, "src=a&dst=b&tableNames=t1&tableNames=t2", "tableNames: is given twice"},
        {INCR, "name=x", "missing: src, dst, tableNames"},
        {INCR, "src=a&dst=b&tableNames=t&createTable=0", "createTable: '0' is not true or false"},
        {UPDATE, "", "missing: jobId, tableNames"},
        {UPDATE, "jobId=wal-1", "missing: tableNames"},
        {UPDATE, "jobId=proc-1-ab&tableNames=t",
         "'proc-1-ab' is the id of a bulk import, not of an incremental sync"},
    };

    check_mapped(cases, ARRAY_LEN(cases));
}

test(lists_of_lts_set_their_kind_and_take_paging_alone)
{
#define FULL_LIST \
    "\"kind\":\"TASK_KIND_FULL_MIGRATION\",\"orderBy\":\"create_time\",\"view\":\"TASK_VIEW_FULL\"}"
#define INCR_LIST "\"kind\":\"TASK_KIND_INCREMENTAL_SYNC\",\"orderBy\":\"create_time\"}"
    static const struct map_case cases[] = {
        {"GET", "/hbase/fulldata", "", "", "{" FULL_LIST},
        {"GET", "/hbase/fulldata", "_=123&state=failed&pageSize=&pageToken=", "", "{" FULL_LIST},
        {"GET", "/hbase/fulldata", "pageSize=5&pageToken=a%20b", "",
         "{\"pageSize\":5,\"pageToken\":\"a b\"," FULL_LIST},
        {"GET", "/hbase/incr", "", "", "{" INCR_LIST},
        {"GET", "/hbase/incr", "pageSize=x", "",
         "pageSize: 'x' is not a whole number from -2147483648 to 2147483647"},
        {"GET", "/hbase/incr", "pageSize=1&pageSize=2", "", "pageSize: is given twice"},
    };

    check_mapped(cases, ARRAY_LEN(cases));
}

test(ids_of_another_kind_are_not_found)
{
    static const struct map_case cases[] = {
        {"GET", "/hbase/fulldata/workflow-1/detail", "", "", "{\"id\":\"workflow-1\"}"},
        {"GET", "/hbase/fulldata/wal-1/del", "", "",
         "'wal-1' is the id of an incremental sync, not of a full migration"},
        {"GET", "/hbase/incr/proc-1-ab/detai", "", "",
         "'proc-1-ab' is the id of a bulk import, not of an incremental sync"},
        {"GET", "/pro/proc/workflow-1/delete", "", "",
         "'workflow-1' is the id of a full migration, not of a bulk import"},
        {"GET", "/pro/proc/%77al-1/info", "", "",
         "'wal-1' is the id of an incremental sync, not of a bulk import"},
        {"GET", "/v1/tasks/wal-1", "", "", "{\"id\":\"wal-1\"}"},
    };

    check_mapped(cases, ARRAY_LEN(cases));
}

test(forms_are_refused_by_the_names_of_their_fields)
{
    static const struct map_case cases[] = {
        {CREATE, "", "missing: src, dst, readerConfig, writerConfig, driverSpec, instances"},
        {CREATE, "dst=b&" REST, "missing: src"},
        {CREATE, "src=&dst=b&" REST, "missing: src"},
        {CREATE, "src=a&dst=b&writerConfig={}&driverSpec=large&instances=1",
         "missing: readerConfig"},
        {CREATE, "src=a&dst=b&readerConfig={}&driverSpec=large&instances=1",
         "missing: writerConfig"},
        {CREATE, "src=a&dst=b&readerConfig={}&writerConfig={}", "missing: driverSpec, instances"},
        {CREATE, "Src=a&dst=b&" REST, "missing: src"},
        {CREATE, "src=a&dst=b&src=c&" REST, "src: is given twice"},
        {CREATE, "src=a&dst=b&readerConfig={}&writerConfig={}&instances=1&driverSpec=huge",
         "driverSpec: 'huge' is not one of small, medium, large, xlarge"},
        {CREATE, "src=a&dst=b&readerConfig={}&writerConfig={}&driverSpec=large&instances=1.5",
         "instances: '1.5' is not a whole number"},
        {CREATE, "src=a&dst=b&readerConfig={}&writerConfig={}&driverSpec=large&instances=9e9",
         "instances: '9e9' is not a whole number"},
        {CREATE, "src=a&dst=b&fileType=ORC&" REST, "fileType: 'ORC' is not CSV or Parquet"},
        {CREATE, "src=%zz&dst=b&" REST,
         "src: a '%' that two hex digits do not follow (send %25 for '%')"},
        {CREATE, "src=a&dst=%ff&" REST, "dst: not UTF-8"},
        {CREATE, "src=a&dst=b&other=%ff&" REST, "other: not UTF-8"},
    };

    check_mapped(cases, ARRAY_LEN(cases));
}

test(paths_and_queries_become_fields)
{
    static const struct map_case cases[] = {
        {"GET", "/pro/proc/proc-1-ab/info", "", "", "{\"id\":\"proc-1-ab\"}"},
        {"GET", "/pro/proc/x/abort", "any=%zz&any", "ignored", "{\"id\":\"x\"}"},
        {"GET", "/v1/tasks/a%2Db+c", "", "", "{\"id\":\"a-b+c\"}"},
        {"GET", "/v1/tasks", "", "", "{}"},
        {"GET", "/v1/tasks", "pageSize=5&pageToken=a%20b&state=failed&kind=bulkload", "",
         "{\"pageSize\":5,\"pageToken\":\"a b\",\"kind\":\"TASK_KIND_BULKLOAD\","
         "\"state\":\"TASK_STATE_FAILED\"}"},
        {"GET", "/v1/tasks/x/badRows", "page_size=2", "", "{\"id\":\"x\",\"pageSize\":2}"},
        {"DELETE", "/v1/dataSources/a.b", "etag=7", "", "{\"name\":\"a.b\",\"etag\":\"7\"}"},
        {"GET", "/healthz", "x=y", "", "{}"},
    };

    check_mapped(cases, ARRAY_LEN(cases));
}

test(paths_and_queries_that_do_not_fit_are_refused)
{
    static const struct map_case cases[] = {
        {"GET", "/v1/tasks/%zz", "", "",
         "the path: a '%' that two hex digits do not follow (send %25 for '%')"},
        {"GET", "/pro/proc/%ff/info", "", "", "the path: not UTF-8"},
        {"GET", "/v1/tasks", "pagesize=1", "", "pagesize: there is no such query parameter"},
        {"GET", "/v1/tasks", "pageSize=x", "",
         "pageSize: 'x' is not a whole number from -2147483648 to 2147483647"},
        {"GET", "/v1/tasks", "pageSize=1&pageSize=2", "", "pageSize: is given twice"},
        {"GET", "/v1/tasks", "state=gone", "",
         "state: 'gone' is not one of PENDING, RUNNING, SUCCEEDED, FAILED, KILLED"},
        {"GET", "/v1/tasks/x", "id=y", "", "id: there is no such query parameter"},
        {"POST", "/v1/tasks", "task=y", "{}", "task: there is no such query parameter"},
        {"POST", "/v1/tasks", "task.source=y", "{}",
         "task.source: there is no such query parameter"},
        {"POST", "/v1/tasks/x:retry", "fromStart=true", "",
         "fromStart: there is no such query parameter"},
        {"DELETE", "/v1/tasks/x", "force=1", "", "force: there is no such query parameter"},
    };

    check_mapped(cases, ARRAY_LEN(cases));
}

test(json_becomes_the_request_or_a_field_of_it)
{
    static const struct map_case cases[] = {
        {"POST", "/v1/tasks", "", "{\"source\":\"a\",\"bulkload\":{\"instances\":2}}",
         "{\"task\":{\"source\":\"a\",\"bulkload\":{\"instances\":2}}}"},
        {"POST", "/v1/tasks/x:abort", "", "", "{\"id\":\"x\"}"},
        {"POST", "/v1/tasks/x:abort", "", "{}", "{\"id\":\"x\"}"},
        {"POST", "/v1/tasks/x:retry", "", "{\"fromStart\":true}",
         "{\"id\":\"x\",\"fromStart\":true}"},
        {"POST", "/v1/tasks/x:retry", "", "{\"id\":\"x\"}", "{\"id\":\"x\"}"},
        {"PATCH", "/v1/dataSources/a", "updateMask=parametersJson", "{\"parametersJson\":\"{}\"}",
         "{\"dataSource\":{\"name\":\"a\",\"parametersJson\":\"{}\"},"
         "\"updateMask\":\"parametersJson\"}"},
        {"PATCH", "/v1/dataSources/a", "", "{\"name\":\"a\"}", "{\"dataSource\":{\"name\":\"a\"}}"},
    };

    check_mapped(cases, ARRAY_LEN(cases));
}

test(json_that_does_not_fit_is_refused)
{
    static const struct map_case cases[] = {
        {"POST", "/v1/tasks", "", "", "the body is empty, must be a JSON object"},
        {"POST", "/v1/tasks", "", "[]", "the JSON is an array, must be an object"},
        {"POST", "/v1/tasks", "", "{\"sorce\":\"a\"}", "sorce: there is no such field"},
        {"POST", "/v1/tasks", "", "{\"bulkload\":{\"instances\":\"x\"}}",
         "bulkload.instances: 'x' is not a whole number from -2147483648 to 2147483647"},
        {"POST", "/v1/tasks/x:retry", "", "{\"id\":\"y\"}", "id: the body says 'y', the path 'x'"},
        {"PATCH", "/v1/dataSources/a", "", "{\"name\":\"b\"}",
         "data_source.name: the body says 'b', the path 'a'"},
    };

    check_mapped(cases, ARRAY_LEN(cases));
}

test(bodies_need_the_content_type_of_the_route)
{
    static const struct {
        const char *verb, *path, *type, *body;
        bool is_taken;
    } cases[] = {
        {"POST", "/pro/proc/bulkload/create", FORM, "a=b", true},
        {"POST", "/pro/proc/bulkload/create", FORM "; charset=UTF-8", "a=b", true},
        {"POST", "/pro/proc/bulkload/create", "Application/X-WWW-Form-Urlencoded", "a=b", true},
        {"POST", "/pro/proc/bulkload/create", FORM "; charset=\"utf-8\" ; x=y", "a=b", true},
        {"POST", "/pro/proc/bulkload/create", "", "", true},
        {"POST", "/pro/proc/bulkload/create", "", "a=b", false},
        {"POST", "/pro/proc/bulkload/create", JSON, "{}", false},
        {"POST", "/pro/proc/bulkload/create", JSON, "", false},
        {"POST", "/pro/proc/bulkload/create", FORM "; charset=latin1", "a=b", false},
        {"POST", "/pro/proc/bulkload/create", FORM "x", "a=b", false},
        {"POST", "/pro/proc/x/abort", "text/plain", "x", true},
        {"POST", "/v1/tasks", JSON, "{}", true},
        {"POST", "/v1/tasks", FORM, "{}", false},
        {"POST", "/v1/tasks/x:abort", FORM, "{}", false},
        {"POST", "/v1/tasks/x:abort", "", "", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct route_match match = routes_match(str_from(cases[i].verb), str_from(cases[i].path));
        struct request_input input = {.content_type = str_from(cases[i].type),
                                      .body = str_from(cases[i].body)};
        check_int(request_map_takes(match.route, &input), cases[i].is_taken);
    }
}

struct key_case {
    const char *verb, *path, *query, *key;
    const char *expected; /* what request_id is, or the error */
};

/* What the header sets request_id to. Owned by the caller. */
static char *map_key(const struct key_case *item, const char *body, struct str key)
{
    struct route_match match = routes_match(str_from(item->verb), str_from(item->path));
    struct arena *arena = arena_create(1 << 20);
    struct buf shown = {0};
    ProtobufCMessage *request = NULL;
    struct request_input input = {.part = match.part,
                                  .query = str_from(item->query),
                                  .body = str_from(body),
                                  .request_key = key};
    struct status st = request_map_read(match.route, &input, arena, &request);

    if (st.code == STATUS_OK && request->descriptor == &pb__create_task_request__descriptor)
        buf_append_text(&shown, ((const Pb__CreateTaskRequest *)request)->request_id);
    buf_append_text(&shown, st.text);
    arena_destroy(arena);
    return buf_take(&shown);
}

#define UUID "00112233-4455-4677-8899-aabbccddeeff"
#define UUID_OF_ABC "ba7816bf-8f01-8fea-8141-40de5dae2223"

test(an_idempotency_key_is_the_id_of_the_request)
{
    static const struct key_case cases[] = {
        {"POST", "/v1/tasks", "", "abc", UUID_OF_ABC},
        {"POST", "/v1/tasks", "", UUID, UUID},
        {"POST", "/v1/tasks", "", "00112233-4455-4677-8899-AABBCCDDEEFF", UUID},
        {"POST", "/v1/tasks", "requestId=" UUID, UUID, UUID},
        {"POST", "/v1/tasks", "requestId=" UUID, NULL, UUID},
        {"POST", "/v1/tasks", "requestId=" UUID, "abc",
         "Idempotency-Key: request_id names another request"},
        {"POST", "/v1/tasks", "", "", "Idempotency-Key: is of 0 bytes, must be of 1 to 128"},
        {"POST", "/v1/tasks/x:abort", "", "abc", ""},
        {"POST", "/v1/tasks", "", NULL, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str key = cases[i].key ? str_from(cases[i].key) : (struct str){0};
        char *got = map_key(&cases[i], "{}", key);
        check_str(got, cases[i].expected);
        mem_free(got);
    }
}

test(an_idempotency_key_has_a_limit)
{
    static const struct key_case create = {.verb = "POST", .path = "/v1/tasks", .query = ""};
    char key[REQUEST_MAP_MAX_KEY_BYTES + 1];

    memset(key, 'k', sizeof(key));
    char *got = map_key(&create, "{}", str_from_bytes(key, REQUEST_MAP_MAX_KEY_BYTES));
    check_int(strlen(got), strlen(UUID));
    mem_free(got);
    got = map_key(&create, "{}", str_from_bytes(key, sizeof(key)));
    check_str(got, "Idempotency-Key: is of 129 bytes, must be of 1 to 128");
    mem_free(got);
}

test(forms_have_an_idempotency_key_too)
{
    static const struct key_case creates[] = {
        {.verb = "POST", .path = "/pro/proc/bulkload/create", .query = ""},
        {.verb = "POST", .path = "/hbase/fulldata/create", .query = ""},
        {.verb = "POST", .path = "/hbase/incr/create", .query = ""},
    };
    static const char form[] = "src=a&dst=b&tableNames=t&" REST;

    for (size_t i = 0; i < ARRAY_LEN(creates); i++) {
        char *got = map_key(&creates[i], form, str_from("abc"));
        check_str(got, UUID_OF_ABC);
        mem_free(got);
    }
}
