/*
 * tests/unit/spec/test_migration_spec.c - extraAttrs of full migrations and syncs: what is read, and what is refused.
 */
#include "spec/migration_spec.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "sluice/v1/task.pb-c.h"
#include "spec/extra_attrs.h"
#include "spec/sync_spec.h"
#include "tests/harness/test.h"

static char *tables[] = {"t1"};

/* The first violation, or "". */
static const char *read_migration(const char *attrs, struct arena *arena,
                                  struct migration_spec *ret)
{
    Pb__FullMigrationSpec message = PB__FULL_MIGRATION_SPEC__INIT;
    struct violations violations = {0};

    message.table_names = tables;
    message.n_table_names = 1;
    message.extra_attrs_json = (char *)attrs;
    migration_spec_read(&message, false, arena, &violations, ret);
    if (violations.count == 0)
        return "";
    check_str(violations.items[0].field, "task.full_migration.extra_attrs_json");
    return arena_copy_str(arena, str_from(violations.items[0].text));
}

static const char *read_sync(const char *attrs, struct arena *arena, struct sync_spec *ret)
{
    Pb__IncrementalSyncSpec message = PB__INCREMENTAL_SYNC_SPEC__INIT;
    struct violations violations = {0};

    message.table_names = tables;
    message.n_table_names = 1;
    message.create_table = true;
    message.extra_attrs_json = (char *)attrs;
    sync_spec_read(&message, false, arena, &violations, ret);
    if (violations.count == 0)
        return "";
    check_str(violations.items[0].field, "task.incremental_sync.extra_attrs_json");
    return arena_copy_str(arena, str_from(violations.items[0].text));
}

test(migration_spec_has_defaults)
{
    struct arena *arena = arena_create(0);
    struct migration_spec spec = {0};

    check_str(read_migration("", arena, &spec), "");
    check_int(spec.tables.count, 1);
    check_int(spec.max_bytes_s_per_thread, 0);
    check_int(spec.concurrency, 0);
    check_int(spec.start_ms, 0);
    check(spec.end_ms == INT64_MAX);
    check_int(spec.start_key.len, 0);
    check_int(spec.ncolumns, 0);
    check_int(spec.verify, MIGRATION_VERIFY_NONE);
    check_int(spec.on_error, MIGRATION_ON_ERROR_STOP);
    check_str(read_migration("{}", arena, &spec), "");
    arena_destroy(arena);
}

test(migration_spec_reads_all_settings)
{
    struct arena *arena = arena_create(0);
    struct migration_spec spec = {0};

    check_str(read_migration("{\"bandWidth\":10485760,\"concurrency\":8,\"startTs\":1,\"endTs\":2,"
                             "\"startKey\":\"a\",\"endKey\":\"b\",\"cols\":[\"f\"],"
                             "\"verify\":\"full\",\"onError\":\"skip\"}",
                             arena, &spec),
              "");
    check_int(spec.max_bytes_s_per_thread, 10485760);
    check_int(spec.concurrency, 8);
    check_int(spec.start_ms, 1);
    check_int(spec.end_ms, 2);
    check(str_is(spec.start_key, "a") && str_is(spec.end_key, "b"));
    check_int(spec.ncolumns, 1);
    check_int(spec.verify, MIGRATION_VERIFY_FULL);
    check_int(spec.on_error, MIGRATION_ON_ERROR_SKIP);
    arena_destroy(arena);
}

test(migration_spec_reads_times_in_both_forms)
{
    static const struct {
        const char *attrs;
        long long start_ms;
        long long end_ms;
    } cases[] = {
        {"{\"startTs\":\"20191113133146\",\"endTs\":1573651906518}", 1573651906000, 1573651906518},
        {"{\"startTs\":20191113133146,\"endTs\":\"1573651906518\"}", 1573651906000, 1573651906518},
        {"{\"startTs\":0,\"endTs\":9999999999999}", 0, 9999999999999},
    };
    struct arena *arena = arena_create(0);
    struct migration_spec spec = {0};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_str(read_migration(cases[i].attrs, arena, &spec), "");
        check_int(spec.start_ms, cases[i].start_ms);
        check_int(spec.end_ms, cases[i].end_ms);
    }
    arena_destroy(arena);
}

