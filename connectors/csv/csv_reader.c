/*
 * connectors/csv/csv_reader.c - CSV (RFC 4180) as batches of typed rows.
 *
 * An empty field is null, "" is the empty text. A row is a record of the file, counted from 1 with the header and
 * empty lines; so where no field has a line end in it, it is the line. Empty lines are passed over, unless records have
 * just one field: then they are a null.
 */
#include "connectors/csv/csv_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "connectors/convert/convert.h"
#include "connectors/csv/csv_field.h"
#include "connectors/csv/csv_layout.h"
#include "connectors/csv/csv_plan.h"
#include "connectors/csv/csv_records.h"
#include "connectors/plan.h"

struct reader {
    struct reader_options options;
    const struct plan_file *file; /* of options.plan, which the owner of the reader keeps */
    int fd;                       /* -1: not open */
    struct csv_layout layout;
    struct csv_records *records;
    struct str *fields; /* [0 .. layout.nfields): of a record that has quotes, without them */
    struct arena
        *arena; /* what fields of the last batch are made of; at most their own size in the file */
    struct status failure; /* why the sink ended the reading */
};

/* Tells the sink of a bad row. False: reading ends with reader->failure. */
static bool report(struct reader *reader, const struct csv_record *record, const char *column,
                   const char *reason)
{
    struct bad_row row = {
        .file = reader->file->path,
        .row = record->row,
        .byte_offset = record->offset,
        .column = column,
        .reason = reason,
        .raw = record->text,
    };
    struct status st = reader->options.bad_rows->on_bad_row(reader->options.bad_rows, &row);

    if (st.code == STATUS_OK)
        return true;
    reader->failure = st;
    return false;
}

static bool report_count(struct reader *reader, const struct csv_record *record)
{
    char reason[80]; /* two numbers and words */

    (void)snprintf(reason, sizeof(reason), "%zu field%s, but %zu expected", record->nfields,
                   record->nfields == 1 ? "" : "s", reader->layout.nfields);
    return report(reader, record, "", reason);
}

static bool report_value(struct reader *reader, const struct csv_record *record, size_t column,
                         enum convert_result result, struct str value)
{
    const struct target_column *target = &reader->options.columns[column];
    char reason[CONVERT_REASON_BYTES];

    convert_write_reason(result, target, value, reason);
    return report(reader, record, target->source, reason);
}

/* Fills reader->fields. Returns NULL, or what is wrong with *ret_field. */
static const char *unquote(struct reader *reader, const struct csv_record *record,
                           size_t *ret_field)
{
    for (size_t i = 0; i < record->nfields; i++) {
        const char *wrong =
            csv_field_unquote(csv_field_get_raw(record, i), reader->arena, &reader->fields[i]);
        if (wrong) {
            *ret_field = i;
            return wrong;
        }
    }
    return NULL;
}

static inline enum convert_result take_value(struct reader *reader, bool is_ascii, size_t column,
                                             struct str text, struct batch *batch)
{
    const struct target_column *target = &reader->options.columns[column];
    struct batch_column *values = &batch->columns[column];

    values->is_null[batch->nrows] = false;
    /* Most texts need no check. */
    if (target->type == COLUMN_STRING && is_ascii &&
        (target->max_chars == 0 || text.len <= target->max_chars)) {
        values->texts[batch->nrows] = text;
        return CONVERT_OK;
    }
    return convert_text(target, text, reader->arena, values, batch->nrows);
}

/* Converts the values of a record whose quotes are right. False: reading ends with reader->failure. */
static bool take_values(struct reader *reader, const struct csv_record *record, bool has_quotes,
                        struct batch *batch)
{
    for (size_t i = 0; i < reader->options.ncolumns; i++) {
        uint32_t field = reader->layout.fields[i];
        struct str text = csv_field_get_raw(record, field);
        enum convert_result result = CONVERT_OK;

        if (text.len == 0) {
            batch->columns[i].is_null[batch->nrows] = true;
            if (!reader->options.columns[i].is_nullable)
                result = CONVERT_IS_NULL;
        } else {
            if (has_quotes)
                text = reader->fields[field];
            result = take_value(reader, record->is_ascii, i, text, batch);
        }
        if (result != CONVERT_OK)
            return report_value(reader, record, i, result, text);
    }
    batch->row_numbers[batch->nrows++] = record->row;
    return true;
}

