/*
 * tests/bench/bench_paths.c - the paths that each call or row takes through our code, one at a time.
 *
 *     bench_paths NAME TIMES
 *
 * Runs the path NAME so often; without arguments the paths are named. tests/bench/instructions.py counts what the
 * functions path_* take, all that they call included; what is made ready for them is not counted.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <libpq-fe.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "base/number.h"
#include "connectors/batch.h"
#include "connectors/convert/convert.h"
#include "connectors/csv/csv_field.h"
#include "connectors/csv/csv_records.h"
#include "gateway/page.h"
#include "hbase/cell.h"
#include "hbase/message.h"
#include "hbase/page.h"
#include "rest-shim/lts.h"
#include "rest-shim/request_map.h"
#include "rest-shim/routes.h"
#include "rpc/codec.h"
#include "rpc/message_json.h"
#include "sluice/v1/task_service.pb-c.h"
#include "spec/filter_read.h"
#include "spec/import_spec.h"
#include "store/array.h"
#include "store/result.h"
#include "store/row.h"

enum { ARENA_BYTES = 1 << 20, PAGE_CELLS = 200, CSV_ROWS = 200, NCOLUMNS = 4 };

static const char form[] =
    "src=files&dst=db&readerConfig=%7B%22filePath%22%3A%22a.csv%22%2C%22column%22%3A%5B%22id%22%2C"
    "%22age%22%5D%7D&writerConfig=%7B%22columns%22%3A%5B%22ROW%7C%7CString%22%2C%22f%3Aage%7C%7CInt"
    "%22%5D%2C%22namespace%22%3A%22n%22%2C%22lindormTable%22%3A%22t%22%7D&driverSpec=small"
    "&instances=1&fileType=CSV";

/* What the paths work on; made by prepare. */
static struct {
    struct route_match create; /* the route of the form */
    ProtobufCMessage *request; /* the CreateTask of the form */
    struct arena *arena;       /* has it */
    Pb__Task *task;
    Pb__Job jobs[2];
    grpc_byte_buffer *bytes; /* the request */
    PGresult *whole;         /* a row of a task */
    struct row_plan *plans;
    Hb__ScanResponse answer;
    struct buf block;
    FILE *csv;
    uint64_t csv_bytes;
} made;

static void must(struct status st)
{
    if (st.code == STATUS_OK)
        return;
    (void)fprintf(stderr, "bench_paths: %s\n", st.text);
    exit(EXIT_FAILURE);
}

/* Calls. */

static ProtobufCMessage *read_form(struct arena *arena)
{
    struct request_input input = {
        .content_type = str_from("application/x-www-form-urlencoded"),
        .body = str_from(form),
    };
    ProtobufCMessage *request = NULL;

    must(request_map_read(made.create.route, &input, arena, &request));
    return request;
}

static void path_form(void)
{
    struct arena *arena = arena_create(ARENA_BYTES);

    (void)read_form(arena);
    arena_destroy(arena);
}

static void path_spec(void)
{
    struct violations violations = {0};
    struct import_spec *spec = NULL;

    must(import_spec_read(made.task->bulkload, &violations, &spec));
    import_spec_destroy(spec);
}

static void path_decode(void)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    ProtobufCMessage *message = NULL;

    must(rpc_codec_read(made.bytes, &pb__create_task_request__descriptor, arena, NULL, &message));
    arena_destroy(arena);
}

static void path_encode(void)
{
    grpc_byte_buffer_destroy(rpc_codec_write(&made.task->base));
}

static void path_json(void)
{
    struct buf text = {0};
    struct json_out out = json_out_make(&text);

    message_json_write(&made.task->base, &out);
    buf_deinit(&text);
}

static void path_info(void)
{
    struct lts_settings settings = {0};
    struct buf text = {0};
    struct json_out out = json_out_make(&text);

    (void)lts_write_info(&made.task->base, &settings, &out);
    buf_deinit(&text);
}

static void path_row(void)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    Pb__Task task = PB__TASK__INIT;
    struct result result;

    must(result_init(&result, (const struct pg_result *)(const void *)made.whole, 1, &made.plans));
    must(row_read(result_get(&result, 0), 0, "", arena, &task.base));
    result_deinit(&result);
    arena_destroy(arena);
}

static void path_filter(void)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct violations violations = {0};
    struct filter filter;

    filter_read(str_from("state = FAILED AND (labels.team = \"ads\" OR create_time > "
                         "\"2026-11-01T00:00:00Z\") AND source = hdfs"),
                arena, &violations, &filter);
    arena_destroy(arena);
}

