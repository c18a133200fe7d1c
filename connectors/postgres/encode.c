#include "connectors/postgres/encode.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"

enum {
    LENGTH_BYTES = 4,
    MAX_GROUPS = 12, /* of a numeric: 39 digits that are cut at the point, too, make 11 */
    MAX_SCALE = 38,
    FIXED_MAX_BYTES = LENGTH_BYTES + 8 + 2 * MAX_GROUPS, /* of a value that is no text */
    ROW_MAX_BYTES = 1 << 30,                             /* the server takes no longer ones */
    DAYS_TO_2000 = 10957,
};

static const int64_t US_TO_2000 = INT64_C(946684800000000);

/* A numeric is its sign and digits in groups of four, base 10000. */
enum {
    NUMERIC_NEGATIVE = 0x4000,
    NUMERIC_NAN = 0xc000,
    GROUP_DIGITS = 4,
};

static unsigned char *put_16(unsigned char *at, uint16_t value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
    return at + 2;
}

static unsigned char *put_32(unsigned char *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static unsigned char *put_64(unsigned char *at, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

/* Cuts the last n digits off *value and returns them. */
static uint16_t take_digits(uint128 *value, unsigned n)
{
    static const unsigned powers[] = {1, 10, 100, 1000, 10000};
    unsigned power = powers[n];
    uint16_t digits;

    if (*value <= UINT64_MAX) { /* a division of 128 bits takes a function of its own */
        uint64_t small = (uint64_t)*value;
        digits = (uint16_t)(small % power);
        *value = small / power;
        return digits;
    }
    digits = (uint16_t)(*value % power);
    *value /= power;
    return digits;
}

/*
 * Cuts value, with scale digits behind the point, into groups, the least significant first;
 * returns their number. The point lies between groups, so the last group behind it may have
 * to be filled up with zeros.
 */
static unsigned cut_groups(uint128 value, unsigned scale, uint16_t groups[MAX_GROUPS])
{
    static const uint16_t fill[] = {1, 1000, 100, 10};
    unsigned nleft = scale;
    unsigned n = 0;

    if (nleft % GROUP_DIGITS != 0) {
        unsigned ndigits = nleft % GROUP_DIGITS;
        groups[n++] = (uint16_t)(take_digits(&value, ndigits) * fill[ndigits]);
        nleft -= ndigits;
    }
    for (; nleft > 0; nleft -= GROUP_DIGITS)
        groups[n++] = take_digits(&value, GROUP_DIGITS);
    while (value != 0)
        groups[n++] = take_digits(&value, GROUP_DIGITS);
    return n;
}

static unsigned char *put_numeric(unsigned char *at, int128 unscaled, unsigned scale)
{
    uint128 value = unscaled < 0 ? -(uint128)unscaled : (uint128)unscaled;
    unsigned nbehind = (scale + GROUP_DIGITS - 1) / GROUP_DIGITS; /* groups behind the point */
    uint16_t groups[MAX_GROUPS];
    unsigned end = cut_groups(value, scale, groups);
    unsigned first = 0;

    while (end > 0 && groups[end - 1] == 0)
        end--;
    while (first < end && groups[first] == 0)
        first++;

    unsigned n = end - first;
    int weight = n > 0 ? (int)end - 1 - (int)nbehind : 0; /* the first group's power of 10000 */
    at = put_32(at, 8 + 2 * n);
    at = put_16(at, (uint16_t)n);
    at = put_16(at, (uint16_t)weight);
    at = put_16(at, unscaled < 0 ? NUMERIC_NEGATIVE : 0);
    at = put_16(at, (uint16_t)scale);
    while (end > first)
        at = put_16(at, groups[--end]);
    return at;
}

static unsigned char *put_decimal(unsigned char *at, const struct decimal *decimal)
{
    if (!decimal->is_nan)
        return decimal->scale <= MAX_SCALE ? put_numeric(at, decimal->unscaled, decimal->scale)
                                           : NULL;
    at = put_32(at, 8);
    at = put_16(at, 0);
    at = put_16(at, 0);
    at = put_16(at, NUMERIC_NAN);
    return put_16(at, 0);
}

static unsigned char *put_int2(unsigned char *at, int64_t value)
{
    if (value < INT16_MIN || value > INT16_MAX)
        return NULL;
    return put_16(put_32(at, 2), (uint16_t)value);
}

static unsigned char *put_int4(unsigned char *at, int64_t value)
{
    if (value < INT32_MIN || value > INT32_MAX)
        return NULL;
    return put_32(put_32(at, 4), (uint32_t)value);
}

static unsigned char *put_timestamp(unsigned char *at, int64_t us)
{
    /* The lowest and the highest number stand for infinity. */
    if (us <= INT64_MIN + US_TO_2000)
        return NULL;
    return put_64(put_32(at, 8), (uint64_t)(us - US_TO_2000));
}

static unsigned char *put_date(unsigned char *at, int64_t days)
{
    if (days <= (int64_t)INT32_MIN + DAYS_TO_2000 || days >= (int64_t)INT32_MAX + DAYS_TO_2000)
        return NULL;
    return put_int4(at, days - DAYS_TO_2000);
}

static unsigned char *put_int(enum pg_wire wire, unsigned char *at, int64_t value)
{
    switch (wire) {
    case PG_WIRE_BOOL:
        at = put_32(at, 1);
        *at = value != 0;
        return at + 1;
    case PG_WIRE_INT2:
        return put_int2(at, value);
    case PG_WIRE_INT4:
        return put_int4(at, value);
    case PG_WIRE_DATE:
        return put_date(at, value);
    case PG_WIRE_TIMESTAMP:
        return put_timestamp(at, value);
    case PG_WIRE_INT_NUMERIC:
        return put_numeric(at, value, 0);
    default:
        return put_64(put_32(at, 8), (uint64_t)value);
    }
}

static unsigned char *put_float4(unsigned char *at, double real)
{
    float value = (float)real;
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return put_32(put_32(at, 4), bits);
}

static unsigned char *put_float8(unsigned char *at, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return put_64(put_32(at, 8), bits);
}

static unsigned char *put_text(unsigned char *at, struct str text)
{
    at = put_32(at, (uint32_t)text.len);
    if (text.len > 0)
        memcpy(at, text.data, text.len);
    return at + text.len;
}

static unsigned char *put_jsonb(unsigned char *at, struct str text)
{
    unsigned char *end = put_text(at + 1, text);

    at = put_32(at, (uint32_t)text.len + 1);
    *at = 1; /* the version of the format, before the text */
    return end;
}

/* Writes a value and returns where it ends, or NULL if it is out of range. */
static unsigned char *put_value(enum pg_wire wire, const struct batch_column *column, size_t row,
                                unsigned char *at)
{
    switch (wire) {
    case PG_WIRE_FLOAT4:
        return put_float4(at, column->reals[row]);
    case PG_WIRE_FLOAT8:
        return put_float8(at, column->reals[row]);
    case PG_WIRE_NUMERIC:
        return put_decimal(at, &column->decimals[row]);
    case PG_WIRE_BYTES:
        return put_text(at, column->texts[row]);
    case PG_WIRE_JSONB:
        return put_jsonb(at, column->texts[row]);
    default:
        return put_int(wire, at, column->ints[row]);
    }
}

static bool is_text(enum pg_wire wire)
{
    return wire == PG_WIRE_BYTES || wire == PG_WIRE_JSONB;
}

/* Room that a row takes at most; SIZE_MAX and the column where that is too much. */
static size_t get_max_bytes(const struct pg_row_format *format, const struct batch *batch,
                            size_t row, size_t *ret_column)
{
    size_t n = 2 + (format->ncolumns + 1) * FIXED_MAX_BYTES;

    for (size_t i = 0; i < format->ncolumns; i++) {
        const struct batch_column *column = &batch->columns[i];

        if (!is_text(format->wires[i]) || column->is_null[row])
            continue;
        if (column->texts[row].len > ROW_MAX_BYTES - n) {
            *ret_column = i;
            return SIZE_MAX;
        }
        n += column->texts[row].len;
    }
    return n;
}

void pg_encode_header(struct buf *ret)
{
    /* The signature, then no flags and no header extension. */
    static const char header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";

    buf_append(ret, header, sizeof(header));
}

void pg_encode_trailer(struct buf *ret)
{
    buf_append(ret, "\377\377", 2);
}

bool pg_encode_row(const struct pg_row_format *format, const struct batch *batch, size_t row,
                   struct buf *ret, size_t *ret_column)
{
    assert(batch->ncolumns == format->ncolumns && row < batch->nrows);
    size_t max_bytes = get_max_bytes(format, batch, row, ret_column);
    if (max_bytes == SIZE_MAX)
        return false;
    unsigned char *start = buf_reserve(ret, max_bytes);
    assert(start); /* the buffer has no limit */
    unsigned char *at = put_16(start, (uint16_t)(format->ncolumns + format->has_row_number));
    for (size_t i = 0; i < format->ncolumns; i++) {
        const struct batch_column *column = &batch->columns[i];

        if (column->is_null[row]) {
            at = put_32(at, UINT32_MAX);
            continue;
        }
        at = put_value(format->wires[i], column, row, at);
        if (!at) {
            *ret_column = i;
            return false;
        }
    }
    if (format->has_row_number)
        at = put_64(put_32(at, 8), (uint64_t)batch->row_numbers[row]);
    ret->len += (size_t)(at - start);
    ret->data[ret->len] = '\0';
    return true;
}
