#include "tests/unit/connectors/parquet_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connectors/parquet/duck_api.h"
#include "connectors/plan.h"
#include "tests/harness/test.h"

bool parquet_fixture_can_run(void)
{
    const struct duck_api *duck;
    duckdb_connection connection;
    const char *ci = getenv("CI");
    struct status st = duck_connect(&duck, &connection);

    if (st.code == STATUS_OK) {
        duck_disconnect(connection);
        return true;
    }
    if (ci && strcmp(ci, "true") == 0)
        check_status(st, STATUS_OK);
    else
        printf("SKIPPED: %s. Run: scripts/deps build\n", st.text);
    return false;
}

static struct status on_bad_row(struct bad_row_sink *sink, const struct bad_row *row)
{
    struct parquet_fixture *fixture = container_of(sink, struct parquet_fixture, sink);

    buf_printf(&fixture->bad_rows, "%s:%lld %s: %s [", row->file, (long long)row->row, row->column,
               row->reason);
    buf_append_str(&fixture->bad_rows, row->raw);
    buf_append_text(&fixture->bad_rows, "]\n");
    if (++fixture->nbad_rows > fixture->max_bad_rows)
        return status_error(STATUS_INVALID_ARGUMENT, "too many bad rows");
    return status_ok();
}

void parquet_fixture_open(struct parquet_fixture *fixture, const struct target_column *columns,
                          size_t ncolumns)
{
    *fixture = (struct parquet_fixture){
        .folder = "/tmp/sluice-parquet-XXXXXX",
        .spec = {.format = IMPORT_PARQUET, .columns = fixture->sources, .ncolumns = ncolumns},
        .sink = {.on_bad_row = on_bad_row},
        .max_bad_rows = 1000,
    };
    check(mkdtemp(fixture->folder) != NULL);
    check_status(file_root_open(fixture->folder, &fixture->root), STATUS_OK);
    for (size_t i = 0; i < ncolumns; i++) {
        fixture->columns[i] = columns[i];
        if (!columns[i].target)
            fixture->columns[i].target = columns[i].source;
        fixture->sources[i].source = columns[i].source;
    }
}

void parquet_fixture_close(struct parquet_fixture *fixture)
{
    char path[PARQUET_FIXTURE_PATH_BYTES];
    DIR *folder = opendir(fixture->folder);
    struct dirent *entry;

    while (folder && (entry = readdir(folder)) != NULL) {
        parquet_fixture_get_path(fixture, entry->d_name, path);
        (void)unlink(path);
    }
    if (folder)
        (void)closedir(folder);
    (void)rmdir(fixture->folder);
    file_root_close(fixture->root);
    plan_deinit(&fixture->plan);
    buf_deinit(&fixture->bad_rows);
}

void parquet_fixture_get_path(const struct parquet_fixture *fixture, const char *name,
                              char ret[PARQUET_FIXTURE_PATH_BYTES])
{
    (void)snprintf(ret, PARQUET_FIXTURE_PATH_BYTES, "%s/%s", fixture->folder, name);
}

void parquet_fixture_write(struct parquet_fixture *fixture, const char *name, const char *select,
                           const char *options)
{
    const struct duck_api *duck;
    duckdb_connection connection;
    duckdb_result result;
    struct buf sql = {0};
    char made[PARQUET_FIXTURE_PATH_BYTES];
    char path[PARQUET_FIXTURE_PATH_BYTES];
    struct status st = duck_connect(&duck, &connection);

    check_status(st, STATUS_OK);
    if (st.code != STATUS_OK)
        return;
    parquet_fixture_get_path(fixture, ".made", made);
    parquet_fixture_get_path(fixture, name, path);
    buf_printf(&sql, "COPY (%s) TO '%s' (FORMAT parquet%s)", select, made, options);
    if (duck->query(connection, buf_get_text(&sql), &result) != DuckDBSuccess)
        check_str(duck->result_error(&result), "");
    duck->destroy_result(&result);
    duck_disconnect(connection);
    buf_deinit(&sql);
    check(rename(made, path) == 0);
}

struct buf parquet_fixture_load(struct parquet_fixture *fixture, const char *name)
{
    char path[PARQUET_FIXTURE_PATH_BYTES];
    struct buf ret = {0};

    parquet_fixture_get_path(fixture, name, path);
    FILE *file = fopen(path, "rb");
    check(file != NULL);
    for (int c; file && (c = fgetc(file)) != EOF;)
        buf_append_char(&ret, (char)c);
    if (file)
        (void)fclose(file);
    return ret;
}

