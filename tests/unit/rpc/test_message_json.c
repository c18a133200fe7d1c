/*
 * tests/unit/rpc/test_message_json.c - messages to and from JSON, and fields from texts.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "google/protobuf/wrappers.pb-c.h"
#include "google/rpc/error_details.pb-c.h"
#include "rpc/message_json.h"
#include "sluice/v1/data_source_service.pb-c.h"
#include "sluice/v1/task_service.pb-c.h"
#include "tests/harness/test.h"

enum { ARENA_BYTES = 64 * 1024 };

static char *write(const ProtobufCMessage *message)
{
    struct buf buf = {0};
    struct json_out out = json_out_make(&buf);

    message_json_write(message, &out);
    return buf_take(&buf);
}

static void check_written(const ProtobufCMessage *message, const char *expected)
{
    char *text = write(message);

    check_str(text, expected);
    mem_free(text);
}

/* Reads text into a message from arena; NULL and *ret_st if that fails. */
static ProtobufCMessage *read(const char *text, const ProtobufCMessageDescriptor *type,
                              struct arena *arena, struct status *ret_st)
{
    struct json *json = NULL;
    ProtobufCMessage *message = NULL;

    *ret_st = json_read("body", str_from(text), &json);
    if (ret_st->code == STATUS_OK)
        *ret_st = message_json_read(json, type, arena, &message);
    json_destroy(json);
    return message;
}

struct json_case {
    const ProtobufCMessageDescriptor *type;
    const char *text;
    const char *expected; /* as written again; NULL: the same text */
};

static void check_round_trips(const struct json_case *cases, size_t ncases)
{
    for (size_t i = 0; i < ncases; i++) {
        struct arena *arena = arena_create(ARENA_BYTES);
        struct status st;
        ProtobufCMessage *message = read(cases[i].text, cases[i].type, arena, &st);

        check_str(st.text, "");
        if (message)
            check_written(message, cases[i].expected ? cases[i].expected : cases[i].text);
        arena_destroy(arena);
    }
}

test(messages_read_and_write_the_same_json)
{
    static const struct json_case cases[] = {
        {&pb__task__descriptor, "{}", NULL},
        {&pb__task__descriptor, "{\"id\":\"proc-1\",\"source\":\"a\\\"\\n\xc3\xa9\"}", NULL},
        {&pb__task__descriptor, "{\"state\":\"TASK_STATE_RUNNING\"}", NULL},
        {&pb__task__descriptor, "{\"createTime\":\"2026-01-02T03:04:05.678Z\"}", NULL},
        {&pb__task__descriptor, "{\"createTime\":\"1969-12-31T23:59:59.500Z\"}", NULL},
        {&pb__task__descriptor, "{\"createTime\":\"0001-01-01T00:00:00Z\"}", NULL},
        {&pb__task__descriptor, "{\"progress\":{\"rowsRead\":\"9007199254740993\"}}", NULL},
        {&pb__task__descriptor, "{\"progress\":{\"fraction\":0.1}}", NULL},
        {&pb__task__descriptor, "{\"jobs\":[{\"id\":\"a\"},{\"attempt\":2}]}", NULL},
        {&pb__task__descriptor, "{\"bulkload\":{}}", NULL},
        {&pb__task__descriptor, "{\"bulkload\":{\"driverSpec\":\"DRIVER_SPEC_LARGE\"}}", NULL},
        {&pb__bad_row__descriptor, "{\"raw\":\"AP8=\"}", NULL},
        {&pb__update_data_source_request__descriptor,
         "{\"updateMask\":\"parametersJson,dataSource.etag\"}", NULL},
        {&google__rpc__retry_info__descriptor, "{\"retryDelay\":\"1.500s\"}", NULL},
        {&google__rpc__retry_info__descriptor, "{\"retryDelay\":\"-0.000000001s\"}", NULL},
        {&google__rpc__error_info__descriptor,
         "{\"reason\":\"R\",\"metadata\":{\"b\":\"1\",\"a\":\"\"}}", NULL},
    };

    check_round_trips(cases, ARRAY_LEN(cases));
}