/* Adds a record to batch, or tells why not. False: reading ends with reader->failure. */
static bool take_record(struct reader *reader, const struct csv_record *record, struct batch *batch)
{
    bool has_quotes = record->has_quotes && record->text.len > 0 &&
                      memchr(record->text.data, '"', record->text.len);

    if (record->nfields != reader->layout.nfields)
        return record->text.len == 0 || report_count(reader, record);
    if (has_quotes) {
        char reason[120]; /* a number and a text of csv_field_unquote */
        size_t field = 0;
        const char *wrong = unquote(reader, record, &field);
        if (wrong) {
            (void)snprintf(reason, sizeof(reason), "field %zu: %s", field + 1, wrong);
            return report(reader, record, "", reason);
        }
    }
    return take_values(reader, record, has_quotes, batch);
}

/* Takes records from memory until the batch is full or memory is read. */
static bool take_records(struct reader *reader, struct batch *batch)
{
    struct csv_record record;

    while (batch->nrows < BATCH_MAX_ROWS &&
           csv_records_next(reader->records, &record) == CSV_STEP_RECORD) {
        if (!take_record(reader, &record, batch))
            return false;
    }
    return true;
}

static struct status csv_next(struct reader *reader, struct batch *batch)
{
    bool is_end = false;

    arena_destroy(reader->arena);
    reader->arena = arena_create(CSV_MAX_RECORD_BYTES);
    batch->nrows = 0;
    for (;;) {
        if (stop_is_requested(reader->options.stop))
            return status_error(STATUS_CANCELLED, "stopped");
        if (!take_records(reader, batch))
            return reader->failure;
        if (batch->nrows > 0)
            return status_ok();
        struct status st = csv_records_fill(reader->records, &is_end);
        if (st.code != STATUS_OK)
            return st;
        if (is_end)
            return plan_check_file(reader->file, reader->fd);
    }
}

static uint64_t csv_get_bytes_read(const struct reader *reader)
{
    const struct split *split = reader->options.split;

    return split->size_bytes - (split->end - csv_records_get_offset(reader->records));
}

static void csv_close(struct reader *reader)
{
    if (!reader)
        return;
    csv_records_close(reader->records);
    csv_layout_deinit(&reader->layout);
    arena_destroy(reader->arena);
    mem_free(reader->fields);
    if (reader->fd >= 0)
        (void)close(reader->fd);
    mem_free(reader);
}

static struct status open_split(struct reader *reader, size_t block_bytes)
{
    const struct import_spec *spec = reader->options.spec;
    const struct split *split = reader->options.split;
    struct status st = plan_open_file(reader->options.root, reader->file, &reader->fd);

    if (st.code == STATUS_OK)
        st = csv_layout_read(spec, reader->fd, reader->file->path, reader->file->size_bytes,
                             &reader->layout);
    if (st.code != STATUS_OK)
        return st;
    reader->fields = mem_alloc_array(reader->layout.nfields, sizeof(*reader->fields));

    struct csv_part part = {
        .path = reader->file->path,
        .fd = reader->fd,
        .first = split->first,
        .end = split->end,
        .is_last = split->end == reader->file->size_bytes,
        .first_row = split->first_row,
        .delimiter = spec->delimiter,
        .max_fields = reader->layout.nfields,
        .block_bytes = block_bytes,
    };
    reader->records = csv_records_open(&part);
    return st;
}

struct status csv_reader_open(const struct reader_options *options, size_t block_bytes,
                              struct reader **ret)
{
    struct reader *reader = mem_alloc(sizeof(*reader));

    reader->options = *options;
    reader->file = &options->plan->files[options->split->file];
    reader->fd = -1;
    struct status st = open_split(reader, block_bytes);
    if (st.code != STATUS_OK) {
        csv_close(reader);
        return st;
    }
    *ret = reader;
    return st;
}

static struct status csv_open(const struct reader_options *options, struct reader **ret)
{
    return csv_reader_open(options, CSV_BLOCK_BYTES, ret);
}

static struct status csv_plan(const struct import_spec *spec, const struct file_root *root,
                              const struct stop *stop, struct plan *plan)
{
    return csv_plan_make(spec, root, stop, CSV_SPLIT_BYTES, plan);
}

const struct reader_type csv_reader = {
    .name = "CSV",
    .plan = csv_plan,
    .open = csv_open,
    .next = csv_next,
    .get_bytes_read = csv_get_bytes_read,
    .close = csv_close,
};