test(migration_spec_decodes_keys_and_columns)
{
    struct arena *arena = arena_create(0);
    struct migration_spec spec = {0};

    check_str(
        read_migration("{\"startKey\":\"a\\\\x00\\\\xFfb\\\\x\\\\n\",\"cols\":[\"f:a\",\"f:\","
                       "\"g\",\"h:x:y\"]}",
                       arena, &spec),
        "");
    check(str_is_equal(spec.start_key, str_from_bytes("a\0\xff"
                                                      "b\\x\\n",
                                                      8)));
    check_int(spec.ncolumns, 4);
    check(str_is(spec.columns[0].family, "f") && str_is(spec.columns[0].qualifier, "a"));
    check(!spec.columns[1].is_whole_family && spec.columns[1].qualifier.len == 0);
    check(spec.columns[2].is_whole_family && str_is(spec.columns[2].family, "g"));
    check(str_is(spec.columns[3].family, "h") && str_is(spec.columns[3].qualifier, "x:y"));
    arena_destroy(arena);
}

test(migration_spec_reads_what_is_verified)
{
    static const struct {
        const char *attrs;
        enum migration_mode mode;
        enum migration_verify verify;
        bool has_to_repair;
    } cases[] = {
        {"{\"mode\":\"COPY\"}", MIGRATION_COPY, MIGRATION_VERIFY_NONE, false},
        {"{\"mode\":\"copy\",\"verify\":\"Count\"}", MIGRATION_COPY, MIGRATION_VERIFY_COUNT, false},
        {"{\"mode\":\"VERIFY_ONLY\"}", MIGRATION_VERIFY_ONLY, MIGRATION_VERIFY_FULL, false},
        {"{\"mode\":\"verify_only\",\"verify\":\"COUNT\"}", MIGRATION_VERIFY_ONLY,
         MIGRATION_VERIFY_COUNT, false},
        {"{\"mode\":\"VERIFY_ONLY\",\"repair\":true}", MIGRATION_VERIFY_ONLY, MIGRATION_VERIFY_FULL,
         true},
        {"{\"verify\":\"full\",\"repair\":true}", MIGRATION_COPY, MIGRATION_VERIFY_FULL, true},
        {"{\"repair\":false}", MIGRATION_COPY, MIGRATION_VERIFY_NONE, false},
    };
    struct arena *arena = arena_create(0);

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct migration_spec spec = {0};

        check_str(read_migration(cases[i].attrs, arena, &spec), "");
        check_int(spec.mode, cases[i].mode);
        check_int(spec.verify, cases[i].verify);
        check_int(spec.has_to_repair, cases[i].has_to_repair);
    }
    arena_destroy(arena);
}

test(a_migration_that_only_verifies_neither_loads_nor_makes_tables)
{
    struct arena *arena = arena_create(0);

    for (int i = 0; i < 2; i++) {
        Pb__FullMigrationSpec message = PB__FULL_MIGRATION_SPEC__INIT;
        struct violations violations = {0};
        struct migration_spec spec;

        message.table_names = tables;
        message.n_table_names = 1;
        message.extra_attrs_json = (char *)(uintptr_t)"{\"mode\":\"VERIFY_ONLY\"}";
        message.bulkload = i == 0;
        message.create_table = i == 1;
        migration_spec_read(&message, false, arena, &violations, &spec);
        check_int(violations.count, 1);
        check_str(violations.items[0].text,
                  "extraAttrs.mode: is VERIFY_ONLY, which copies nothing; bulkload and createTable"
                  " must be false then");
    }
    arena_destroy(arena);
}

#define NO_TIME \
    "is neither milliseconds since 1970 nor a time as yyyyMMddHHmmss (UTC), such as 20260102030405"

#define NO_FOLDER \
    "file:///folder is expected, a folder of a file system that workers and the destination's" \
    " region servers share, without .., %, ? and #"

test(migration_spec_reads_where_files_are_put)
{
    Pb__FullMigrationSpec message = PB__FULL_MIGRATION_SPEC__INIT;
    struct arena *arena = arena_create(0);
    struct violations violations = {0};
    struct migration_spec spec;
    struct sync_spec sync;

    message.table_names = tables;
    message.n_table_names = 1;
    message.bulkload = true;
    message.extra_attrs_json = (char *)(uintptr_t)"{\"bulkload\":\"file:///a folder/..b\"}";
    migration_spec_read(&message, false, arena, &violations, &spec);
    check_int(violations.count, 0);
    check_str(spec.folder, "/a folder/..b");

    check_str(read_sync("{\"full\":true,\"bulkload\":\"file:///b\"}", arena, &sync), "");
    check_str(sync.folder, "/b");
    check_str(read_sync("{\"bulkload\":\"file:///b\"}", arena, &sync),
              "extraAttrs.bulkload: says where files are put, though no rows are copied; it takes"
              " full");
    arena_destroy(arena);
}

