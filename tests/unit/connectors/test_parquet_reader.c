/*
 * tests/unit/connectors/test_parquet_reader.c - Parquet files in splits, and files that are not what they should be.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "connectors/parquet/duck_api.h"
#include "connectors/parquet/parquet_limits.h"
#include "connectors/parquet/parquet_plan.h"
#include "tests/harness/test.h"
#include "tests/unit/connectors/parquet_fixture.h"

static const struct target_column id_and_name[] = {
    {.source = "id", .target = "ROW", .type = COLUMN_LONG},
    {.source = "name", .target = "f:name", .type = COLUMN_STRING, .is_nullable = true},
};

static const struct target_column only_id[] = {
    {.source = "id", .target = "ROW", .type = COLUMN_LONG},
};

static const char numbers[] = "SELECT i::BIGINT AS id, 'name ' || i AS name FROM range(%d) t(i)";

static void write_numbers(struct parquet_fixture *fixture, const char *name, int nrows,
                          const char *options)
{
    char select[sizeof(numbers) + 16];

    (void)snprintf(select, sizeof(select), numbers, nrows);
    parquet_fixture_write(fixture, name, select, options);
}

/* Checks that text has the lines "1|0", "2|1" and so on, nrows of them. */
static void check_numbers(const struct buf *text, int nrows)
{
    struct str rest = buf_get(text);
    int nfound = 0;

    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');
        char expected[64];

        (void)snprintf(expected, sizeof(expected), "%d|%d", nfound + 1, nfound);
        if (!str_is(line, expected))
            break;
        nfound++;
    }
    check_int(nfound, nrows);
}

static uint64_t sum_sizes(const struct plan *plan, uint32_t file)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < plan->nsplits; i++) {
        if (plan->splits[i].file == file)
            sum += plan->splits[i].size_bytes;
    }
    return sum;
}

/* Splits */

test(parquet_rows_come_in_their_order_with_their_numbers)
{
    struct parquet_fixture fixture;
    struct buf got;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, only_id, 1);
    write_numbers(&fixture, "a.parquet", 250000, ", ROW_GROUP_SIZE 20480");
    check_status(parquet_fixture_read_all(&fixture, &got), STATUS_OK);
    check_numbers(&got, 250000);
    check_int(fixture.plan.nsplits, 3);
    check_int(fixture.plan.splits[1].first, PARQUET_SPLIT_ROWS);
    check_int(fixture.plan.splits[1].first_row, PARQUET_SPLIT_ROWS + 1);
    check_int(fixture.plan.splits[2].end, 250000);
    check_int(sum_sizes(&fixture.plan, 0), fixture.plan.files[0].size_bytes);
    buf_deinit(&got);
    parquet_fixture_close(&fixture);
}

test(parquet_row_groups_larger_than_a_split_are_split_by_group)
{
    struct parquet_fixture fixture;
    struct buf got;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, only_id, 1);
    write_numbers(&fixture, "a.parquet", 300000, ", ROW_GROUP_SIZE 143360");
    check_status(parquet_fixture_read_all(&fixture, &got), STATUS_OK);
    check_numbers(&got, 300000);
    check_int(fixture.plan.nsplits, 3);
    check_int(fixture.plan.splits[0].end, 143360);
    check_int(fixture.plan.splits[2].first, 286720);
    buf_deinit(&got);
    parquet_fixture_close(&fixture);
}

test(parquet_splits_of_several_files_add_up_to_each_size)
{
    struct parquet_fixture fixture;
    struct buf got;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, only_id, 1);
    write_numbers(&fixture, "a.parquet", 3, "");
    write_numbers(&fixture, "b.parquet", 0, "");
    write_numbers(&fixture, "c.parquet", 130000, "");
    check_status(parquet_fixture_read_all(&fixture, &got), STATUS_OK);
    check_int(fixture.plan.nsplits, 4);
    for (uint32_t i = 0; i < 3; i++)
        check_int(sum_sizes(&fixture.plan, i), fixture.plan.files[i].size_bytes);
    check(str_has_prefix(buf_get(&got), "1|0\n2|1\n3|2\n1|0\n"));
    buf_deinit(&got);
    parquet_fixture_close(&fixture);
}

