#include "worker/verify_column.h"

#include "base/mem.h"

/* Clocks of servers that differ by more than this are not let into a cluster (hbase.master.maxclockskew). */
static const int64_t clock_margin_ms = 30000;

bool verify_column_has(const struct verify_column *column, const struct hbase_cell *cell)
{
    return str_is_equal(cell->qualifier, buf_get(&column->qualifier)) &&
           str_is_equal(cell->family, buf_get(&column->family));
}

bool verify_column_shows(const struct verify_column *column, enum verify_side side,
                         const struct verify_family *family, int64_t timestamp_ms, int64_t now_ms)
{
    if (!family)
        return true;
    if (column->ncells[side] >= family->max_versions)
        return false;
    /* Neither sum nor difference overflows: a time to live and a time of day are positive. */
    bool is_expired = timestamp_ms < now_ms + clock_margin_ms - family->ttl_ms;
    return !is_expired || column->ncells[side] < family->min_versions;
}

/* Telling. */

static void append_number(struct buf *buf, int64_t number)
{
    buf_append(buf, &number, sizeof(number));
}

static struct verify_mark make_mark(struct buf *scratch, const struct verify_difference *difference,
                                    const struct verify_value *const values[VERIFY_NSIDES])
{
    uint8_t digest[SHA256_BYTES];
    struct verify_mark mark;

    buf_clear(scratch);
    append_number(scratch, difference->type);
    append_number(scratch, (int64_t)difference->family.len);
    buf_append_str(scratch, difference->family);
    append_number(scratch, (int64_t)difference->qualifier.len);
    buf_append_str(scratch, difference->qualifier);
    for (int side = 0; side < VERIFY_NSIDES; side++) {
        append_number(scratch, difference->timestamps_ms[side]);
        if (values[side])
            buf_append(scratch, values[side]->digest, sizeof(values[side]->digest));
    }
    sha256_make(buf_get(scratch), digest);
    memcpy(mark.bytes, digest, sizeof(mark.bytes));
    return mark;
}

static void tell(struct verify_column *column, Pb__DifferenceType type,
                 const struct verify_unpaired *source, const struct verify_unpaired *destination)
{
    const struct verify_unpaired *cells[VERIFY_NSIDES] = {source, destination};
    const struct verify_value *values[VERIFY_NSIDES] = {NULL};
    struct verify_difference difference = {
        .type = type,
        .family = buf_get(&column->family),
        .qualifier = buf_get(&column->qualifier),
    };

    for (int side = 0; side < VERIFY_NSIDES; side++) {
        if (!cells[side])
            continue;
        values[side] = &cells[side]->value;
        difference.timestamps_ms[side] = cells[side]->timestamp_ms;
        difference.values[side] = str_from_bytes(values[side]->head, values[side]->head_len);
    }
    difference.mark = make_mark(&column->scratch, &difference, values);
    column->ndifferences++;
    column->sink->on_difference(column->sink, &difference);
}

/* The cell of the destination, of those that are left, with the value of one of the source; NULL if there is none. */
static struct verify_unpaired *find_pair(struct verify_column *column,
                                         const struct verify_unpaired *source)
{
    for (size_t i = 0; i < column->nunpaired[VERIFY_DESTINATION]; i++) {
        struct verify_unpaired *other = &column->unpaired[VERIFY_DESTINATION][i];

        if (!other->is_paired &&
            memcmp(other->value.digest, source->value.digest, SHA256_BYTES) == 0)
            return other;
    }
    return NULL;
}

static void tell_pairs(struct verify_column *column)
{
    for (size_t i = 0; i < column->nunpaired[VERIFY_SOURCE]; i++) {
        struct verify_unpaired *source = &column->unpaired[VERIFY_SOURCE][i];
        struct verify_unpaired *destination = find_pair(column, source);

        /* Two old versions that neither side has to show are no difference, whatever they are. */
        if (!destination || (source->is_hidden && destination->is_hidden))
            continue;
        source->is_paired = destination->is_paired = true;
        tell(column, PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_CHANGED_TIMESTAMP, source, destination);
    }
}

