/*
 * tests/unit/rest-shim/test_lts_hbase.c - the replies of the LTS task API about HBase, byte for byte.
 */
#include <limits.h>

#include "base/arena.h"
#include "base/buf.h"
#include "rest-shim/lts.h"
#include "rpc/message_json.h"
#include "sluice/v1/task_service.pb-c.h"
#include "tests/harness/test.h"
#include "tests/unit/rest-shim/golden.h"

static const struct lts_settings beijing = {.sync_date_offset_s = 8 * 3600};

/* A message as the JSON API would show it. */
static ProtobufCMessage *read_message(const ProtobufCMessageDescriptor *type, const char *text,
                                      struct arena *arena)
{
    struct json *json = NULL;
    ProtobufCMessage *message = NULL;
    struct status st = json_read("message", str_from(text), &json);

    if (st.code == STATUS_OK)
        st = message_json_read(json, type, arena, &message);
    check_str(st.text, "");
    json_destroy(json);
    return message ? message : message_create(type, arena);
}

static void check_detail(int (*write)(const ProtobufCMessage *reply,
                                      const struct lts_settings *settings, struct json_out *out),
                         const char *task, const char *golden)
{
    struct arena *arena = arena_create(1 << 20);
    struct buf buf = {0};
    struct json_out out = json_out_make(&buf);

    check_int(write(read_message(&pb__task__descriptor, task, arena), &beijing, &out), 200);
    check_golden(buf_get(&buf), golden);
    buf_deinit(&buf);
    arena_destroy(arena);
}

static void check_page(const struct lts_list *list, const char *page, const char *golden)
{
    struct arena *arena = arena_create(1 << 20);
    struct buf buf = {0};
    struct json_out out = json_out_make(&buf);
    const ProtobufCMessage *reply = read_message(&pb__list_tasks_response__descriptor, page, arena);

    check_int(lts_write_page(list, reply, &beijing, &out), 200);
    check_golden(buf_get(&buf), golden);
    buf_deinit(&buf);
    arena_destroy(arena);
}

#define FULL_TASK \
    "{\"id\":\"workflow-01\",\"source\":\"from\",\"destination\":\"to\"," \
    "\"state\":\"TASK_STATE_SUCCEEDED\",\"stage\":\"TASK_STAGE_FINISHED\"," \
    "\"sourceAddress\":\"zk1.example\",\"fullMigration\":{\"tableNames\":[\"t1\",\"ns:t2/t3\"]}," \
    "\"jobs\":[" \
    "{\"id\":\"plan-1\",\"role\":\"JOB_ROLE_PLAN\",\"state\":\"JOB_STATE_SUCCEEDED\"}," \
    "{\"id\":\"5e-1\",\"role\":\"JOB_ROLE_SCHEMA\",\"state\":\"JOB_STATE_SKIPPED\"," \
    "\"table\":\"t1\",\"message\":\"it is there\"}," \
    "{\"id\":\"fulldata-1\",\"role\":\"JOB_ROLE_FULL\",\"state\":\"JOB_STATE_SUCCEEDED\"," \
    "\"table\":\"t1\",\"attempt\":2,\"progress\":{\"rowsRead\":\"9\",\"rowsWritten\":\"8\"," \
    "\"bytesRead\":\"7\",\"fraction\":1,\"regionsDone\":\"3\",\"regionsTotal\":\"4\"}," \
    "\"startTime\":\"2026-01-02T03:04:05.678Z\"," \
    "\"endTime\":\"2026-01-02T03:04:06Z\"}," \
    "{\"id\":\"bulkload-1\",\"role\":\"JOB_ROLE_BULKLOAD\",\"state\":\"JOB_STATE_READY\"," \
    "\"table\":\"t1\"}," \
    "{\"id\":\"merge-1\",\"role\":\"JOB_ROLE_MERGE\",\"state\":\"JOB_STATE_WAITING\"}," \
    "{\"id\":\"incr-1\",\"role\":\"JOB_ROLE_INCR\",\"state\":\"JOB_STATE_RUNNING\"," \
    "\"table\":\"t1\"}," \
    "{\"id\":\"check-1\",\"role\":\"JOB_ROLE_CHECK\",\"state\":\"JOB_STATE_FAILED\"," \
    "\"table\":\"t1\",\"progress\":{\"comparison\":{\"cells\":\"9\",\"missing\":\"1\",\"extra\":\"2\"," \
    "\"changedValues\":\"3\",\"changedTimestamps\":\"4\",\"repaired\":\"5\"}}}]," \
    "\"progress\":{\"regionsDone\":\"3\",\"regionsTotal\":\"4\",\"comparison\":{\"cells\":\"9\"}}}"

