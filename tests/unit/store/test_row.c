/* Rows to messages, over results that are made here: no server is asked. */

#include "store/row.h"

#include <endian.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "sluice/v1/task.pb-c.h"
#include "sluice/worker/v1/worker_service.pb-c.h"
#include "store/array.h"
#include "store/result.h"
#include "tests/harness/test.h"

enum { ARENA_BYTES = 64 * 1024, MAX_COLUMNS = 8, OTHER_TYPE = 1700 };

/* A result of one row, column by column; the first is "ord". */
struct made {
    PGresult *whole;
    struct result result;
    struct row_plan *plans;
    PGresAttDesc columns[MAX_COLUMNS];
    char values[MAX_COLUMNS][64];
    int lens[MAX_COLUMNS]; /* -1: NULL */
    int ncolumns;
};

static void add(struct made *made, const char *name, Oid type, const void *data, int len)
{
    made->columns[made->ncolumns] =
        (PGresAttDesc){.name = (char *)name, .format = 1, .typid = type, .typlen = -1};
    if (len > 0)
        memcpy(made->values[made->ncolumns], data, (size_t)len);
    made->lens[made->ncolumns++] = len;
}

static void add_text(struct made *made, const char *name, const char *text)
{
    add(made, name, PG_TYPE_TEXT, text, (int)strlen(text));
}

static void add_int8(struct made *made, const char *name, int64_t number)
{
    uint64_t bytes = htobe64((uint64_t)number);

    add(made, name, PG_TYPE_INT8, &bytes, sizeof(bytes));
}

static void begin(struct made *made)
{
    memset(made, 0, sizeof(*made));
    add_int8(made, "ord", 1);
}

/* The rows: the same one n times. */
static const struct pg_result *end(struct made *made, int n)
{
    made->whole = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    check(PQsetResultAttrs(made->whole, made->ncolumns, made->columns));
    for (int row = 0; row < n; row++) {
        for (int i = 0; i < made->ncolumns; i++)
            check(PQsetvalue(made->whole, row, i, made->lens[i] < 0 ? NULL : made->values[i],
                             made->lens[i]));
    }
    check_status(result_init(&made->result, made->whole, 1, &made->plans), STATUS_OK);
    return result_get(&made->result, 0);
}

static void release(struct made *made)
{
    result_deinit(&made->result);
    row_plans_destroy(made->plans);
    PQclear(made->whole);
}

test(columns_fill_the_fields_of_their_names)
{
    struct made made;
    struct arena *arena = arena_create(ARENA_BYTES);
    Pb__Task task = PB__TASK__INIT;

    begin(&made);
    add_text(&made, "id", "proc-1-x");
    add_text(&made, "state", "RUNNING");
    add_int8(&made, "progress.rows_read", 7);
    add_int8(&made, "create_time", -1); /* a microsecond before 2000 */
    made.columns[4].typid = PG_TYPE_TIMESTAMPTZ;
    add(&made, "bulkload", PG_TYPE_BYTEA, "\x20\x03", 2); /* instances: 3 */
    const struct pg_result *rows = end(&made, 1);

    check_int(rows_get_count(rows), 1);
    check_status(row_read(rows, 0, "", arena, &task.base), STATUS_OK);
    check_str(task.id, "proc-1-x");
    check_int(task.state, PB__TASK_STATE__TASK_STATE_RUNNING);
    check(task.progress && task.progress->rows_read == 7);
    check(task.create_time && task.create_time->seconds == 946684799 &&
          task.create_time->nanos == 999999000);
    check_int(task.spec_case, PB__TASK__SPEC_BULKLOAD);
    check(task.bulkload && task.bulkload->instances == 3);
    check(task.end_time == NULL);
    release(&made);
    arena_destroy(arena);
}

/* An interval is microseconds, then days and months. */
test(an_interval_fills_a_duration)
{
    static const char interval[] =
        "\0\0\0\0\0\x3d\x09\x01\0\0\0\2\0\0\0\0"; /* 4000001 us, 2 days */
    struct made made;
    struct arena *arena = arena_create(ARENA_BYTES);
    Pb__Task task = PB__TASK__INIT;

    begin(&made);
    add(&made, "progress.lag", PG_TYPE_INTERVAL, interval, sizeof(interval) - 1);
    const struct pg_result *rows = end(&made, 1);
    check_status(row_read(rows, 0, "", arena, &task.base), STATUS_OK);
    check(task.progress && task.progress->lag);
    check_int(task.progress->lag->seconds, 2 * 86400 + 4);
    check_int(task.progress->lag->nanos, 1000);
    release(&made);
    arena_destroy(arena);
}