test(reading_takes_other_forms_of_the_same_value)
{
    static const struct json_case cases[] = {
        {&pb__list_tasks_request__descriptor, "{\"page_size\":5}", "{\"pageSize\":5}"},
        {&pb__list_tasks_request__descriptor, "{\"pageSize\":\"5\"}", "{\"pageSize\":5}"},
        {&pb__list_tasks_request__descriptor, "{\"pageSize\":5.0}", "{\"pageSize\":5}"},
        {&pb__list_tasks_request__descriptor, "{\"pageSize\":1e2}", "{\"pageSize\":100}"},
        {&pb__list_tasks_request__descriptor, "{\"pageSize\":null}", "{}"},
        {&pb__list_tasks_request__descriptor, "{\"state\":2}",
         "{\"state\":\"TASK_STATE_RUNNING\"}"},
        {&pb__list_tasks_request__descriptor, "{\"kind\":\"TASK_KIND_UNSPECIFIED\"}", "{}"},
        {&pb__progress__descriptor, "{\"rowsRead\":-7}", "{\"rowsRead\":\"-7\"}"},
        {&pb__progress__descriptor, "{\"fraction\":\"0.5\"}", "{\"fraction\":0.5}"},
        {&pb__progress__descriptor, "{\"fraction\":\"NaN\"}", "{\"fraction\":\"NaN\"}"},
        {&pb__retry_task_request__descriptor, "{\"from_start\":true}", "{\"fromStart\":true}"},
        {&pb__task__descriptor, "{\"jobs\":[]}", "{}"},
        {&pb__task__descriptor, "{\"startTime\":\"2026-01-02T05:04:05+02:00\"}",
         "{\"startTime\":\"2026-01-02T03:04:05Z\"}"},
        {&google__rpc__retry_info__descriptor, "{\"retryDelay\":\"3.0s\"}",
         "{\"retryDelay\":\"3s\"}"},
    };

    check_round_trips(cases, ARRAY_LEN(cases));
}

static const struct {
    const ProtobufCMessageDescriptor *type;
    const char *text;
    const char *error;
} wrong_cases[] = {
    {&pb__task__descriptor, "[]", "the JSON is an array, must be an object"},
    {&pb__task__descriptor, "{\"sorce\":\"a\"}", "sorce: there is no such field"},
    {&pb__task__descriptor, "{\"source\":1}", "source: is a number, must be a string"},
    {&pb__task__descriptor, "{\"source\":{}}", "source: is an object, must be a string"},
    {&pb__task__descriptor, "{\"progress\":\"x\"}", "progress: is a string, must be an object"},
    {&pb__task__descriptor, "{\"progress\":3}", "progress: is a number, must be an object"},
    {&pb__task__descriptor, "{\"jobs\":{}}", "jobs: is an object, must be an array"},
    {&pb__task__descriptor, "{\"jobs\":[null]}", "jobs[0]: is null, must be an object"},
    {&pb__task__descriptor, "{\"jobs\":[{},{\"attempt\":true}]}",
     "jobs[1].attempt: is true, must be a number"},
    {&pb__task__descriptor, "{\"createTime\":5}", "create_time: is a number, must be a string"},
    {&pb__task__descriptor, "{\"createTime\":\"now\"}",
     "create_time: 'now' is not a time like 2026-01-02T03:04:05Z"},
    {&pb__create_task_request__descriptor, "{\"task\":{\"bulkload\":{\"instances\":\"x\"}}}",
     "task.bulkload.instances: 'x' is not a whole number from -2147483648 to 2147483647"},
    {&pb__create_task_request__descriptor, "{\"task\":{\"bulkload\":{\"instances\":2147483648}}}",
     "task.bulkload.instances: 2147483648 is out of range"},
    {&pb__create_task_request__descriptor, "{\"task\":{\"bulkload\":{\"instances\":1.5}}}",
     "task.bulkload.instances: 1.5 is out of range"},
    {&pb__create_task_request__descriptor, "{\"task\":{\"bulkload\":{\"fileType\":\"CSV\"}}}",
     "task.bulkload.file_type: 'CSV' is not one of FILE_TYPE_CSV, FILE_TYPE_PARQUET"},
    {&pb__create_task_request__descriptor, "{\"task\":{\"bulkload\":{\"fileType\":9}}}",
     "task.bulkload.file_type: 9 is out of range"},
    {&pb__list_tasks_request__descriptor, "{\"pageSize\":1,\"page_size\":1}",
     "page_size: is given twice"},
    {&pb__retry_task_request__descriptor, "{\"fromStart\":\"true\"}",
     "from_start: is a string, must be true or false"},
    {&pb__retry_task_request__descriptor, "{\"fromStart\":1}",
     "from_start: is a number, must be true or false"},
    {&pb__bad_row__descriptor, "{\"raw\":\"?\"}", "raw: not base64"},
    {&pb__bad_row__descriptor, "{\"row\":\"9223372036854775808\"}",
     "row: '9223372036854775808' is not a whole number from -9223372036854775808 to "
     "9223372036854775807"},
    {&pb__progress__descriptor, "{\"fraction\":\"1.\"}", "fraction: '1.' is not a number"},
    {&pb__update_data_source_request__descriptor, "{\"updateMask\":\"a,,b\"}",
     "update_mask: not a list of fields like a,b.c"},
    {&google__rpc__retry_info__descriptor, "{\"retryDelay\":\"5\"}",
     "retry_delay: '5' is not a duration like 1.5s"},
    {&google__rpc__retry_info__descriptor, "{\"retryDelay\":\"1.-0s\"}",
     "retry_delay: '1.-0s' is not a duration like 1.5s"},
    {&google__rpc__error_info__descriptor, "{\"metadata\":{\"a\":1}}",
     "metadata.a: value: is a number, must be a string"},
    {&google__rpc__error_info__descriptor, "{\"metadata\":[]}",
     "metadata: is an array, must be an object"},
};