#define NEW_FULL_TASK \
    "{\"id\":\"workflow-02\",\"source\":\"from\",\"destination\":\"to\"," \
    "\"state\":\"TASK_STATE_PENDING\",\"fullMigration\":{\"tableNames\":[\"*\"]}}"

test(a_full_migration_in_a_list)
{
    check_page(&lts_full_list,
               "{\"tasks\":[" FULL_TASK "," NEW_FULL_TASK "],\"nextPageToken\":\"abc\"}",
               "full_list.json");
}

test(a_full_migration_in_detail)
{
    check_detail(lts_write_full_detail, FULL_TASK, "full_detail.json");
}

#define INCR_TASK \
    "{\"id\":\"wal-01\",\"source\":\"from\",\"destination\":\"to\",\"displayName\":\"nightly\"," \
    "\"state\":\"TASK_STATE_KILLED\",\"stage\":\"TASK_STAGE_WAIT_FOR_SUCCESS\"," \
    "\"message\":\"why\",\"destinationAddress\":\"zk2.example\"," \
    "\"incrementalSync\":{\"tableNames\":[\"t1\",\"ns:t2\",\"t3/t4\",\"a:b/c\",\"a:*\",\"*\"]}," \
    "\"progress\":{\"checkpointTime\":\"2019-11-13T13:24:38.405Z\"," \
    "\"syncTime\":\"2019-11-13T13:31:46.518Z\",\"lag\":\"61.250s\",\"queuedLogs\":\"2\"}," \
    "\"deleteTime\":\"2019-11-13T13:31:47Z\",\"jobs\":[" \
    "{\"id\":\"peer-1\",\"role\":\"JOB_ROLE_PEER\",\"state\":\"JOB_STATE_SUCCEEDED\"," \
    "\"table\":\"t1\"}," \
    "{\"id\":\"incr-1\",\"role\":\"JOB_ROLE_INCR\",\"state\":\"JOB_STATE_KILLED\"," \
    "\"table\":\"t1\"}," \
    "{\"id\":\"release-1\",\"role\":\"JOB_ROLE_RELEASE\",\"state\":\"JOB_STATE_RUNNING\"," \
    "\"message\":\"why\"}]}"

#define NEW_INCR_TASK \
    "{\"id\":\"wal-02\",\"source\":\"from\",\"destination\":\"to\"," \
    "\"state\":\"TASK_STATE_PENDING\",\"incrementalSync\":{\"tableNames\":[\"t1\"]}}"

test(an_incremental_sync_in_a_list)
{
    check_page(&lts_incr_list, "{\"tasks\":[" INCR_TASK "," NEW_INCR_TASK "]}", "incr_list.json");
}

test(an_incremental_sync_in_detail)
{
    check_detail(lts_write_incr_detail, INCR_TASK, "incr_detail.json");
}

/* What is not known is null, and no number. */
test(a_new_incremental_sync_in_detail)
{
    check_detail(lts_write_incr_detail, NEW_INCR_TASK, "incr_detail_new.json");
}

test(an_empty_list_is_one_too)
{
    check_page(&lts_full_list, "{}", "empty_list.json");
}

test(zones_are_offsets_from_utc)
{
    static const struct {
        const char *text;
        int offset_s; /* INT_MIN: refused */
    } cases[] = {
        {"+08:00", 28800},   {"-03:30", -12600},  {"+00:00", 0},       {"+14:00", 50400},
        {"-14:00", -50400},  {"+14:01", INT_MIN}, {"+15:00", INT_MIN}, {"+08:60", INT_MIN},
        {"08:00", INT_MIN},  {"+8:00", INT_MIN},  {"+08:0", INT_MIN},  {"+08", INT_MIN},
        {"+0x:00", INT_MIN}, {"Z", INT_MIN},      {"", INT_MIN},       {"+08:00 ", INT_MIN},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int offset_s = INT_MIN;
        struct status st = lts_read_zone(str_from(cases[i].text), &offset_s);
        check_int(offset_s, cases[i].offset_s);
        check_int(st.code, offset_s == INT_MIN ? STATUS_INVALID_ARGUMENT : STATUS_OK);
    }
}