test(parquet_rows_come_in_slices_from_a_library_that_cannot_stream)
{
    struct parquet_fixture fixture;
    struct buf got;
    const struct duck_api *duck;
    duckdb_connection connection;

    if (!parquet_fixture_can_run())
        return;
    check_status(duck_connect(&duck, &connection), STATUS_OK);
    duck_disconnect(connection);

    struct duck_api *writable = (struct duck_api *)(uintptr_t)duck;
    const struct duck_api saved = *duck;

    parquet_fixture_open(&fixture, only_id, 1);
    write_numbers(&fixture, "a.parquet", 200000, ", ROW_GROUP_SIZE 200000");
    writable->execute_streaming = NULL;
    check_status(parquet_fixture_read_all(&fixture, &got), STATUS_OK);
    *writable = saved;
    check_int(fixture.plan.nsplits, 1);
    check_numbers(&got, 200000);
    buf_deinit(&got);
    parquet_fixture_close(&fixture);
}

/* As many readers as memory is enough for; the pages are those of DuckDB's own writer: one a row group. */
test(parquet_fewer_readers_are_planned_for_larger_pages)
{
    static const char select[] = "SELECT i::BIGINT AS id, repeat('x', 16) || i AS name"
                                 " FROM range(700000) t(i)";
    struct parquet_fixture fixture;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, id_and_name, 2);
    parquet_fixture_write(&fixture, "a.parquet", select, "");
    check_status(parquet_fixture_plan(&fixture), STATUS_OK);
    check_int(fixture.plan.max_threads, PARQUET_MAX_THREADS);

    parquet_fixture_write(&fixture, "b.parquet", select, ", ROW_GROUP_SIZE 700000");
    check_status(parquet_fixture_plan(&fixture), STATUS_OK);
    check(fixture.plan.max_threads >= 1 && fixture.plan.max_threads < PARQUET_MAX_THREADS);

    /* The texts alone have the large pages. */
    fixture.spec.ncolumns = 1;
    check_status(parquet_fixture_plan(&fixture), STATUS_OK);
    check_int(fixture.plan.max_threads, PARQUET_MAX_THREADS);
    parquet_fixture_close(&fixture);
}

struct part {
    struct parquet_fixture *fixture;
    size_t split;
    struct status status;
    struct buf got;
    pthread_t thread;
};

static void *read_part(void *arg)
{
    struct part *part = arg;

    part->status = parquet_fixture_read(part->fixture, part->split, &part->got);
    return NULL;
}

test(parquet_splits_are_read_by_several_threads)
{
    struct parquet_fixture fixture;
    struct part parts[PARQUET_MAX_THREADS] = {0};
    struct buf got = {0};

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, only_id, 1);
    write_numbers(&fixture, "a.parquet", PARQUET_MAX_THREADS * PARQUET_SPLIT_ROWS, "");
    check_status(parquet_fixture_plan(&fixture), STATUS_OK);
    check_int(fixture.plan.nsplits, PARQUET_MAX_THREADS);
    for (size_t i = 0; i < PARQUET_MAX_THREADS; i++) {
        parts[i].fixture = &fixture;
        parts[i].split = i;
        check(pthread_create(&parts[i].thread, NULL, read_part, &parts[i]) == 0);
    }
    for (size_t i = 0; i < PARQUET_MAX_THREADS; i++) {
        check(pthread_join(parts[i].thread, NULL) == 0);
        check_status(parts[i].status, STATUS_OK);
        buf_append_str(&got, buf_get(&parts[i].got));
        buf_deinit(&parts[i].got);
    }
    check_numbers(&got, PARQUET_MAX_THREADS * PARQUET_SPLIT_ROWS);
    buf_deinit(&got);
    parquet_fixture_close(&fixture);
}

/* Columns */