test(reading_names_what_is_wrong_by_its_path)
{
    for (size_t i = 0; i < ARRAY_LEN(wrong_cases); i++) {
        struct arena *arena = arena_create(ARENA_BYTES);
        struct status st;

        check(!read(wrong_cases[i].text, wrong_cases[i].type, arena, &st));
        check_status(st, STATUS_INVALID_ARGUMENT);
        check_str(st.text, wrong_cases[i].error);
        arena_destroy(arena);
    }
}

test(reading_stops_when_the_arena_is_full)
{
    static const char *const texts[] = {
        "{\"jobs\":[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}",
        "{\"source\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct arena *arena = arena_create(64);
        struct status st;

        check(!read(texts[i], &pb__task__descriptor, arena, &st));
        check_status(st, STATUS_RESOURCE_EXHAUSTED);
        arena_destroy(arena);
    }
}

test(wrappers_are_written_as_their_values)
{
    Google__Protobuf__Int64Value number = GOOGLE__PROTOBUF__INT64_VALUE__INIT;
    Google__Protobuf__StringValue text = GOOGLE__PROTOBUF__STRING_VALUE__INIT;

    number.value = 12;
    text.value = (char[]){"x"};
    check_written(&number.base, "\"12\"");
    check_written(&text.base, "\"x\"");
}

test(an_enum_value_without_a_name_is_written_as_a_number)
{
    Pb__Task task = PB__TASK__INIT;

    task.state = (Pb__TaskState)77;
    check_written(&task.base, "{\"state\":77}");
}

test(a_time_out_of_range_is_written_as_null)
{
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Pb__Task task = PB__TASK__INIT;

    time.seconds = INT64_MAX;
    task.create_time = &time;
    check_written(&task.base, "{\"createTime\":null}");
}

test(members_can_be_written_behind_others)
{
    Pb__GetTaskRequest request = PB__GET_TASK_REQUEST__INIT;
    struct buf buf = {0};
    struct json_out out = json_out_make(&buf);

    request.id = (char[]){"x"};
    json_out_begin_object(&out);
    json_out_key(&out, "@type");
    json_out_text(&out, "t");
    message_json_write_fields(&request.base, &out);
    json_out_end_object(&out);
    check_str(buf_get_text(&buf), "{\"@type\":\"t\",\"id\":\"x\"}");
    buf_deinit(&buf);
}