static void tell_all(struct verify_column *column)
{
    if (column->has_values)
        tell_pairs(column);
    for (size_t i = 0; i < column->nunpaired[VERIFY_SOURCE]; i++) {
        const struct verify_unpaired *cell = &column->unpaired[VERIFY_SOURCE][i];

        if (!cell->is_paired && !cell->is_hidden)
            tell(column, PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_MISSING, cell, NULL);
    }
    for (size_t i = 0; i < column->nunpaired[VERIFY_DESTINATION]; i++) {
        const struct verify_unpaired *cell = &column->unpaired[VERIFY_DESTINATION][i];

        if (!cell->is_paired && !cell->is_hidden)
            tell(column, PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_EXTRA, NULL, cell);
    }
    column->nunpaired[VERIFY_SOURCE] = column->nunpaired[VERIFY_DESTINATION] = 0;
}

void verify_column_close(struct verify_column *column)
{
    tell_all(column);
    buf_clear(&column->family);
    buf_clear(&column->qualifier);
    column->ncells[VERIFY_SOURCE] = column->ncells[VERIFY_DESTINATION] = 0;
}

void verify_column_open(struct verify_column *column, const struct hbase_cell *cell)
{
    verify_column_close(column);
    buf_append_str(&column->family, cell->family);
    buf_append_str(&column->qualifier, cell->qualifier);
}

/* Taking in. */

static void read_value(const struct hbase_cell *cell, bool has_values, struct verify_value *ret)
{
    ret->head_len = 0;
    memset(ret->digest, 0, sizeof(ret->digest));
    if (!has_values)
        return;
    sha256_make(cell->value, ret->digest);
    ret->head_len =
        cell->value.len < VERIFY_VALUE_BYTES ? cell->value.len : (size_t)VERIFY_VALUE_BYTES;
    if (ret->head_len > 0)
        memcpy(ret->head, cell->value.data, ret->head_len);
}

void verify_column_add_both(struct verify_column *column, const struct hbase_cell *source,
                            const struct hbase_cell *destination)
{
    column->ncells[VERIFY_SOURCE]++;
    column->ncells[VERIFY_DESTINATION]++;
    if (!column->has_values || str_is_equal(source->value, destination->value))
        return;

    struct verify_unpaired cells[VERIFY_NSIDES] = {
        {.timestamp_ms = source->timestamp_ms},
        {.timestamp_ms = destination->timestamp_ms},
    };
    read_value(source, true, &cells[VERIFY_SOURCE].value);
    read_value(destination, true, &cells[VERIFY_DESTINATION].value);
    tell(column, PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_CHANGED_VALUE, &cells[VERIFY_SOURCE],
         &cells[VERIFY_DESTINATION]);
}

void verify_column_add_one(struct verify_column *column, enum verify_side side,
                           const struct hbase_cell *cell, bool is_hidden)
{
    column->ncells[side]++;
    if (column->nunpaired[side] == VERIFY_MAX_UNPAIRED)
        tell_all(column);
    if (!column->unpaired[side])
        column->unpaired[side] =
            mem_alloc_array(VERIFY_MAX_UNPAIRED, sizeof(*column->unpaired[side]));

    struct verify_unpaired *added = &column->unpaired[side][column->nunpaired[side]++];
    added->timestamp_ms = cell->timestamp_ms;
    added->is_hidden = is_hidden;
    added->is_paired = false;
    read_value(cell, column->has_values, &added->value);
}

void verify_column_deinit(struct verify_column *column)
{
    for (int side = 0; side < VERIFY_NSIDES; side++)
        mem_free(column->unpaired[side]);
    buf_deinit(&column->family);
    buf_deinit(&column->qualifier);
    buf_deinit(&column->scratch);
}
