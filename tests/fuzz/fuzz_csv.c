/*
 * tests/fuzz/fuzz_csv.c - any file, read at once, in splits and blocks of any size, and by a slow reader that goes byte by
 * byte: all must find the same rows, or the same error.
 *
 * The first three bytes choose columns, header, delimiter, size of splits and size of blocks; the rest is the file.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/stop.h"
#include "base/utf8.h"
#include "connectors/csv/csv_plan.h"
#include "connectors/csv/csv_reader.h"
#include "connectors/file/file_root.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_COLUMNS = 3, MAX_FILE_BYTES = 8192 };

enum header {
    HEADER_NONE,
    HEADER_RIGHT, /* put before the file */
    HEADER_ANY,   /* the file's first record */
    NHEADERS,
};

struct input {
    enum header header;
    struct import_spec spec;
    struct import_column sources[MAX_COLUMNS];
    struct target_column columns[MAX_COLUMNS];
};

/* What a reader found. */
struct outcome {
    struct buf rows; /* a line a row: its number, then "-" or "[text]" for each column */
    struct buf bad;  /* the numbers of bad rows */
    struct status status;
};

static void outcome_deinit(struct outcome *outcome)
{
    buf_deinit(&outcome->rows);
    buf_deinit(&outcome->bad);
}

static void add_value(struct outcome *outcome, const struct str *text)
{
    buf_append_char(&outcome->rows, text ? '[' : '-');
    if (!text)
        return;
    buf_append_str(&outcome->rows, *text);
    buf_append_char(&outcome->rows, ']');
}

/* The slow reader. */

/* Takes a field off the front of *rest: false if its quotes are wrong. *ret_is_last: no delimiter comes behind it. */
static bool take_field(struct str *rest, char delimiter, struct buf *ret, bool *ret_is_last)
{
    const char *p = rest->data;
    const char *end = p + rest->len;

    if (p < end && *p == '"') {
        for (p++; p < end && (*p != '"' || (p + 1 < end && p[1] == '"')); p++) {
            buf_append_char(ret, *p);
            p += *p == '"';
        }
        p++; /* there is a closing one: the record's quotes are even */
    } else {
        for (; p < end && *p != delimiter; p++) {
            if (*p == '"')
                return false;
            buf_append_char(ret, *p);
        }
    }
    *ret_is_last = p >= end;
    if (p < end && *p != delimiter)
        return false;
    *rest = *ret_is_last ? (struct str){0} : str_from_bytes(p + 1, (size_t)(end - p - 1));
    return true;
}

static bool is_text(const struct buf *text)
{
    return text->len == 0 || (!memchr(text->data, 0, text->len) && utf8_is_valid(buf_get(text)));
}

/* Adds the values of a record to outcome->rows; false: it is bad. */
static bool take_record(struct str record, const struct input *input, struct outcome *outcome)
{
    bool is_good = true, is_last = false;
    size_t nfields = 0;

    for (; is_good && !is_last; nfields++) {
        struct buf field = {0};
        bool is_null = record.len == 0 || record.data[0] == input->spec.delimiter;
        is_good = take_field(&record, input->spec.delimiter, &field, &is_last) && is_text(&field);
        struct str text = buf_get(&field);
        add_value(outcome, is_null ? NULL : &text);
        buf_deinit(&field);
    }
    return is_good && nfields == input->spec.ncolumns;
}

/* Takes a record off the front of *rest, without its line end; false if a quote in it is never closed. */
static bool cut_record(struct str *rest, struct str *ret)
{
    bool is_quoted = false;
    size_t len = 0;

    while (len < rest->len && (is_quoted || rest->data[len] != '\n'))
        is_quoted ^= rest->data[len++] == '"';
    *ret = str_from_bytes(rest->data, len);
    *rest = str_skip(*rest, len < rest->len ? len + 1 : len);
    if (ret->len > 0 && ret->data[ret->len - 1] == '\r')
        ret->len--;
    return !is_quoted;
}

static void read_slowly(const struct input *input, struct str file, struct outcome *ret)
{
    struct str record;

    if (str_has_prefix(file, "\xef\xbb\xbf"))
        file = str_skip(file, 3);
    for (int64_t row = 1; file.len > 0; row++) {
        if (!cut_record(&file, &record)) {
            ret->status = status_error(STATUS_INVALID_ARGUMENT, "never closed");
            return;
        }
        if ((row == 1 && input->header == HEADER_RIGHT) ||
            (record.len == 0 && input->spec.ncolumns > 1))
            continue;
        size_t start = ret->rows.len;
        buf_printf(&ret->rows, "%" PRId64 " ", row);
        if (take_record(record, input, ret)) {
            buf_append_char(&ret->rows, '\n');
            continue;
        }
        ret->rows.len = start;
        buf_printf(&ret->bad, "%" PRId64 "\n", row);
    }
}

/* The reader under test. */

struct sink {
    struct bad_row_sink base;
    struct outcome *outcome;
};

static struct status on_bad_row(struct bad_row_sink *base, const struct bad_row *row)
{
    struct sink *sink = container_of(base, struct sink, base);

    buf_printf(&sink->outcome->bad, "%" PRId64 "\n", row->row);
    return status_ok();
}

