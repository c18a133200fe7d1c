/*
 * connectors/hbase/hbase_row_writer.c - rows become cells, and cells go out in batches.
 *
 * Several batches are on their way at once, and servers take them in any order. All cells of an import have one timestamp,
 * so of equal row keys in a split the later row wins only if it is sent after the earlier one was acknowledged. So the keys that
 * may be on their way are remembered, by a hash of each: a key that is among them, truly or by chance, waits.
 */
#include "connectors/hbase/hbase_row_writer.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "connectors/hbase/hbase_encode.h"
#include "connectors/hbase/hbase_target.h"
#include "hbase/writer.h"

enum {
    NSLOTS = 1 << 18,        /* of hashes; a power of two */
    MAX_KEYS = NSLOTS / 2,   /* then all that is on its way is waited for */
    LARGE_BYTES = 64 * 1024, /* of a value: its server may refuse it, so it goes alone */
    MAX_ROW_BYTES =
        128 * 1024 * 1024, /* of a row's values: it is one request, which has 256 MiB at most */
    KEY_SHOWN_BYTES = 80,
    REASON_BYTES = 300,
};

/* A row on its way from batch to cells. */
struct row {
    const char *file;
    int64_t number;
    struct bad_row_sink *bad_rows;
    struct str key;
    bool is_refused;
};

struct writer {
    struct hbase_table *table;
    const struct hbase_target *target;
    struct hbase_writer *out; /* NULL: nothing was written since the beginning, or a rollback */
    struct row *row;          /* the one that is waited for; NULL: none */
    struct buf bytes;         /* the values of one row */
    size_t *ends;             /* [0 .. ncolumns): of each column's value in bytes */
    struct hbase_cell *cells; /* the same number of places */
    uint64_t *hashes;         /* [0 .. NSLOTS), 0: free */
    size_t nkeys;
    struct metric *bytes_written;
};

struct writer *hbase_row_writer_create(struct hbase_table *table, const struct hbase_target *target,
                                       struct metric *bytes_written)
{
    struct writer *writer = mem_alloc(sizeof(*writer));

    writer->table = table;
    writer->target = target;
    writer->bytes_written = bytes_written;
    writer->ends = mem_alloc_array(target->spec->ncolumns, sizeof(*writer->ends));
    writer->cells = mem_alloc_array(target->spec->ncolumns, sizeof(*writer->cells));
    writer->hashes = mem_alloc_array(NSLOTS, sizeof(*writer->hashes));
    return writer;
}

void hbase_row_writer_destroy(struct writer *writer)
{
    if (!writer)
        return;
    hbase_writer_destroy(writer->out);
    buf_deinit(&writer->bytes);
    mem_free(writer->ends);
    mem_free(writer->cells);
    mem_free(writer->hashes);
    mem_free(writer);
}

/* ---- Bad rows ---- */

static struct status refuse(const struct writer *writer, struct row *row, size_t column,
                            const char *reason, struct str raw)
{
    const struct bad_row bad = {
        .file = row->file,
        .row = row->number,
        .column = writer->target->columns[column].source,
        .reason = reason,
        .raw = raw,
    };

    row->is_refused = true;
    return row->bad_rows->on_bad_row(row->bad_rows, &bad);
}

/* The column that a cell is of. */
static size_t find_column(const struct writer *writer, const struct hbase_cell *cell)
{
    const struct hbase_target_place *places = writer->target->places;

    for (size_t i = 0; i < writer->target->spec->ncolumns; i++)
        if (i != writer->target->key && str_is_equal(places[i].family, cell->family) &&
            str_is_equal(places[i].qualifier, cell->qualifier))
            return i;
    return writer->target->key;
}

/* A server refuses a cell: of a large row it is a bad row; others are not expected to be refused. */
static struct status take_refusal(void *self, const struct hbase_cell *cell, struct status reason)
{
    struct writer *writer = self;
    int shown = (int)(cell->row.len < KEY_SHOWN_BYTES ? cell->row.len : KEY_SHOWN_BYTES);

    if (writer->row && str_is_equal(writer->row->key, cell->row))
        return refuse(writer, writer->row, find_column(writer, cell), reason.text, cell->value);
    return status_error(reason.code, "row key '%.*s': %s", shown, cell->row.data, reason.text);
}

/* ---- Keys on their way ---- */

static uint64_t hash_key(struct str key)
{
    uint64_t hash = hash_make(key);

    return hash != 0 ? hash : 1;
}

/* Returns false if it is there already. There is room. */
static bool add_key(struct writer *writer, struct str key)
{
    uint64_t hash = hash_key(key);
    size_t i = (hash ^ hash >> 32) % NSLOTS;

    for (; writer->hashes[i] != 0; i = (i + 1) % NSLOTS)
        if (writer->hashes[i] == hash)
            return false;
    writer->hashes[i] = hash;
    writer->nkeys++;
    return true;
}

static void forget_keys(struct writer *writer)
{
    memset(writer->hashes, 0, NSLOTS * sizeof(*writer->hashes));
    writer->nkeys = 0;
}

static struct status flush(struct writer *writer)
{
    struct status st = writer->out ? hbase_writer_flush(writer->out) : status_ok();

    if (st.code == STATUS_OK && writer->nkeys > 0)
        forget_keys(writer);
    return st;
}

/* ---- From batch to cells ---- */

