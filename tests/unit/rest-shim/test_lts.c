/*
 * tests/unit/rest-shim/test_lts.c - the replies of the LTS task API, byte for byte.
 */
#include "rest-shim/lts.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "rpc/message_json.h"
#include "sluice/v1/task.pb-c.h"
#include "tests/harness/test.h"
#include "tests/unit/rest-shim/golden.h"

/* A task as the JSON API would show it. */
static ProtobufCMessage *read_task(const char *text, struct arena *arena)
{
    struct json *json = NULL;
    ProtobufCMessage *task = NULL;
    struct status st = json_read("task", str_from(text), &json);

    if (st.code == STATUS_OK)
        st = message_json_read(json, &pb__task__descriptor, arena, &task);
    check_str(st.text, "");
    json_destroy(json);
    return task ? task : message_create(&pb__task__descriptor, arena);
}

static void check_written(int (*write)(const ProtobufCMessage *reply,
                                       const struct lts_settings *settings, struct json_out *out),
                          const char *task_text, const char *golden)
{
    static const struct lts_settings settings = {0};
    struct arena *arena = arena_create(1 << 20);
    struct buf buf = {0};
    struct json_out out = json_out_make(&buf);

    check_int(write(read_task(task_text, arena), &settings, &out), 200);
    check_golden(buf_get(&buf), golden);
    buf_deinit(&buf);
    arena_destroy(arena);
}

test(create_answers_with_the_id)
{
    check_written(lts_write_created,
                  "{\"id\":\"proc-12-0f1e2d3c4b5a49788796a5b4c3d20001\",\"source\":\"hdfs\"}",
                  "created.json");
}

test(abort_retry_and_delete_answer_ok)
{
    check_written(lts_write_ok, "{\"id\":\"proc-1-00\"}", "ok.json");
}

test(info_of_a_new_task_shows_it_as_running)
{
    check_written(
        lts_write_info,
        "{\"id\":\"proc-1-0f1e2d3c4b5a49788796a5b4c3d20001\",\"source\":\"hdfs\","
        "\"destination\":\"ld\",\"state\":\"TASK_STATE_PENDING\","
        "\"stage\":\"TASK_STAGE_WAIT_FOR_START\",\"bulkload\":{"
        "\"readerConfigJson\":\"{\\\"filePath\\\":\\\"parquet/\\\",\\\"column\\\":[\\\"id\\\"]}\","
        "\"writerConfigJson\":\"{ \\\"b\\\" : 1,\\n  \\\"a\\\" : \\\"ROW||String\\\" }\","
        "\"driverSpec\":\"DRIVER_SPEC_LARGE\",\"instances\":5,"
        "\"fileType\":\"FILE_TYPE_PARQUET\"},"
        "\"jobs\":[{\"id\":\"6f0f7f0e-4f4e-4f4e-8f4e-6f0f7f0e4f4e\",\"role\":\"JOB_ROLE_SCHEMA\","
        "\"state\":\"JOB_STATE_READY\",\"table\":\"default:t\"},"
        "{\"id\":\"bulkload-00\",\"role\":\"JOB_ROLE_BULKLOAD\","
        "\"state\":\"JOB_STATE_WAITING\",\"table\":\"default:t\"}]}",
        "info_new.json");
}

test(info_puts_each_job_into_the_list_of_its_role)
{
    check_written(
        lts_write_info,
        "{\"id\":\"proc-2-00\",\"source\":\"a\\\"b\",\"destination\":\"ld\","
        "\"state\":\"TASK_STATE_FAILED\",\"stage\":\"TASK_STAGE_WAIT_FOR_SUCCESS\","
        "\"bulkload\":{\"readerConfigJson\":\"{}\",\"writerConfigJson\":\"{}\","
        "\"driverSpec\":\"DRIVER_SPEC_SMALL\",\"instances\":1,\"fileType\":\"FILE_TYPE_CSV\","
        "\"sparkAdditionalParams\":\"a=b\"},"
        "\"jobs\":["
        "{\"id\":\"f\",\"role\":\"JOB_ROLE_FULL\",\"state\":\"JOB_STATE_FAILED\",\"table\":\"t\","
        "\"attempt\":3,\"progress\":{\"rowsRead\":\"10000000000\",\"rowsWritten\":\"9\","
        "\"bytesRead\":\"8\",\"fraction\":0.25},\"startTime\":\"2026-01-02T03:04:05.678Z\","
        "\"endTime\":\"2026-01-02T03:04:06Z\",\"message\":\"line 1: \\\"x\\\" is no number\"},"
        "{\"id\":\"b\",\"role\":\"JOB_ROLE_BULKLOAD\",\"state\":\"JOB_STATE_KILLED\"},"
        "{\"id\":\"m\",\"role\":\"JOB_ROLE_MERGE\",\"state\":\"JOB_STATE_SUCCEEDED\"},"
        "{\"id\":\"i\",\"role\":\"JOB_ROLE_INCR\",\"state\":\"JOB_STATE_RUNNING\"},"
        "{\"id\":\"c\",\"role\":\"JOB_ROLE_CHECK\",\"state\":\"JOB_STATE_SKIPPED\"},"
        "{\"id\":\"?\",\"state\":\"JOB_STATE_RUNNING\"}]}",
        "info_roles.json");
}

test(every_task_state_has_its_name)
{
    static const char *const states[][2] = {
        {"PENDING", "\"state\":\"RUNNING\""},     {"RUNNING", "\"state\":\"RUNNING\""},
        {"SUCCEEDED", "\"state\":\"SUCCEEDED\""}, {"FAILED", "\"state\":\"FAILED\""},
        {"KILLED", "\"state\":\"KILLED\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        struct arena *arena = arena_create(1 << 20);
        struct buf buf = {0};
        struct json_out out = json_out_make(&buf);
        char *text = arena_printf(arena, "{\"state\":\"TASK_STATE_%s\"}", states[i][0]);

        (void)lts_write_info(read_task(text, arena), &(struct lts_settings){0}, &out);
        check(strstr(buf_get_text(&buf), states[i][1]) != NULL);
        buf_deinit(&buf);
        arena_destroy(arena);
    }
}

test(ids_are_of_one_kind)
{
    static const struct {
        const struct lts_kind *kind;
        const char *id;
        const char *error;
    } cases[] = {
        {&lts_bulk_import, "proc-1-ab", ""},
        {&lts_bulk_import, "workflow-ab",
         "'workflow-ab' is the id of a full migration, not of a bulk import"},
        {&lts_full_migration, "workflow-ab", ""},
        {&lts_full_migration, "wal-ab",
         "'wal-ab' is the id of an incremental sync, not of a full migration"},
        {&lts_incremental_sync, "wal-ab", ""},
        {&lts_incremental_sync, "proc-1-ab",
         "'proc-1-ab' is the id of a bulk import, not of an incremental sync"},
        {&lts_incremental_sync, "what-ab", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct status st = lts_kind_check(cases[i].kind, cases[i].id);
        check_int(st.code, *cases[i].error ? STATUS_NOT_FOUND : STATUS_OK);
        check_str(st.text, cases[i].error);
    }
}