static void path_token(void)
{
    const struct str keys[] = {str_from("1795341234567890"), str_from("123456")};
    struct arena *arena = arena_create(ARENA_BYTES);
    struct str read[ARRAY_LEN(keys)];
    const char *token = page_token_write("tasks|state = FAILED", keys, ARRAY_LEN(keys), arena);

    must(page_token_read(token, "tasks|state = FAILED", arena, read, ARRAY_LEN(keys)));
    arena_destroy(arena);
}

/* Rows. */

static void path_cells(void)
{
    struct hbase_page_reader reader = {0};
    struct hbase_page page;

    must(hbase_page_read(&reader, &made.answer, buf_get(&made.block), &page));
    hbase_page_reader_deinit(&reader);
}

static const struct target_column columns[NCOLUMNS] = {
    {.source = "id", .type = COLUMN_STRING},
    {.source = "number", .type = COLUMN_INT},
    {.source = "real", .type = COLUMN_DOUBLE},
    {.source = "price", .type = COLUMN_DECIMAL, .precision = 18, .scale = 2},
};

static void convert(const struct csv_record *record, struct arena *arena, struct batch *batch)
{
    for (size_t i = 0; i < NCOLUMNS; i++) {
        struct str text = csv_field_get_raw(record, i);

        if (convert_text(&columns[i], text, arena, &batch->columns[i], batch->nrows) != CONVERT_OK)
            must(status_error(STATUS_INTERNAL, "a value of '%s' is not one", columns[i].source));
    }
    batch->nrows++;
}

/* Without the plan, which opens files in a way that valgrind does not know. */
static void path_csv(void)
{
    struct csv_part part = {
        .path = "rows.csv",
        .fd = fileno(made.csv),
        .end = made.csv_bytes,
        .is_last = true,
        .first_row = 1,
        .delimiter = ',',
        .max_fields = NCOLUMNS,
        .block_bytes = CSV_BLOCK_BYTES,
    };
    struct csv_records *records = csv_records_open(&part);
    struct arena *arena = arena_create(ARENA_BYTES);
    struct batch *batch = batch_create(columns, NCOLUMNS);
    struct csv_record record;
    bool is_end = false;

    while (!is_end) {
        while (csv_records_next(records, &record) == CSV_STEP_RECORD)
            convert(&record, arena, batch);
        must(csv_records_fill(records, &is_end));
    }
    batch_destroy(batch);
    arena_destroy(arena);
    csv_records_close(records);
}

/* Making ready. */

static void prepare_task(void)
{
    static const char *const ids[] = {"schema-0f1e2d3c4b5a49788796a5b4c3d20000",
                                      "fulldata-0f1e2d3c4b5a49788796a5b4c3d20000"};

    made.arena = arena_create(ARENA_BYTES);
    made.create = routes_match(str_from("POST"), str_from("/pro/proc/bulkload/create"));
    made.request = read_form(made.arena);
    made.bytes = rpc_codec_write(made.request);
    made.task = ((Pb__CreateTaskRequest *)made.request)->task;
    made.task->id = arena_copy_str(made.arena, str_from("proc-1-0f1e2d3c4b5a49788796a5b4c3d20000"));
    made.task->kind = PB__TASK_KIND__TASK_KIND_BULKLOAD;
    made.task->state = PB__TASK_STATE__TASK_STATE_RUNNING;
    made.task->stage = PB__TASK_STAGE__TASK_STAGE_WAIT_FOR_SUCCESS;
    made.task->jobs = arena_alloc(made.arena, ARRAY_LEN(made.jobs) * sizeof(*made.task->jobs));
    for (size_t i = 0; i < ARRAY_LEN(made.jobs); i++) {
        Pb__Job *job = made.task->jobs[made.task->n_jobs++] = &made.jobs[i];

        pb__job__init(job);
        job->id = arena_copy_str(made.arena, str_from(ids[i]));
        job->role = i == 0 ? PB__JOB_ROLE__JOB_ROLE_SCHEMA : PB__JOB_ROLE__JOB_ROLE_FULL;
        job->state = PB__JOB_STATE__JOB_STATE_RUNNING;
    }
}