test(parquet_columns_come_in_the_order_of_the_spec)
{
    static const struct target_column columns[] = {
        {.source = "c", .type = COLUMN_STRING},
        {.source = "a", .type = COLUMN_INT},
        {.source = "c", .type = COLUMN_VARBINARY},
    };
    struct parquet_fixture fixture;
    struct buf got;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, columns, ARRAY_LEN(columns));
    parquet_fixture_write(&fixture, "a.parquet", "SELECT 1 AS a, 2 AS b, 'x' AS c", "");
    parquet_fixture_write(&fixture, "b.parquet", "SELECT 'y' AS c, 3 AS a", "");
    check_status(parquet_fixture_read_all(&fixture, &got), STATUS_OK);
    check_str(buf_get_text(&got), "1|x|1|78\n1|y|3|79\n");
    buf_deinit(&got);
    parquet_fixture_close(&fixture);
}

test(parquet_columns_that_are_not_asked_for_are_not_read)
{
    struct parquet_fixture fixture;
    struct buf got;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, only_id, 1);
    write_numbers(&fixture, "a.parquet", 1000, ", COMPRESSION uncompressed");

    /* The values of `name` are destroyed; those of `id` come before them. */
    struct buf bytes = parquet_fixture_load(&fixture, "a.parquet");
    size_t at = str_find(buf_get(&bytes), "name 500");
    check(at < bytes.len);
    memset(bytes.data + at - 2000, 0xff, 4000);
    parquet_fixture_save(&fixture, "a.parquet", buf_get(&bytes));
    check_status(parquet_fixture_read_all(&fixture, &got), STATUS_OK);
    check_numbers(&got, 1000);
    buf_deinit(&got);

    fixture.columns[0] = id_and_name[1];
    fixture.sources[0].source = "name";
    check_status(parquet_fixture_read_all(&fixture, &got), STATUS_INVALID_ARGUMENT);
    buf_deinit(&got);
    buf_deinit(&bytes);
    parquet_fixture_close(&fixture);
}

test(parquet_missing_columns_are_named_with_those_there_are)
{
    static const char *const missing[] = {"nome", "NAME", "", "name "};
    struct parquet_fixture fixture;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, id_and_name, 2);
    write_numbers(&fixture, "a.parquet", 3, "");
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        char expected[128];

        fixture.sources[1].source = missing[i];
        struct status st = parquet_fixture_plan(&fixture);
        (void)snprintf(expected, sizeof(expected),
                       "file 'a.parquet' has no column '%s'; it has id, name", missing[i]);
        check_status(st, STATUS_INVALID_ARGUMENT);
        check_str(st.text, expected);
    }
    parquet_fixture_close(&fixture);
}

test(parquet_columns_with_odd_names_are_found)
{
    static const struct target_column columns[] = {
        {.source = "a \"b\"; DROP", .type = COLUMN_INT},
        {.source = "off", .type = COLUMN_INT},
        {.source = "'; --", .type = COLUMN_INT},
        {.source = "f:q", .type = COLUMN_INT},
        {.source = "\xc3\xa4\xf0\x9f\xa6\x86", .type = COLUMN_INT},
    };
    struct parquet_fixture fixture;
    struct buf got;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, columns, ARRAY_LEN(columns));
    parquet_fixture_write(&fixture, "a.parquet",
                          "SELECT 1 AS \"a \"\"b\"\"; DROP\", 2 AS \"off\", 3 AS \"'; --\","
                          " 4 AS \"f:q\", 5 AS \"\xc3\xa4\xf0\x9f\xa6\x86\"",
                          "");
    check_status(parquet_fixture_read_all(&fixture, &got), STATUS_OK);
    check_str(buf_get_text(&got), "1|1|2|3|4|5\n");
    buf_deinit(&got);
    parquet_fixture_close(&fixture);
}

/* Bad rows */