test(texts_set_fields_by_their_path)
{
    static const struct json_case cases[] = {
        /* the path=text in `text`, the message afterwards in `expected` */
        {&pb__list_tasks_request__descriptor, "page_size=7", "{\"pageSize\":7}"},
        {&pb__list_tasks_request__descriptor, "pageSize=-1", "{\"pageSize\":-1}"},
        {&pb__list_tasks_request__descriptor, "state=running",
         "{\"state\":\"TASK_STATE_RUNNING\"}"},
        {&pb__list_tasks_request__descriptor, "state=TASK_STATE_FAILED",
         "{\"state\":\"TASK_STATE_FAILED\"}"},
        {&pb__list_tasks_request__descriptor, "pageToken=a=b", "{\"pageToken\":\"a=b\"}"},
        {&pb__retry_task_request__descriptor, "from_start=TRUE", "{\"fromStart\":true}"},
        {&pb__retry_task_request__descriptor, "from_start=false", "{}"},
        {&pb__create_task_request__descriptor, "task.source=x", "{\"task\":{\"source\":\"x\"}}"},
        {&pb__create_task_request__descriptor, "task.bulkload.fileType=Parquet",
         "{\"task\":{\"bulkload\":{\"fileType\":\"FILE_TYPE_PARQUET\"}}}"},
        {&pb__update_data_source_request__descriptor, "updateMask=parametersJson",
         "{\"updateMask\":\"parametersJson\"}"},
        {&pb__full_migration_spec__descriptor, "tableNames=a, b ,,c",
         "{\"tableNames\":[\"a\",\"b\",\"\",\"c\"]}"},
        {&pb__full_migration_spec__descriptor, "table_names=a", "{\"tableNames\":[\"a\"]}"},
        {&pb__full_migration_spec__descriptor, "table_names=", "{}"},
        {&pb__progress__descriptor, "fraction=0.25", "{\"fraction\":0.25}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_create(ARENA_BYTES);
        ProtobufCMessage *message = message_create(cases[i].type, arena);
        struct str text = str_from(cases[i].text);
        struct str path = str_cut(&text, '=');

        check_str(message_set_text(message, path, text, arena).text, "");
        check_written(message, cases[i].expected);
        arena_destroy(arena);
    }
}

test(texts_keep_what_other_texts_set)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    ProtobufCMessage *message = message_create(&pb__create_task_request__descriptor, arena);

    check_status(message_set_text(message, str_from("task.source"), str_from("a"), arena),
                 STATUS_OK);
    check_status(
        message_set_text(message, str_from("task.bulkload.instances"), str_from("3"), arena),
        STATUS_OK);
    check_written(message, "{\"task\":{\"source\":\"a\",\"bulkload\":{\"instances\":3}}}");
    arena_destroy(arena);
}

test(texts_that_do_not_fit_are_refused)
{
    static const struct {
        const char *path;
        struct str text;
        enum status_code code;
        const char *error;
    } cases[] = {
        {"pageSize",
         {"x", 1},
         STATUS_INVALID_ARGUMENT,
         "pageSize: 'x' is not a whole number from -2147483648 to 2147483647"},
        {"pageSize",
         {"", 0},
         STATUS_INVALID_ARGUMENT,
         "pageSize: '' is not a whole number from -2147483648 to 2147483647"},
        {"state",
         {"gone", 4},
         STATUS_INVALID_ARGUMENT,
         "state: 'gone' is not one of PENDING, RUNNING, SUCCEEDED, FAILED, KILLED"},
        {"page_token", {"a\0b", 3}, STATUS_INVALID_ARGUMENT, "page_token: a zero byte in the text"},
        {"page_token", {"\xff", 1}, STATUS_INVALID_ARGUMENT, "page_token: not UTF-8"},
        {"pagesize", {"1", 1}, STATUS_NOT_FOUND, "pagesize: there is no such field"},
        {"page_size.x", {"1", 1}, STATUS_NOT_FOUND, "page_size.x: there is no such field"},
        {"", {"1", 1}, STATUS_NOT_FOUND, ": there is no such field"},
    };
    struct arena *arena = arena_create(ARENA_BYTES);
    ProtobufCMessage *message = message_create(&pb__list_tasks_request__descriptor, arena);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct status st = message_set_text(message, str_from(cases[i].path), cases[i].text, arena);

        check_int(st.code, cases[i].code);
        check_str(st.text, cases[i].error);
    }
    check_written(message, "{}");
    arena_destroy(arena);
}

test(texts_cannot_set_messages_or_lists_of_them)
{
    static const char *const paths[] = {"task", "task.jobs", "task.jobs.id", "task.bulkload",
                                        "task.labels"};
    struct arena *arena = arena_create(ARENA_BYTES);
    ProtobufCMessage *message = message_create(&pb__create_task_request__descriptor, arena);

    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        check_status(message_set_text(message, str_from(paths[i]), str_from("x"), arena),
                     STATUS_NOT_FOUND);
    arena_destroy(arena);
}
