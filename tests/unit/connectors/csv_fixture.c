#include "tests/unit/connectors/csv_fixture.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "connectors/csv/csv_plan.h"
#include "connectors/csv/csv_reader.h"
#include "connectors/csv/csv_records.h"
#include "connectors/plan.h"

void csv_fixture_open(struct csv_fixture *fixture)
{
    char folder[] = "/tmp/sluice-csv-XXXXXX";

    *fixture = (struct csv_fixture){.max_bad_rows = INT64_MAX};
    if (!mkdtemp(folder))
        abort();
    fixture->folder = mem_copy_str(str_from(folder));
    if (file_root_open(folder, &fixture->root).code != STATUS_OK)
        abort();
    fixture->spec = (struct import_spec){
        .format = IMPORT_CSV,
        .path = "",
        .columns = fixture->sources,
        .delimiter = ',',
    };
    csv_fixture_set_column(fixture, 0, COLUMN_INT, "a");
    csv_fixture_set_column(fixture, 1, COLUMN_STRING, "b");
}

void csv_fixture_set_column(struct csv_fixture *fixture, size_t i, enum column_type type,
                            const char *name)
{
    assert(i < CSV_FIXTURE_MAX_COLUMNS && i <= fixture->spec.ncolumns);
    fixture->sources[i] = (struct import_column){.source = name, .target = name, .type = type};
    fixture->columns[i] =
        (struct target_column){.source = name, .target = name, .type = type, .is_nullable = true};
    if (i == fixture->spec.ncolumns)
        fixture->spec.ncolumns++;
}

static void remove_files(const char *folder)
{
    struct dirent **names;
    int n = scandir(folder, &names, NULL, NULL);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; i < n; i++) {
        (void)unlinkat(fd, names[i]->d_name, 0);
        free(names[i]);
    }
    free(names);
    (void)close(fd);
}

void csv_fixture_close(struct csv_fixture *fixture)
{
    plan_deinit(&fixture->plan);
    file_root_close(fixture->root);
    remove_files(fixture->folder);
    (void)rmdir(fixture->folder);
    mem_free(fixture->folder);
}

void csv_fixture_write(struct csv_fixture *fixture, const char *name, struct str text)
{
    struct buf path = {0};

    buf_printf(&path, "%s/%s", fixture->folder, name);
    FILE *file = fopen(buf_get_text(&path), "wb");
    if (!file || fwrite(text.data, 1, text.len, file) != text.len || fclose(file) != 0)
        abort();
    buf_deinit(&path);
}

struct status csv_fixture_plan(struct csv_fixture *fixture)
{
    plan_deinit(&fixture->plan);
    struct status st = file_root_list(fixture->root, fixture->spec.path, &fixture->plan);

    if (st.code != STATUS_OK)
        return st;
    return csv_plan_make(&fixture->spec, fixture->root, &fixture->stop,
                         fixture->split_bytes ? fixture->split_bytes : CSV_SPLIT_BYTES,
                         &fixture->plan);
}

static struct status on_bad_row(struct bad_row_sink *base, const struct bad_row *row)
{
    struct csv_sink *sink = container_of(base, struct csv_sink, base);

    buf_printf(sink->log, "bad %" PRId64 " @%" PRIu64 " %s: %s {%.*s}\n", row->row,
               row->byte_offset, row->column, row->reason, (int)row->raw.len, row->raw.data);
    if (sink->left-- > 0)
        return status_ok();
    return status_error(STATUS_FAILED_PRECONDITION, "%s: too many bad rows", row->file);
}

struct status csv_fixture_open_split(struct csv_fixture *fixture, size_t split,
                                     struct csv_sink *sink, struct reader **ret)
{
    struct reader_options options = {
        .spec = &fixture->spec,
        .root = fixture->root,
        .columns = fixture->columns,
        .ncolumns = fixture->spec.ncolumns,
        .plan = &fixture->plan,
        .split = &fixture->plan.splits[split],
        .bad_rows = &sink->base,
        .stop = &fixture->stop,
    };

    sink->base.on_bad_row = on_bad_row;
    return csv_reader_open(&options, fixture->block_bytes ? fixture->block_bytes : CSV_BLOCK_BYTES,
                           ret);
}

static void write_value(const struct batch_column *column, size_t row, struct buf *ret)
{
    if (column->is_null[row]) {
        buf_append_text(ret, " -");
        return;
    }
    switch (column->type) {
    case COLUMN_FLOAT:
    case COLUMN_DOUBLE:
        buf_printf(ret, " %.17g", column->reals[row]);
        return;
    case COLUMN_DECIMAL:
        buf_printf(ret, " %" PRId64 "/%u", (int64_t)column->decimals[row].unscaled,
                   column->decimals[row].scale);
        return;
    case COLUMN_STRING:
    case COLUMN_VARBINARY:
    case COLUMN_JSON:
    case COLUMN_UUID:
        buf_append_text(ret, " [");
        buf_append_str(ret, column->texts[row]);
        buf_append_text(ret, "]");
        return;
    default:
        buf_printf(ret, " %" PRId64, column->ints[row]);
    }
}

static void write_batch(const struct batch *batch, struct buf *ret)
{
    for (size_t i = 0; i < batch->nrows; i++) {
        buf_printf(ret, "%" PRId64 ":", batch->row_numbers[i]);
        for (size_t c = 0; c < batch->ncolumns; c++)
            write_value(&batch->columns[c], i, ret);
        buf_append_text(ret, "\n");
    }
}

/* Appends rows to ret, bad rows to the sink's log. */
static struct status read_split(struct csv_fixture *fixture, size_t split, struct csv_sink *sink,
                                struct buf *ret)
{
    struct batch *batch = batch_create(fixture->columns, fixture->spec.ncolumns);
    struct reader *reader = NULL;
    struct status st = csv_fixture_open_split(fixture, split, sink, &reader);

    while (st.code == STATUS_OK) {
        st = csv_reader.next(reader, batch);
        if (st.code != STATUS_OK || batch->nrows == 0)
            break;
        write_batch(batch, ret);
    }
    csv_reader.close(reader);
    batch_destroy(batch);
    return st;
}

void csv_fixture_read(struct csv_fixture *fixture, struct buf *ret)
{
    struct buf log = {0};
    struct csv_sink sink = {.log = &log, .left = fixture->max_bad_rows};
    struct status st = csv_fixture_plan(fixture);

    for (size_t i = 0; i < fixture->plan.nsplits && st.code == STATUS_OK; i++)
        st = read_split(fixture, i, &sink, ret);
    buf_append_str(ret, buf_get(&log));
    if (st.code != STATUS_OK) {
        buf_clear(ret); /* how many rows came before depends on the batches */
        buf_printf(ret, "%s: %s\n", status_code_get_name(st.code), st.text);
    }
    buf_deinit(&log);
}

bool csv_fixture_reads_as(struct csv_fixture *fixture, struct str text, const char *expected)
{
    struct buf got = {0};

    csv_fixture_write(fixture, "x.csv", text);
    csv_fixture_read(fixture, &got);
    bool is_same = strcmp(buf_get_text(&got), expected) == 0;
    if (!is_same)
        printf("got:\n%sexpected:\n%s", buf_get_text(&got), expected);
    buf_deinit(&got);
    return is_same;
}
