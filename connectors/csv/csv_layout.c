#include "connectors/csv/csv_layout.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "connectors/csv/csv_field.h"
#include "connectors/csv/csv_records.h"

enum { HEADER_BLOCK_BYTES = 16 * 1024, MARK_BYTES = 3 };

static const char byte_order_mark[MARK_BYTES] = {'\xef', '\xbb', '\xbf'};

/* What a header says. */
struct header {
    const char *path;
    struct str *names; /* [0 .. nnames), borrowed from the record or arena */
    size_t nnames;
    struct arena *arena;
};

static struct status refuse_missing(const struct header *header, const char *name)
{
    struct buf list = {.max_bytes = STATUS_TEXT_BYTES};

    for (size_t i = 0; i < header->nnames; i++) {
        buf_append_text(&list, i == 0 ? "" : ", ");
        buf_append_str(&list, header->names[i]);
    }
    struct status st = status_error(STATUS_INVALID_ARGUMENT,
                                    "file '%.100s' has no column '%s'; its header has: %s",
                                    header->path, name, buf_get_text(&list));
    buf_deinit(&list);
    return st;
}

/* Finds the field of that name. */
static struct status find_field(const struct header *header, const char *name, uint32_t *ret)
{
    size_t nfound = 0;

    for (size_t i = 0; i < header->nnames; i++) {
        if (!str_is(header->names[i], name))
            continue;
        *ret = (uint32_t)i;
        nfound++;
    }
    if (nfound == 0)
        return refuse_missing(header, name);
    if (nfound > 1)
        return status_error(STATUS_INVALID_ARGUMENT, "file '%s' has %zu columns named '%s'",
                            header->path, nfound, name);
    return status_ok();
}

static struct status read_names(const struct csv_record *record, struct header *header)
{
    if (record->nfields > CSV_MAX_FIELDS)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "file '%s' has a header of more than %d fields", header->path,
                            CSV_MAX_FIELDS);
    header->names = mem_alloc_array(record->nfields, sizeof(*header->names));
    header->nnames = record->nfields;
    for (size_t i = 0; i < record->nfields; i++) {
        const char *wrong =
            csv_field_unquote(csv_field_get_raw(record, i), header->arena, &header->names[i]);
        if (wrong)
            return status_error(STATUS_INVALID_ARGUMENT, "file '%s', header, field %zu: %s",
                                header->path, i + 1, wrong);
    }
    return status_ok();
}

/* Reads the record in which the header is; there is at least one byte of it. */
static struct status read_record(struct csv_records *records, struct csv_record *ret)
{
    bool is_end = false;

    while (csv_records_next(records, ret) != CSV_STEP_RECORD) {
        struct status st = csv_records_fill(records, &is_end);
        if (st.code != STATUS_OK)
            return st;
    }
    return status_ok();
}

static struct status read_header(const struct import_spec *spec, struct csv_records *records,
                                 struct header *header, struct csv_layout *layout)
{
    struct csv_record record;
    struct status st = read_record(records, &record);

    if (st.code == STATUS_OK)
        st = read_names(&record, header);
    for (size_t i = 0; i < spec->ncolumns && st.code == STATUS_OK; i++)
        st = find_field(header, spec->columns[i].source, &layout->fields[i]);
    layout->nfields = header->nnames;
    layout->first = csv_records_get_offset(records);
    layout->first_row = 2;
    return st;
}

static struct status open_header(const struct import_spec *spec, const struct csv_part *part,
                                 struct csv_layout *layout)
{
    struct csv_records *records = csv_records_open(part);
    struct header header = {
        .path = part->path,
        .arena = arena_create(CSV_MAX_RECORD_BYTES),
    };
    struct status st = read_header(spec, records, &header, layout);

    mem_free(header.names);
    arena_destroy(header.arena);
    csv_records_close(records);
    return st;
}

struct status csv_layout_read(const struct import_spec *spec, int fd, const char *path,
                              uint64_t size_bytes, struct csv_layout *ret)
{
    char start[MARK_BYTES];
    size_t n = sizeof(start);
    struct status st = csv_read_at(fd, path, 0, start, &n);

    if (st.code != STATUS_OK)
        return st;
    bool has_mark = n == MARK_BYTES && memcmp(start, byte_order_mark, MARK_BYTES) == 0;
    struct csv_layout layout = {
        .first = has_mark ? MARK_BYTES : 0,
        .first_row = 1,
        .nfields = spec->ncolumns,
        .fields = mem_alloc_array(spec->ncolumns, sizeof(*layout.fields)),
    };
    if (spec->has_header && layout.first < size_bytes) {
        struct csv_part part = {
            .path = path,
            .fd = fd,
            .first = layout.first,
            .end = size_bytes,
            .is_last = true,
            .first_row = 1,
            .delimiter = spec->delimiter,
            .max_fields = CSV_MAX_FIELDS,
            .block_bytes = HEADER_BLOCK_BYTES,
        };
        st = open_header(spec, &part, &layout);
    } else {
        for (size_t i = 0; i < spec->ncolumns; i++)
            layout.fields[i] = (uint32_t)i;
    }
    if (st.code != STATUS_OK) {
        csv_layout_deinit(&layout);
        return st;
    }
    *ret = layout;
    return st;
}

void csv_layout_deinit(struct csv_layout *layout)
{
    mem_free(layout->fields);
    layout->fields = NULL;
}