/* Encodes the key and all that is not null. A row that does not fit is refused. */
static struct status encode_row(struct writer *writer, const struct batch *batch, size_t i,
                                struct row *row)
{
    struct status st = status_ok();

    buf_clear(&writer->bytes);
    for (size_t c = 0; c < batch->ncolumns && !row->is_refused; c++) {
        const struct batch_column *column = &batch->columns[c];
        const char *reason = column->is_null[i] ? NULL : hbase_encode(column, i, &writer->bytes);

        if (reason)
            st = refuse(writer, row, c, reason, (struct str){0});
        else if (writer->bytes.len > MAX_ROW_BYTES)
            st = refuse(writer, row, c, "the row has more than 128 MiB", (struct str){0});
        writer->ends[c] = writer->bytes.len;
    }
    return st;
}

static struct str get_value(const struct writer *writer, size_t column)
{
    size_t begin = column > 0 ? writer->ends[column - 1] : 0;

    return str_from_bytes(writer->bytes.data + begin, writer->ends[column] - begin);
}

static struct status check_key(struct writer *writer, struct row *row)
{
    char reason[REASON_BYTES];

    if (row->key.len == 0)
        return refuse(writer, row, writer->target->key, "the row key is empty", row->key);
    if (row->key.len <= HBASE_MAX_ROW_BYTES)
        return status_ok();
    (void)snprintf(reason, sizeof(reason), "the row key has %zu bytes; HBase takes at most %d",
                   row->key.len, HBASE_MAX_ROW_BYTES);
    return refuse(writer, row, writer->target->key, reason, row->key);
}

/* Returns how many. */
static size_t make_cells(struct writer *writer, const struct batch *batch, size_t i,
                         const struct row *row)
{
    size_t n = 0;

    for (size_t c = 0; c < batch->ncolumns; c++) {
        if (c == writer->target->key || batch->columns[c].is_null[i])
            continue;
        writer->cells[n++] = (struct hbase_cell){
            .row = row->key,
            .family = writer->target->places[c].family,
            .qualifier = writer->target->places[c].qualifier,
            .value = get_value(writer, c),
            .timestamp_ms = writer->target->timestamp_ms,
            .type = HBASE_PUT,
        };
    }
    return n;
}

/* Puts the largest one first; returns how large its value is. */
static size_t find_largest(struct hbase_cell *cells, size_t ncells)
{
    for (size_t i = 1; i < ncells; i++) {
        struct hbase_cell first = cells[0];

        if (cells[i].value.len <= first.value.len)
            continue;
        cells[0] = cells[i];
        cells[i] = first;
    }
    return cells[0].value.len;
}

/* Writes cells[0], which may be too large for its server, alone: if it is refused nothing of its row is written. */
static struct status try_largest(struct writer *writer, struct row *row)
{
    struct status st = flush(writer);

    writer->row = row;
    if (st.code == STATUS_OK)
        st = hbase_writer_put(writer->out, writer->cells, 1);
    if (st.code == STATUS_OK)
        st = flush(writer);
    writer->row = NULL;
    return st;
}

static struct status put(struct writer *writer, struct row *row, size_t ncells)
{
    struct status st = status_ok();
    size_t ndone = 0;

    metric_add(writer->bytes_written, (int64_t)writer->bytes.len);
    if (!writer->out)
        writer->out = hbase_writer_create(
            writer->table,
            &(struct hbase_writer_options){.on_refused = take_refusal, .self = writer});
    if (find_largest(writer->cells, ncells) >= LARGE_BYTES) {
        st = try_largest(writer, row);
        ndone = 1;
    }
    if (st.code != STATUS_OK || row->is_refused || ndone == ncells)
        return st;
    if (writer->nkeys == MAX_KEYS)
        st = flush(writer);
    if (st.code == STATUS_OK && !add_key(writer, row->key)) {
        st = flush(writer);
        (void)add_key(writer, row->key);
    }
    if (st.code != STATUS_OK)
        return st;
    return hbase_writer_put(writer->out, writer->cells + ndone, ncells - ndone);
}

static struct status write_row(struct writer *writer, const struct batch *batch, size_t i,
                               struct row *row)
{
    struct status st = encode_row(writer, batch, i, row);

    if (st.code != STATUS_OK || row->is_refused)
        return st;
    row->key = get_value(writer, writer->target->key);
    st = check_key(writer, row);
    if (st.code != STATUS_OK || row->is_refused)
        return st;
    size_t ncells = make_cells(writer, batch, i, row);
    return ncells > 0 ? put(writer, row, ncells) : st;
}

struct status hbase_row_writer_write(struct writer *writer, const char *file,
                                     const struct batch *batch, struct bad_row_sink *bad_rows,
                                     bool *ret_again)
{
    struct status st = status_ok();

    *ret_again = false;
    for (size_t i = 0; i < batch->nrows && st.code == STATUS_OK; i++) {
        struct row row = {.file = file, .number = batch->row_numbers[i], .bad_rows = bad_rows};
        st = write_row(writer, batch, i, &row);
    }
    return st;
}

struct status hbase_row_writer_commit(struct writer *writer, const struct unit *unit,
                                      bool *ret_again)
{
    (void)unit;
    *ret_again = false;
    return flush(writer);
}

void hbase_row_writer_rollback(struct writer *writer)
{
    hbase_writer_destroy(writer->out);
    writer->out = NULL;
    forget_keys(writer);
}
