#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "connectors/hbase/hbase_encode.h"
#include "tests/harness/test.h"

/* One value in a column of its own. */
static void check_encoded(struct batch_column column, const char *hex)
{
    bool is_null = false;
    struct buf out = {0}, text = {0};

    column.is_null = &is_null;
    check(!hbase_encode(&column, 0, &out));
    for (size_t i = 0; i < out.len; i++)
        buf_printf(&text, "%02x", (unsigned)(uint8_t)out.data[i]);
    check_str(buf_get_text(&text), hex);
    buf_deinit(&out);
    buf_deinit(&text);
}

/* The vectors are what org.apache.hadoop.hbase.util.Bytes.toBytes gives. */

test(whole_numbers_are_big_endian_with_their_sign)
{
    static const struct {
        enum column_type type;
        int64_t value;
        const char *hex;
    } cases[] = {
        {COLUMN_BOOLEAN, 1, "ff"},
        {COLUMN_BOOLEAN, 0, "00"},
        {COLUMN_BYTE, -128, "80"},
        {COLUMN_BYTE, 127, "7f"},
        {COLUMN_SHORT, 1, "0001"},
        {COLUMN_SHORT, 300, "012c"},
        {COLUMN_SHORT, -1, "ffff"},
        {COLUMN_INT, 0, "00000000"},
        {COLUMN_INT, 1, "00000001"},
        {COLUMN_INT, 123456, "0001e240"},
        {COLUMN_INT, -1, "ffffffff"},
        {COLUMN_INT, INT32_MIN, "80000000"},
        {COLUMN_LONG, 1, "0000000000000001"},
        {COLUMN_LONG, -2, "fffffffffffffffe"},
        {COLUMN_LONG, INT64_C(1573560272951), "0000016e5f804837"},
        {COLUMN_LONG, INT64_MIN, "8000000000000000"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t value = cases[i].value;
        check_encoded((struct batch_column){.type = cases[i].type, .ints = &value}, cases[i].hex);
    }
}

test(reals_are_their_raw_bits_and_there_is_one_nan)
{
    static const struct {
        enum column_type type;
        double value;
        const char *hex;
    } cases[] = {
        {COLUMN_FLOAT, 1.5, "3fc00000"},
        {COLUMN_FLOAT, -2.25, "c0100000"},
        {COLUMN_FLOAT, (double)INFINITY, "7f800000"},
        {COLUMN_FLOAT, (double)NAN, "7fc00000"},
        {COLUMN_DOUBLE, 1.5, "3ff8000000000000"},
        {COLUMN_DOUBLE, 3.14, "40091eb851eb851f"},
        {COLUMN_DOUBLE, -0.0, "8000000000000000"},
        {COLUMN_DOUBLE, (double)NAN, "7ff8000000000000"},
        {COLUMN_DOUBLE, -(double)NAN, "7ff8000000000000"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double value = cases[i].value;
        check_encoded((struct batch_column){.type = cases[i].type, .reals = &value}, cases[i].hex);
    }
}

test(decimals_are_a_scale_and_as_few_bytes_as_it_takes)
{
    const struct {
        int128 unscaled;
        uint8_t scale;
        const char *hex;
    } cases[] = {
        {0, 0, "0000000000"},        {1, 0, "0000000001"},
        {-1, 0, "00000000ff"},       {127, 0, "000000007f"},
        {128, 0, "000000000080"},    {-128, 0, "0000000080"},
        {-129, 0, "00000000ff7f"},   {255, 0, "0000000000ff"},
        {256, 0, "000000000100"},    {12345, 2, "000000023039"},
        {-12345, 2, "00000002cfc7"}, {0, 2, "0000000200"},
        {-1, 6, "00000006ff"},       {(int128)1 << 96, 0, "0000000001000000000000000000000000"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct decimal value = {.unscaled = cases[i].unscaled, .scale = cases[i].scale};
        check_encoded((struct batch_column){.type = COLUMN_DECIMAL, .decimals = &value},
                      cases[i].hex);
    }
}

test(a_decimal_that_is_no_number_is_refused)
{
    struct decimal value = {.is_nan = true};
    const struct batch_column column = {.type = COLUMN_DECIMAL, .decimals = &value};
    struct buf out = {0};

    check_str(hbase_encode(&column, 0, &out), "NaN is no DECIMAL in HBase");
    check_int(out.len, 0);
    buf_deinit(&out);
}

test(texts_and_bytes_are_as_they_are)
{
    struct str text = str_from("\xe4\xb8\xad\x61"), empty = {0}, bytes = {"\0\xff", 2};

    check_encoded((struct batch_column){.type = COLUMN_STRING, .texts = &text}, "e4b8ad61");
    check_encoded((struct batch_column){.type = COLUMN_STRING, .texts = &empty}, "");
    check_encoded((struct batch_column){.type = COLUMN_VARBINARY, .texts = &bytes}, "00ff");
}