static void add_batch(const struct batch *batch, struct outcome *ret)
{
    for (size_t i = 0; i < batch->nrows; i++) {
        buf_printf(&ret->rows, "%" PRId64 " ", batch->row_numbers[i]);
        for (size_t c = 0; c < batch->ncolumns; c++)
            add_value(ret, batch->columns[c].is_null[i] ? NULL : &batch->columns[c].texts[i]);
        buf_append_char(&ret->rows, '\n');
    }
}

static struct status read_split(const struct reader_options *options, size_t block_bytes,
                                struct outcome *ret)
{
    struct batch *batch = batch_create(options->columns, options->ncolumns);
    struct reader *reader = NULL;
    struct status st = csv_reader_open(options, block_bytes, &reader);

    while (st.code == STATUS_OK) {
        st = csv_reader.next(reader, batch);
        if (st.code != STATUS_OK || batch->nrows == 0)
            break;
        add_batch(batch, ret);
    }
    csv_reader.close(reader);
    batch_destroy(batch);
    return st;
}

static void read_fast(const struct input *input, const struct file_root *root, uint64_t split_bytes,
                      size_t block_bytes, struct outcome *ret)
{
    struct sink sink = {{on_bad_row}, ret};
    struct stop stop = {0};
    struct plan plan = {0};
    struct reader_options options = {
        .spec = &input->spec,
        .root = root,
        .columns = input->columns,
        .ncolumns = input->spec.ncolumns,
        .plan = &plan,
        .bad_rows = &sink.base,
        .stop = &stop,
    };

    ret->status = file_root_list(root, "", &plan);
    if (ret->status.code == STATUS_OK)
        ret->status = csv_plan_make(&input->spec, root, &stop, split_bytes, &plan);
    for (size_t i = 0; i < plan.nsplits && ret->status.code == STATUS_OK; i++) {
        options.split = &plan.splits[i];
        ret->status = read_split(&options, block_bytes, ret);
    }
    plan_deinit(&plan);
}

/* Inputs. */

static char folder_path[] = "/tmp/sluice-fuzz-XXXXXX";
static int folder = -1;

static void remove_folder(void)
{
    (void)unlinkat(folder, "file", 0);
    (void)rmdir(folder_path);
}

/* A folder for the one file, for the life of the process. */
static struct file_root *get_root(void)
{
    static struct file_root *root;

    if (root)
        return root;
    if (!mkdtemp(folder_path) || file_root_open(folder_path, &root).code != STATUS_OK)
        abort();
    folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)atexit(remove_folder);
    return root;
}

static void write_file(struct str text)
{
    int fd = openat(folder, "file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len || close(fd) != 0)
        abort();
}

static void choose(const uint8_t *data, struct input *ret)
{
    static const char *const names[MAX_COLUMNS] = {"a", "b", "c"};
    static const char delimiters[] = {',', ';', '\t', 'x'};

    *ret = (struct input){.header = (enum header)(data[0] / 16 % NHEADERS)};
    ret->spec = (struct import_spec){
        .columns = ret->sources,
        .ncolumns = 1 + data[0] % 4 % MAX_COLUMNS,
        .has_header = ret->header != HEADER_NONE,
        .delimiter = delimiters[data[0] / 4 % 4],
    };
    for (size_t i = 0; i < MAX_COLUMNS; i++) {
        ret->sources[i].source = names[i];
        ret->columns[i] = (struct target_column){
            .source = names[i], .target = names[i], .type = COLUMN_STRING, .is_nullable = true};
    }
}

static void require_same(const struct outcome *a, const struct outcome *b)
{
    if (a->status.code != b->status.code)
        abort();
    if (a->status.code == STATUS_OK && (!str_is_equal(buf_get(&a->rows), buf_get(&b->rows)) ||
                                        !str_is_equal(buf_get(&a->bad), buf_get(&b->bad))))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input;
    struct outcome whole = {0}, parts = {0}, slow = {0};
    struct buf file = {0};

    if (size < 3 || size > MAX_FILE_BYTES)
        return 0;
    choose(data, &input);
    for (size_t i = 0; i < input.spec.ncolumns && input.header == HEADER_RIGHT; i++)
        buf_printf(&file, "%s%c", input.sources[i].source,
                   i + 1 < input.spec.ncolumns ? input.spec.delimiter : '\n');
    buf_append(&file, data + 3, size - 3);
    struct file_root *root = get_root();
    write_file(buf_get(&file));

    read_fast(&input, root, CSV_SPLIT_BYTES, 2 * MAX_FILE_BYTES, &whole);
    /* No more than a few splits: each has its own buffers. */
    read_fast(&input, root, size / 16 + 1 + data[1], 1 + (size_t)data[2], &parts);
    require_same(&whole, &parts);
    if (strcmp(whole.status.text, parts.status.text) != 0)
        abort();
    if (input.header != HEADER_ANY) {
        read_slowly(&input, buf_get(&file), &slow);
        require_same(&whole, &slow);
    }
    outcome_deinit(&whole);
    outcome_deinit(&parts);
    outcome_deinit(&slow);
    buf_deinit(&file);
    return 0;
}