test(migration_spec_refuses_other_places_for_files)
{
    static const struct {
        const char *attrs;
        const char *expected;
    } cases[] = {
        {"{\"bulkload\":true}", "extraAttrs.bulkload: is true; a string is expected"},
        {"{\"bulkload\":\"hdfs://nn/dir\"}", "extraAttrs.bulkload: is 'hdfs://nn/dir'; " NO_FOLDER},
        {"{\"bulkload\":\"/dir\"}", "extraAttrs.bulkload: is '/dir'; " NO_FOLDER},
        {"{\"bulkload\":\"file://host/dir\"}",
         "extraAttrs.bulkload: is 'file://host/dir'; " NO_FOLDER},
        {"{\"bulkload\":\"file:///\"}", "extraAttrs.bulkload: is 'file:///'; " NO_FOLDER},
        {"{\"bulkload\":\"file:///a/../b\"}",
         "extraAttrs.bulkload: is 'file:///a/../b'; " NO_FOLDER},
        {"{\"bulkload\":\"file:///a%20b\"}", "extraAttrs.bulkload: is 'file:///a%20b'; " NO_FOLDER},
        {"{\"bulkload\":\"file:///dir\"}",
         "extraAttrs.bulkload: says where files are put, though none are to be loaded; the task's own"
         " bulkload must be true then"},
    };
    struct arena *arena = arena_create(0);
    struct migration_spec spec;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_str(read_migration(cases[i].attrs, arena, &spec), cases[i].expected);
    arena_destroy(arena);
}

test(migration_spec_refuses_settings_that_are_wrong)
{
    static const struct {
        const char *attrs;
        const char *expected;
    } cases[] = {
        {"[]", "extraAttrs is an array; a JSON object is expected"},
        {"{\"bandwidth\":1}",
         "extraAttrs: 'bandwidth' is not known; there are bandWidth, concurrency,"
         " startTs, endTs, startKey, endKey, cols, verify, mode, repair, onError, bulkload"},
        {"{\"bandWidth\":0}", "extraAttrs.bandWidth: is 0; 1 to 1099511627776 is expected"},
        {"{\"bandWidth\":\"1\"}", "extraAttrs.bandWidth: is a string; a whole number is expected"},
        {"{\"concurrency\":257}", "extraAttrs.concurrency: is 257; 1 to 256 is expected"},
        {"{\"startTs\":-1}", "extraAttrs.startTs: " NO_TIME},
        {"{\"startTs\":true}", "extraAttrs.startTs: " NO_TIME},
        {"{\"startTs\":\"2026-01-02\"}", "extraAttrs.startTs: " NO_TIME},
        {"{\"endTs\":20261302030405}", "extraAttrs.endTs: " NO_TIME},
        {"{\"endTs\":100000000000000}", "extraAttrs.endTs: " NO_TIME},
        {"{\"startTs\":5,\"endTs\":5}",
         "extraAttrs.endTs: is 5 ms; more than startTs, 5 ms, is expected"},
        {"{\"endTs\":0}", "extraAttrs.endTs: is 0 ms; more than startTs, 0 ms, is expected"},
        {"{\"startKey\":\"b\",\"endKey\":\"b\"}", "extraAttrs.endKey: is not behind startKey"},
        {"{\"startKey\":\"b\\\\x00\",\"endKey\":\"b\"}",
         "extraAttrs.endKey: is not behind startKey"},
        {"{\"startKey\":\"\"}", "extraAttrs.startKey: is empty"},
        {"{\"cols\":[]}", "extraAttrs.cols: has 0 elements; 1 to 1000 are expected"},
        {"{\"cols\":[1]}", "extraAttrs.cols: has a number; strings are expected"},
        {"{\"cols\":[\":a\"]}",
         "extraAttrs.cols: ':a' is not a family, such as f, or a column, such as f:a"},
        {"{\"cols\":[\".f\"]}",
         "extraAttrs.cols: '.f' is not a family, such as f, or a column, such as f:a"},
        {"{\"cols\":[\"f/g:a\"]}",
         "extraAttrs.cols: 'f/g:a' is not a family, such as f, or a column, such as f:a"},
        {"{\"cols\":[\"f:a\",\"g:a\",\"f:a\"]}",
         "extraAttrs.cols: 'f:a' is there twice, by itself or in its family"},
        {"{\"cols\":[\"f:a\",\"f\"]}",
         "extraAttrs.cols: 'f' is there twice, by itself or in its family"},
        {"{\"cols\":[\"f\",\"f:\"]}",
         "extraAttrs.cols: 'f:' is there twice, by itself or in its family"},
        {"{\"verify\":\"some\"}", "extraAttrs.verify: is 'some'; none, count or full is expected"},
        {"{\"mode\":\"CHECK\"}", "extraAttrs.mode: is 'CHECK'; COPY or VERIFY_ONLY is expected"},
        {"{\"mode\":\"VERIFY_ONLY\",\"verify\":\"none\"}",
         "extraAttrs.verify: is none, though mode is VERIFY_ONLY; count or full is expected"},
        {"{\"repair\":1}", "extraAttrs.repair: is a number; true or false is expected"},
        {"{\"repair\":true}", "extraAttrs.repair: is true, though verify is none; it takes full"},
        {"{\"repair\":true,\"verify\":\"count\",\"mode\":\"VERIFY_ONLY\"}",
         "extraAttrs.repair: is true, though verify is count; it takes full"},
        {"{\"onError\":\"retry\"}", "extraAttrs.onError: is 'retry'; stop or skip is expected"},
    };
    struct arena *arena = arena_create(0);
    struct migration_spec spec;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_str(read_migration(cases[i].attrs, arena, &spec), cases[i].expected);
    check(strstr(read_migration("{\"verify\":\"none\",\"verify\":\"full\"}", arena, &spec),
                 "duplicate"));
    arena_destroy(arena);
}

