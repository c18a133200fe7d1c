#include "connectors/hbase/hbase_encode.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { LONG_BYTES = 8, INT128_BYTES = 16 };

/* The last nbytes bytes of number, big-endian. */
static void append_number(struct buf *out, uint64_t number, size_t nbytes)
{
    for (size_t i = nbytes; i > 0; i--)
        buf_append_char(out, (char)(uint8_t)(number >> (8 * (i - 1))));
}

/* Java has one NaN; others may come out of files. */
static void append_float(struct buf *out, double value)
{
    float narrow = (float)value;
    uint32_t bits = 0x7fc00000;

    if (!isnan(narrow))
        memcpy(&bits, &narrow, sizeof(bits));
    append_number(out, bits, sizeof(bits));
}

static void append_double(struct buf *out, double value)
{
    uint64_t bits = UINT64_C(0x7ff8000000000000);

    if (!isnan(value))
        memcpy(&bits, &value, sizeof(bits));
    append_number(out, bits, sizeof(bits));
}

/* As java.math.BigInteger.toByteArray: without leading bytes that only repeat the sign. */
static void append_decimal(struct buf *out, const struct decimal *value)
{
    unsigned char bytes[INT128_BYTES];
    uint128 number = (uint128)value->unscaled;
    size_t first = 0;

    for (size_t i = INT128_BYTES; i > 0; i--) {
        bytes[i - 1] = (unsigned char)number;
        number >>= 8;
    }
    while (first + 1 < INT128_BYTES && ((bytes[first] == 0 && bytes[first + 1] < 0x80) ||
                                        (bytes[first] == 0xff && bytes[first + 1] >= 0x80)))
        first++;
    append_number(out, value->scale, sizeof(int32_t));
    buf_append(out, bytes + first, INT128_BYTES - first);
}

const char *hbase_encode(const struct batch_column *column, size_t row, struct buf *out)
{
    static const size_t int_bytes[] = {
        [COLUMN_BYTE] = 1, [COLUMN_SHORT] = 2, [COLUMN_INT] = 4, [COLUMN_LONG] = LONG_BYTES};

    switch (column->type) {
    case COLUMN_BOOLEAN:
        append_number(out, column->ints[row] != 0 ? 0xff : 0, 1);
        return NULL;
    case COLUMN_BYTE:
    case COLUMN_SHORT:
    case COLUMN_INT:
    case COLUMN_LONG:
        append_number(out, (uint64_t)column->ints[row], int_bytes[column->type]);
        return NULL;
    case COLUMN_FLOAT:
        append_float(out, column->reals[row]);
        return NULL;
    case COLUMN_DOUBLE:
        append_double(out, column->reals[row]);
        return NULL;
    case COLUMN_DECIMAL:
        if (column->decimals[row].is_nan)
            return "NaN is no DECIMAL in HBase";
        append_decimal(out, &column->decimals[row]);
        return NULL;
    default:
        assert(column->type == COLUMN_STRING || column->type == COLUMN_VARBINARY);
        buf_append_str(out, column->texts[row]);
        return NULL;
    }
}