test(parquet_bad_rows_are_left_out_and_told_in_their_order)
{
    static const struct target_column columns[] = {
        {.source = "id", .type = COLUMN_BYTE},
        {.source = "name", .type = COLUMN_STRING, .is_nullable = true, .max_chars = 7},
    };
    struct parquet_fixture fixture;
    struct buf got;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, columns, 2);
    parquet_fixture_write(&fixture, "a.parquet",
                          "SELECT * FROM (VALUES (1, 'one'), (2, 'too long'), (NULL, 'null'),"
                          " (300, 'too large'), (5, NULL), (6, 'six')) t(id, name)",
                          "");
    check_status(parquet_fixture_read_all(&fixture, &got), STATUS_OK);
    check_str(buf_get_text(&got), "1|1|one\n5|5|NULL\n6|6|six\n");
    check_str(buf_get_text(&fixture.bad_rows),
              "a.parquet:2 name: 'too long' has 8 characters, but at most 7 fit [too long]\n"
              "a.parquet:3 id: null, but the column needs a value []\n"
              "a.parquet:4 id: '300' is not a BYTE (-128 to 127) [300]\n");
    buf_deinit(&got);
    parquet_fixture_close(&fixture);
}

test(parquet_rows_go_on_behind_a_batch_of_bad_ones)
{
    static const struct target_column columns[] = {{.source = "id", .type = COLUMN_SHORT}};
    struct parquet_fixture fixture;
    struct buf got;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, columns, 1);
    fixture.max_bad_rows = 3000;
    parquet_fixture_write(&fixture, "a.parquet",
                          "SELECT CASE WHEN i < 3000 THEN 99999 ELSE i END AS id"
                          " FROM range(3002) t(i)",
                          "");
    check_status(parquet_fixture_read_all(&fixture, &got), STATUS_OK);
    check_str(buf_get_text(&got), "3001|3000\n3002|3001\n");
    check_int(fixture.nbad_rows, 3000);
    buf_deinit(&got);
    parquet_fixture_close(&fixture);
}

test(parquet_reading_stops_when_the_sink_takes_no_more)
{
    static const struct target_column columns[] = {{.source = "id", .type = COLUMN_BYTE}};
    struct parquet_fixture fixture;
    struct buf got;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, columns, 1);
    fixture.max_bad_rows = 1;
    write_numbers(&fixture, "a.parquet", 200, "");
    struct status st = parquet_fixture_read_all(&fixture, &got);
    check_status(st, STATUS_INVALID_ARGUMENT);
    check_str(st.text, "too many bad rows");
    check_int(fixture.nbad_rows, 2);
    check_str(buf_get_text(&got), "");
    buf_deinit(&got);
    parquet_fixture_close(&fixture);
}

test(parquet_stop_is_seen_by_plan_and_next)
{
    struct parquet_fixture fixture;
    struct buf got = {0};

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, only_id, 1);
    write_numbers(&fixture, "a.parquet", 3, "");
    check_status(parquet_fixture_plan(&fixture), STATUS_OK);
    stop_request(&fixture.stop);
    check_status(parquet_fixture_read(&fixture, 0, &got), STATUS_CANCELLED);
    check_status(parquet_fixture_plan(&fixture), STATUS_CANCELLED);
    buf_deinit(&got);
    parquet_fixture_close(&fixture);
}

/* The library itself */

static bool runs(const char *sql)
{
    const struct duck_api *duck;
    duckdb_connection connection;
    duckdb_result result;
    struct status st = duck_connect(&duck, &connection);

    check_status(st, STATUS_OK);
    bool has_run = duck->query(connection, sql, &result) == DuckDBSuccess;
    duck->destroy_result(&result);
    duck_disconnect(connection);
    return has_run;
}

test(duck_is_locked_down)
{
    static const char *const refused[] = {
        "SET enable_external_access = true",
        "SET memory_limit = '8GB'",
        "SET threads = 8",
        "SET temp_directory = '/tmp'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "FROM 'https://127.0.0.1:1/a.parquet'",
        "FROM 's3://bucket/a.parquet'",
        "FROM read_parquet('data/a.parquet')",
    };

    if (!parquet_fixture_can_run())
        return;
    check(runs("SELECT 1"));
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        bool has_run = runs(refused[i]);
        check(!has_run);
        if (has_run)
            printf("    %s\n", refused[i]);
    }
}