/* A row as GetTask reads it: texts, enums, numbers, times and what is NULL. */
static void prepare_row(void)
{
    static const struct {
        const char *name;
        unsigned type;
        const char *text; /* NULL: 8 bytes, a number or a time; "": SQL NULL */
    } cells[] = {
        {"ord", PG_TYPE_INT8, NULL},
        {"id", PG_TYPE_TEXT, "proc-1-0f1e2d3c4b5a49788796a5b4c3d20000"},
        {"kind", PG_TYPE_TEXT, "BULKLOAD"},
        {"source", PG_TYPE_TEXT, "files"},
        {"destination", PG_TYPE_TEXT, "db"},
        {"state", PG_TYPE_TEXT, "RUNNING"},
        {"stage", PG_TYPE_TEXT, "WAIT_FOR_SUCCESS"},
        {"etag", PG_TYPE_TEXT, "3"},
        {"create_time", PG_TYPE_TIMESTAMPTZ, NULL},
        {"update_time", PG_TYPE_TIMESTAMPTZ, NULL},
        {"end_time", PG_TYPE_TIMESTAMPTZ, ""},
        {"progress.rows_read", PG_TYPE_INT8, NULL},
        {"progress.rows_written", PG_TYPE_INT8, NULL},
        {"progress.comparison.cells", PG_TYPE_INT8, ""},
        {"job/id", PG_TYPE_TEXT, "schema-0f1e2d3c4b5a49788796a5b4c3d20000"},
    };
    PGresAttDesc names[ARRAY_LEN(cells)];
    uint64_t one = htobe64(1);

    for (size_t i = 0; i < ARRAY_LEN(cells); i++)
        names[i] = (PGresAttDesc){.name = mem_copy_str(str_from(cells[i].name)),
                                  .format = 1,
                                  .typid = cells[i].type,
                                  .typlen = -1};
    made.whole = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    (void)PQsetResultAttrs(made.whole, ARRAY_LEN(cells), names);
    for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
        const char *text = cells[i].text;
        char *value = mem_copy_str(text ? str_from(text) : str_from_bytes(&one, sizeof(one)));
        int len = text ? (int)strlen(text) : (int)sizeof(one);

        (void)PQsetvalue(made.whole, 0, (int)i, value, len > 0 ? len : -1);
        mem_free(value);
        mem_free(names[i].name);
    }
}

static void prepare_cells(void)
{
    char row[16]; /* "row" and digits */

    for (int i = 0; i < PAGE_CELLS; i++) {
        (void)snprintf(row, sizeof(row), "row%08d", i / 4);
        struct hbase_cell cell = {
            .row = str_from(row),
            .family = str_from("f"),
            .qualifier = str_from_bytes(&"abcd"[i % 4], 1),
            .value = str_from("a value of a cell"),
            .timestamp_ms = 1795341234567,
            .type = HBASE_PUT,
        };
        hbase_cell_write(&made.block, &cell);
    }
    hb__scan_response__init(&made.answer);
    made.answer.n_cells_per_result = PAGE_CELLS / 4;
    made.answer.cells_per_result = arena_alloc(made.arena, PAGE_CELLS / 4 * sizeof(uint32_t));
    for (int i = 0; i < PAGE_CELLS / 4; i++)
        made.answer.cells_per_result[i] = 4;
}

static void prepare_csv(void)
{
    made.csv = tmpfile();
    if (!made.csv)
        must(status_from_errno(errno, "no file could be made"));
    for (int i = 0; i < CSV_ROWS; i++)
        (void)fprintf(made.csv, "row%08d,%d,%.17g,%d.%02d\n", i, i * 7919,
                      (double)i * 1.0000001 / 7, i * 31, i % 100);
    (void)fflush(made.csv);
    made.csv_bytes = (uint64_t)ftell(made.csv);
}

/* The table of paths. */

static const struct path {
    const char *name;
    void (*run)(void);
} paths[] = {
    {"form", path_form},   {"spec", path_spec},   {"decode", path_decode}, {"encode", path_encode},
    {"json", path_json},   {"info", path_info},   {"row", path_row},       {"filter", path_filter},
    {"token", path_token}, {"cells", path_cells}, {"csv", path_csv},
};

static const struct path *find_path(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (strcmp(paths[i].name, name) == 0)
            return &paths[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const struct path *path = argc == 3 ? find_path(argv[1]) : NULL;
    int64_t ntimes = 0;

    if (!path) {
        for (size_t i = 0; i < ARRAY_LEN(paths); i++)
            (void)puts(paths[i].name);
        return argc == 1 ? 0 : 2;
    }
    must(number_read("TIMES", str_from(argv[2]), 1, 1000000, &ntimes));
    grpc_init();
    prepare_task();
    prepare_row();
    prepare_cells();
    prepare_csv();
    for (int64_t i = 0; i < ntimes; i++)
        path->run();
    (void)fclose(made.csv);
    return 0;
}
