/*
 * connectors/csv/csv_records.c - a window that moves over a part of a file.
 *
 *     data:  | given records | the record at hand ... | not scanned | free |
 *            0               record                   scanned       len    size
 *
 * The window is scanned in chunks, whose places of delimiters and line feeds are kept until records are made of
 * them. When all is scanned, what is left of the record at hand moves to the front and the file is read on behind it; a
 * record that fills the whole window makes it grow.
 */
#include "connectors/csv/csv_records.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "connectors/plan.h"

enum { CHUNK_BYTES = 16 * 1024 };

struct csv_records {
    struct csv_part part;
    char *data;
    size_t size; /* of data; the last byte is kept for a line feed that the file lacks */
    size_t len;
    size_t scanned;
    size_t record;
    uint64_t offset; /* of data[0] in the file */
    int64_t row;     /* of the record at hand */

    struct csv_state state;
    size_t chunk_bytes;
    size_t chunk;     /* where in data the places count from */
    uint32_t *places; /* [place .. nplaces) are not used up */
    size_t place;
    size_t nplaces;

    uint32_t *ends; /* of the record at hand, from its start */
    size_t nfields;
};

struct csv_records *csv_records_open(const struct csv_part *part)
{
    struct csv_records *records = mem_alloc(sizeof(*records));

    assert(part->max_fields >= 1 && part->max_fields <= CSV_MAX_FIELDS && part->block_bytes > 0);
    records->part = *part;
    records->size = part->block_bytes + 1;
    records->data = mem_alloc_array(records->size, 1);
    records->offset = part->first;
    records->row = part->first_row;
    records->chunk_bytes = part->block_bytes < CHUNK_BYTES ? part->block_bytes : CHUNK_BYTES;
    records->places = mem_alloc_array(records->chunk_bytes, sizeof(*records->places));
    records->ends = mem_alloc_array(part->max_fields, sizeof(*records->ends));
    return records;
}

void csv_records_close(struct csv_records *records)
{
    if (!records)
        return;
    mem_free(records->data);
    mem_free(records->places);
    mem_free(records->ends);
    mem_free(records);
}

static void scan_chunk(struct csv_records *records)
{
    size_t len = records->len - records->scanned;
    struct str text;

    if (len > records->chunk_bytes)
        len = records->chunk_bytes;
    text = str_from_bytes(records->data + records->scanned, len);
    if (records->record == records->scanned) {
        records->state.has_quotes = false;
        records->state.has_specials = false;
    }
    records->nplaces =
        csv_scanner_native.index(text, records->part.delimiter, &records->state, records->places);
    records->place = 0;
    records->chunk = records->scanned;
    records->scanned += len;
}

/* The record at hand ends with the line feed at data[at]. */
static void give_record(struct csv_records *records, size_t at, struct csv_record *ret)
{
    const char *text = records->data + records->record;
    size_t len = at - records->record;

    if (len > 0 && text[len - 1] == '\r')
        len--;
    if (records->nfields <= records->part.max_fields)
        records->ends[records->nfields - 1] = (uint32_t)len;
    ret->text = str_from_bytes(text, len);
    ret->offset = records->offset + records->record;
    ret->row = records->row++;
    ret->nfields = records->nfields;
    ret->ends = records->ends;
    ret->has_quotes = records->state.has_quotes;
    ret->is_ascii = !records->state.has_specials;
    records->record = at + 1;
    records->nfields = 0;
}

enum csv_step csv_records_next(struct csv_records *records, struct csv_record *ret)
{
    for (;;) {
        const char *data = records->data;
        size_t max_fields = records->part.max_fields;
        size_t nfields = records->nfields;

        for (size_t i = records->place; i < records->nplaces; i++) {
            size_t at = records->chunk + records->places[i];
            if (nfields < max_fields)
                records->ends[nfields] = (uint32_t)(at - records->record);
            nfields++;
            if (data[at] == '\n') {
                records->nfields = nfields;
                records->place = i + 1;
                give_record(records, at, ret);
                return CSV_STEP_RECORD;
            }
        }
        records->nfields = nfields;
        records->place = records->nplaces;
        if (records->scanned == records->len)
            return CSV_STEP_FILL;
        scan_chunk(records);
    }
}

/* Errors of a record name the file, the row and the byte where it begins. */
static struct status refuse(const struct csv_records *records, const char *what)
{
    return status_error(STATUS_INVALID_ARGUMENT,
                        "file '%s', row %" PRId64 " (from byte %" PRIu64 " on): %s",
                        records->part.path, records->row, records->offset + records->record, what);
}

/* All of the part is in memory: gives its last record the line feed that it may lack. */
static struct status end_part(struct csv_records *records, bool *ret_is_end)
{
    if (records->record >= records->len) {
        *ret_is_end = true;
        return status_ok();
    }
    if (!records->part.is_last)
        return plan_refuse_changed(records->part.path);
    if (records->state.is_quoted)
        return refuse(records, "a quote is opened, but never closed");
    records->data[records->len++] = '\n';
    *ret_is_end = false;
    return status_ok();
}

static void make_room(struct csv_records *records)
{
    static const size_t max_size = (size_t)CSV_MAX_RECORD_BYTES + 2;
    size_t left = records->len - records->record;

    memmove(records->data, records->data + records->record, left);
    records->offset += records->record;
    records->record = 0;
    records->len = left;
    records->scanned = left;
    if (left + 1 < records->size)
        return;
    records->size = records->size < max_size / 2 ? records->size * 2 : max_size;
    records->data = mem_realloc_array(records->data, records->size, 1);
}

struct status csv_records_fill(struct csv_records *records, bool *ret_is_end)
{
    assert(records->place == records->nplaces && records->scanned == records->len);

    if (records->len - records->record > CSV_MAX_RECORD_BYTES)
        return refuse(records, records->state.is_quoted
                                   ? "longer than 16 MiB; is a quote opened, but never closed?"
                                   : "longer than 16 MiB");
    if (records->offset + records->len >= records->part.end)
        return end_part(records, ret_is_end);

    make_room(records);
    uint64_t from = records->offset + records->len;
    size_t wanted = records->size - 1 - records->len;
    if (wanted > records->part.end - from)
        wanted = (size_t)(records->part.end - from);
    size_t got = wanted;
    struct status st =
        csv_read_at(records->part.fd, records->part.path, from, records->data + records->len, &got);
    if (st.code != STATUS_OK)
        return st;
    if (got < wanted)
        return plan_refuse_changed(records->part.path);
    records->len += got;
    *ret_is_end = false;
    return st;
}

uint64_t csv_records_get_offset(const struct csv_records *records)
{
    uint64_t offset = records->offset + records->record;

    return offset < records->part.end ? offset : records->part.end;
}

struct status csv_read_at(int fd, const char *path, uint64_t offset, void *ret, size_t *size)
{
    size_t got = 0;

    while (got < *size) {
        ssize_t n = pread(fd, (char *)ret + got, *size - got, (off_t)(offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return status_from_errno(errno, "cannot read file '%s'", path);
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *size = got;
    return status_ok();
}