test(an_object_of_texts_fills_a_map)
{
    struct made made;
    struct arena *arena = arena_create(ARENA_BYTES);
    Pb__Task task = PB__TASK__INIT;

    begin(&made);
    add_text(&made, "labels", "{\"a\": \"x \\\"y\\\"\", \"b\": \"\"}");
    const struct pg_result *rows = end(&made, 1);
    check_status(row_read(rows, 0, "", arena, &task.base), STATUS_OK);
    check_int(task.n_labels, 2);
    check_str(task.labels[0]->key, "a");
    check_str(task.labels[0]->value, "x \"y\"");
    check_str(task.labels[1]->key, "b");
    check_str(task.labels[1]->value, "");
    release(&made);
    arena_destroy(arena);
}

test(what_is_no_object_of_texts_fills_no_map)
{
    static const char *const cases[] = {"[]", "{\"a\": 1}", "{\"a\": null}", "{", ""};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct made made;
        struct arena *arena = arena_create(ARENA_BYTES);
        Pb__Task task = PB__TASK__INIT;

        begin(&made);
        add_text(&made, "labels", cases[i]);
        const struct pg_result *rows = end(&made, 1);
        check_status(row_read(rows, 0, "", arena, &task.base), STATUS_INTERNAL);
        check_int(task.n_labels, 0);
        release(&made);
        arena_destroy(arena);
    }
}

test(null_leaves_a_field_unset)
{
    struct made made;
    struct arena *arena = arena_create(ARENA_BYTES);
    Pb__Task task = PB__TASK__INIT;

    begin(&made);
    add(&made, "id", PG_TYPE_TEXT, NULL, -1);
    add(&made, "progress.rows_read", PG_TYPE_INT8, NULL, -1);
    add(&made, "bulkload", PG_TYPE_BYTEA, NULL, -1);
    const struct pg_result *rows = end(&made, 1);
    check_status(row_read(rows, 0, "", arena, &task.base), STATUS_OK);
    check_str(task.id, "");
    check(task.progress == NULL);
    check_int(task.spec_case, PB__TASK__SPEC__NOT_SET);
    check(row_is_null(rows, 0, "id"));
    check_int(row_get_int(rows, 0, "progress.rows_read"), 0);
    check(row_get_text(rows, 0, "id").data == NULL);
    release(&made);
    arena_destroy(arena);
}

test(prefix_says_which_columns_are_meant)
{
    struct made made;
    struct arena *arena = arena_create(ARENA_BYTES);
    Pb__Task task = PB__TASK__INIT;
    Pb__Job job = PB__JOB__INIT;

    begin(&made);
    add_text(&made, "id", "task");
    add_text(&made, "job/id", "job");
    add_text(&made, "job/state", "READY");
    add_text(&made, "note/more", "what is no field");
    const struct pg_result *rows = end(&made, 2);
    check_int(rows_get_count(rows), 2);
    for (size_t row = 0; row < 2; row++) {
        check_status(row_read(rows, row, "", arena, &task.base), STATUS_OK);
        check_status(row_read(rows, row, "job/", arena, &job.base), STATUS_OK);
    }
    check_str(task.id, "task");
    check_str(job.id, "job");
    check_int(job.state, PB__JOB_STATE__JOB_STATE_READY);
    check(str_is(row_get_text(rows, 0, "note/more"), "what is no field"));
    release(&made);
    arena_destroy(arena);
}

test(column_that_does_not_fit_is_an_internal_error)
{
    static const struct {
        const char *name;
        Oid type;
        const char *data;
        int len;
    } cases[] = {
        {"nothing", PG_TYPE_TEXT, "x", 1},
        {"id.nothing", PG_TYPE_TEXT, "x", 1},
        {"jobs", PG_TYPE_BYTEA, "", 0},
        {"state", PG_TYPE_TEXT, "ASLEEP", 6},
        {"state", PG_TYPE_INT8, "\0\0\0\0\0\0\0\1", 8},
        {"id", PG_TYPE_BYTEA, "x", 1},
        {"progress.rows_read", PG_TYPE_TEXT, "1", 1},
        {"progress.rows_read", OTHER_TYPE, "\0\0\0\0\0\0\0\1", 8},
        {"progress.fraction", PG_TYPE_TEXT, "1", 1},
        {"create_time", PG_TYPE_INT8, "\0\0\0\0\0\0\0\1", 8},
        {"create_time", PG_TYPE_TIMESTAMPTZ, "\x7f\xff\xff\xff\xff\xff\xff\xff", 8},
        {"bulkload", PG_TYPE_BYTEA, "\xff\xff", 2},
        {"create_time", PG_TYPE_INTERVAL, "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0", 16},
        {"progress.lag", PG_TYPE_INTERVAL, "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1", 16},
        {"progress.lag", PG_TYPE_INTERVAL, "\xff\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0", 16},
        {"progress.lag", PG_TYPE_INT8, "\0\0\0\0\0\0\0\1", 8},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct made made;
        struct arena *arena = arena_create(ARENA_BYTES);
        Pb__Task task = PB__TASK__INIT;

        begin(&made);
        add(&made, cases[i].name, cases[i].type, cases[i].data, cases[i].len);
        struct status st = row_read(end(&made, 1), 0, "", arena, &task.base);
        if (st.code != STATUS_INTERNAL)
            check_str(cases[i].name, "a column that is refused");
        release(&made);
        arena_destroy(arena);
    }
}