/* {"startKey":"aaa..."} of count bytes. */
static const char *make_key(size_t count, struct arena *arena)
{
    char *text = arena_alloc(arena, count + 1);

    memset(text, 'a', count);
    return arena_printf(arena, "{\"startKey\":\"%s\"}", text);
}

test(migration_spec_limits_the_length_of_keys_and_of_all_settings)
{
    struct arena *arena = arena_create(0);
    struct migration_spec spec;

    check_str(read_migration(make_key(MIGRATION_MAX_KEY_BYTES, arena), arena, &spec), "");
    check_str(read_migration(make_key(MIGRATION_MAX_KEY_BYTES + 1, arena), arena, &spec),
              "extraAttrs.startKey: has 32768 bytes; a row key has at most 32767");
    check_str(read_migration(make_key(EXTRA_ATTRS_MAX_BYTES, arena), arena, &spec),
              "extraAttrs has 65551 bytes; at most 65536 are taken");
    arena_destroy(arena);
}

test(sync_spec_reads_its_settings_and_no_others)
{
    struct arena *arena = arena_create(0);
    struct sync_spec spec = {0};

    check_str(read_sync("", arena, &spec), "");
    check(!spec.is_full && spec.has_to_create);
    check_str(read_sync("{\"bandWidth\":5,\"full\":true}", arena, &spec), "");
    check(spec.is_full);
    check_int(spec.max_bytes_s_per_thread, 5);
    check_str(read_sync("{\"verify\":\"full\"}", arena, &spec),
              "extraAttrs: 'verify' is not known; there are bandWidth, full, bulkload");
    check_str(read_sync("{\"full\":1}", arena, &spec),
              "extraAttrs.full: is a number; true or false is expected");
    arena_destroy(arena);
}

test(specs_of_one_data_source_copy_no_table_onto_itself)
{
    struct arena *arena = arena_create(0);
    struct violations violations = {0};
    Pb__FullMigrationSpec migration = PB__FULL_MIGRATION_SPEC__INIT;
    Pb__IncrementalSyncSpec sync = PB__INCREMENTAL_SYNC_SPEC__INIT;
    struct migration_spec migration_spec;
    struct sync_spec sync_spec;

    migration.table_names = sync.table_names = tables;
    migration.n_table_names = sync.n_table_names = 1;
    migration_spec_read(&migration, true, arena, &violations, &migration_spec);
    sync_spec_read(&sync, true, arena, &violations, &sync_spec);
    check_int(violations.count, 2);
    check_str(violations.items[0].field, "task.full_migration.table_names");
    check_str(violations.items[1].field, "task.incremental_sync.table_names");
    arena_destroy(arena);
}