void parquet_fixture_save(struct parquet_fixture *fixture, const char *name, struct str bytes)
{
    char path[PARQUET_FIXTURE_PATH_BYTES];

    parquet_fixture_get_path(fixture, name, path);
    FILE *file = fopen(path, "wb");
    check(file != NULL);
    if (file) {
        check_int(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
        (void)fclose(file);
    }
}

struct status parquet_fixture_plan(struct parquet_fixture *fixture)
{
    plan_deinit(&fixture->plan);
    struct status st = file_root_list(fixture->root, "", &fixture->plan);
    if (st.code != STATUS_OK)
        return st;
    return parquet_reader.plan(&fixture->spec, fixture->root, &fixture->stop, &fixture->plan);
}

static void append_hex(struct buf *ret, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(ret, "%02x", (unsigned)(unsigned char)bytes.data[i]);
}

static void append_decimal(struct buf *ret, const struct decimal *value)
{
    int128 unscaled = value->unscaled;
    char digits[48];
    size_t start = sizeof(digits);

    if (value->is_nan) {
        buf_append_text(ret, "NaN");
        return;
    }
    do {
        int digit = (int)(unscaled % 10);
        digits[--start] = (char)('0' + (digit < 0 ? -digit : digit));
        unscaled /= 10;
    } while (unscaled != 0);
    if (value->unscaled < 0)
        digits[--start] = '-';
    buf_append(ret, digits + start, sizeof(digits) - start);
    buf_printf(ret, "e-%u", (unsigned)value->scale);
}

static void append_value(struct buf *ret, const struct batch_column *column, size_t row)
{
    if (column->is_null[row]) {
        buf_append_text(ret, "NULL");
        return;
    }
    switch (column->type) {
    case COLUMN_FLOAT:
    case COLUMN_DOUBLE:
        buf_printf(ret, "%.17g", column->reals[row]);
        return;
    case COLUMN_DECIMAL:
        append_decimal(ret, &column->decimals[row]);
        return;
    case COLUMN_STRING:
    case COLUMN_JSON:
        buf_append_str(ret, column->texts[row]);
        return;
    case COLUMN_VARBINARY:
    case COLUMN_UUID:
        append_hex(ret, column->texts[row]);
        return;
    default:
        buf_printf(ret, "%lld", (long long)column->ints[row]);
        return;
    }
}

static void append_rows(struct buf *ret, const struct batch *batch)
{
    for (size_t row = 0; row < batch->nrows; row++) {
        buf_printf(ret, "%lld", (long long)batch->row_numbers[row]);
        for (size_t i = 0; i < batch->ncolumns; i++) {
            buf_append_char(ret, '|');
            append_value(ret, &batch->columns[i], row);
        }
        buf_append_char(ret, '\n');
    }
}

static struct status read_rows(struct reader *reader, struct batch *batch, struct buf *ret)
{
    for (;;) {
        struct status st = parquet_reader.next(reader, batch);
        if (st.code != STATUS_OK || batch->nrows == 0)
            return st;
        append_rows(ret, batch);
    }
}

struct status parquet_fixture_read(struct parquet_fixture *fixture, size_t split, struct buf *ret)
{
    const struct reader_options options = {
        .spec = &fixture->spec,
        .root = fixture->root,
        .columns = fixture->columns,
        .ncolumns = fixture->spec.ncolumns,
        .plan = &fixture->plan,
        .split = &fixture->plan.splits[split],
        .bad_rows = &fixture->sink,
        .stop = &fixture->stop,
    };
    struct reader *reader;
    struct status st = parquet_reader.open(&options, &reader);

    if (st.code != STATUS_OK)
        return st;
    struct batch *batch = batch_create(fixture->columns, fixture->spec.ncolumns);
    check_int(parquet_reader.get_bytes_read(reader),
              options.split->end == options.split->first ? options.split->size_bytes : 0);
    st = read_rows(reader, batch, ret);
    if (st.code == STATUS_OK)
        check_int(parquet_reader.get_bytes_read(reader), options.split->size_bytes);
    batch_destroy(batch);
    parquet_reader.close(reader);
    return st;
}

struct status parquet_fixture_read_all(struct parquet_fixture *fixture, struct buf *ret)
{
    struct status st = parquet_fixture_plan(fixture);

    *ret = (struct buf){0};
    for (size_t i = 0; st.code == STATUS_OK && i < fixture->plan.nsplits; i++)
        st = parquet_fixture_read(fixture, i, ret);
    return st;
}