test(numbers_are_checked_against_their_fields)
{
    struct made made;
    struct arena *arena = arena_create(ARENA_BYTES);
    Pb__Job job = PB__JOB__INIT;
    uint32_t four = htobe32(4);

    begin(&made);
    add(&made, "attempt", PG_TYPE_INT4, &four, sizeof(four));
    check_status(row_read(end(&made, 1), 0, "", arena, &job.base), STATUS_OK);
    check_int(job.attempt, 4);
    release(&made);

    begin(&made);
    add_int8(&made, "attempt", (int64_t)INT32_MAX + 1);
    check_status(row_read(end(&made, 1), 0, "", arena, &job.base), STATUS_INTERNAL);
    release(&made);

    begin(&made);
    add_int8(&made, "progress.fraction", 1);
    check_status(row_read(end(&made, 1), 0, "", arena, &job.base), STATUS_OK);
    check(job.progress && job.progress->fraction == 1);
    release(&made);
    arena_destroy(arena);
}

test(message_that_does_not_fit_into_the_arena_exhausts_it)
{
    struct made made;
    struct arena *arena = arena_create(16);
    Pb__Task task = PB__TASK__INIT;

    begin(&made);
    add(&made, "bulkload", PG_TYPE_BYTEA, "\x20\x03", 2);
    check_status(row_read(end(&made, 1), 0, "", arena, &task.base), STATUS_RESOURCE_EXHAUSTED);
    release(&made);
    arena_destroy(arena);
}

test(checkpoint_is_read_as_bytes)
{
    struct made made;
    struct arena *arena = arena_create(ARENA_BYTES);
    Pb__LeasedJob job = PB__LEASED_JOB__INIT;

    begin(&made);
    add(&made, "checkpoint", PG_TYPE_BYTEA, "a\0b", 3);
    check_status(row_read(end(&made, 1), 0, "", arena, &job.base), STATUS_OK);
    check_int(job.checkpoint.len, 3);
    check(job.checkpoint.data && memcmp(job.checkpoint.data, "a\0b", 3) == 0);
    release(&made);
    arena_destroy(arena);
}

/* Rows of several queries, out of order. */
static PGresult *make_rows(const int64_t *ords, int nrows)
{
    PGresAttDesc columns[] = {{.name = (char *)"ord", .format = 1, .typid = PG_TYPE_INT8},
                              {.name = (char *)"n", .format = 1, .typid = PG_TYPE_INT8}};
    PGresult *whole = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);

    check(PQsetResultAttrs(whole, 2, columns));
    for (int row = 0; row < nrows; row++) {
        uint64_t ord = htobe64((uint64_t)ords[row]);
        uint64_t n = htobe64((uint64_t)row);

        check(PQsetvalue(whole, row, 0, (char *)&ord, sizeof(ord)));
        check(PQsetvalue(whole, row, 1, (char *)&n, sizeof(n)));
    }
    return whole;
}

test(rows_are_told_apart_by_their_queries)
{
    static const int64_t ords[] = {3, 1, 3, 4, 1, 3};
    static const size_t counts[] = {2, 0, 3, 1, 0};
    PGresult *whole = make_rows(ords, ARRAY_LEN(ords));
    struct row_plan *plans = NULL;
    struct result result;

    check_status(result_init(&result, whole, ARRAY_LEN(counts), &plans), STATUS_OK);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        check_int(rows_get_count(result_get(&result, i)), counts[i]);
    check_int(row_get_int(result_get(&result, 2), 0, "n"), 0);
    check_int(row_get_int(result_get(&result, 2), 1, "n"), 2);
    check_int(row_get_int(result_get(&result, 2), 2, "n"), 5);
    result_deinit(&result);
    PQclear(whole);
}

test(rows_that_answer_no_query_are_refused)
{
    static const int64_t ords[] = {0, -1, 3};

    for (size_t i = 0; i < ARRAY_LEN(ords); i++) {
        PGresult *whole = make_rows(&ords[i], 1);
        struct row_plan *plans = NULL;
        struct result result;

        check_status(result_init(&result, whole, 2, &plans), STATUS_INTERNAL);
        PQclear(whole);
    }
}
