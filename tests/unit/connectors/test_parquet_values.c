/*
 * tests/unit/connectors/test_parquet_values.c - what becomes of Parquet's types in columns of each type.
 */
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "tests/harness/test.h"
#include "tests/unit/connectors/parquet_fixture.h"

struct value_case {
    const char *sql; /* one value */
    enum column_type type;
    const char *expected; /* as the fixture writes it; or what is wrong with it */
    unsigned max_chars, precision, scale;
};

/* Reads one value; what came is in *ret as "1|value\n". */
static struct status read_one(const struct value_case *item, struct buf *ret,
                              struct buf *ret_bad_rows)
{
    const struct target_column column = {
        .source = "x",
        .type = item->type,
        .is_nullable = true,
        .max_chars = item->max_chars,
        .precision = item->precision,
        .scale = item->scale,
    };
    struct parquet_fixture fixture;
    char select[512];

    parquet_fixture_open(&fixture, &column, 1);
    (void)snprintf(select, sizeof(select), "SELECT %s AS x", item->sql);
    parquet_fixture_write(&fixture, "x.parquet", select, "");
    struct status st = parquet_fixture_read_all(&fixture, ret);
    buf_append_str(ret_bad_rows, buf_get(&fixture.bad_rows));
    parquet_fixture_close(&fixture);
    return st;
}

static void check_values(const struct value_case *cases, size_t ncases)
{
    for (size_t i = 0; i < ncases; i++) {
        struct buf got = {0};
        struct buf bad = {0};
        char expected[512];

        (void)snprintf(expected, sizeof(expected), "1|%s\n", cases[i].expected);
        check_status(read_one(&cases[i], &got, &bad), STATUS_OK);
        check_str(buf_get_text(&got), expected);
        check_str(buf_get_text(&bad), "");
        buf_deinit(&got);
        buf_deinit(&bad);
    }
}

static void check_bad_values(const struct value_case *cases, size_t ncases)
{
    for (size_t i = 0; i < ncases; i++) {
        struct buf got = {0};
        struct buf bad = {0};
        char expected[512];

        (void)snprintf(expected, sizeof(expected), "x.parquet:1 x: %s\n", cases[i].expected);
        check_status(read_one(&cases[i], &got, &bad), STATUS_OK);
        check_str(buf_get_text(&got), "");
        check_str(buf_get_text(&bad), expected);
        buf_deinit(&got);
        buf_deinit(&bad);
    }
}

test(parquet_whole_numbers_keep_their_value)
{
    static const struct value_case cases[] = {
        {"(-128)::TINYINT", COLUMN_BYTE, "-128", 0, 0, 0},
        {"127::TINYINT", COLUMN_LONG, "127", 0, 0, 0},
        {"(-32768)::SMALLINT", COLUMN_SHORT, "-32768", 0, 0, 0},
        {"(-2147483648)::INTEGER", COLUMN_INT, "-2147483648", 0, 0, 0},
        {"100::BIGINT", COLUMN_BYTE, "100", 0, 0, 0},
        {"9223372036854775807::BIGINT", COLUMN_LONG, "9223372036854775807", 0, 0, 0},
        {"255::UTINYINT", COLUMN_SHORT, "255", 0, 0, 0},
        {"65535::USMALLINT", COLUMN_INT, "65535", 0, 0, 0},
        {"4294967295::UINTEGER", COLUMN_LONG, "4294967295", 0, 0, 0},
        {"9223372036854775807::UBIGINT", COLUMN_LONG, "9223372036854775807", 0, 0, 0},
        {"18446744073709551615::UBIGINT", COLUMN_DECIMAL, "18446744073709551615e-0", 0, 0, 0},
        {"18446744073709551615::UBIGINT", COLUMN_STRING, "18446744073709551615", 0, 0, 0},
        {"3::INTEGER", COLUMN_FLOAT, "3", 0, 0, 0},
        {"(-9007199254740992)::BIGINT", COLUMN_DOUBLE, "-9007199254740992", 0, 0, 0},
        {"7::INTEGER", COLUMN_DECIMAL, "7e-0", 0, 5, 2},
        {"(-42)::INTEGER", COLUMN_STRING, "-42", 0, 0, 0},
    };

    if (parquet_fixture_can_run())
        check_values(cases, ARRAY_LEN(cases));
}

test(parquet_whole_numbers_beyond_the_type_are_bad)
{
    static const struct value_case cases[] = {
        {"300", COLUMN_BYTE, "'300' is not a BYTE (-128 to 127) [300]", 0, 0, 0},
        {"(-129)", COLUMN_BYTE, "'-129' is not a BYTE (-128 to 127) [-129]", 0, 0, 0},
        {"40000", COLUMN_SHORT, "'40000' is not a SHORT (-32768 to 32767) [40000]", 0, 0, 0},
        {"2147483648::BIGINT", COLUMN_INT,
         "'2147483648' is not an INT (-2147483648 to 2147483647) [2147483648]", 0, 0, 0},
        {"9223372036854775808::UBIGINT", COLUMN_LONG,
         "'9223372036854775808' is not a LONG (-9223372036854775808 to 9223372036854775807)"
         " [9223372036854775808]",
         0, 0, 0},
        {"1000", COLUMN_DECIMAL, "'1000' is beyond a DECIMAL(5,2) [1000]", 0, 5, 2},
        {"12345", COLUMN_STRING, "'12345' has 5 characters, but at most 4 fit [12345]", 4, 0, 0},
    };

    if (parquet_fixture_can_run())
        check_bad_values(cases, ARRAY_LEN(cases));
}

test(parquet_reals_keep_their_value)
{
    static const struct value_case cases[] = {
        {"0.1::DOUBLE", COLUMN_DOUBLE, "0.10000000000000001", 0, 0, 0},
        {"0.1::DOUBLE", COLUMN_FLOAT, "0.10000000149011612", 0, 0, 0},
        {"0.1::FLOAT", COLUMN_FLOAT, "0.10000000149011612", 0, 0, 0},
        {"0.1::FLOAT", COLUMN_DOUBLE, "0.10000000149011612", 0, 0, 0},
        {"'nan'::DOUBLE", COLUMN_FLOAT, "nan", 0, 0, 0},
        {"'-inf'::DOUBLE", COLUMN_FLOAT, "-inf", 0, 0, 0},
        {"12.0::DOUBLE", COLUMN_INT, "12", 0, 0, 0},
        {"(-9223372036854775808)::DOUBLE", COLUMN_LONG, "-9223372036854775808", 0, 0, 0},
        {"0.1::DOUBLE", COLUMN_DECIMAL, "1e-1", 0, 0, 0},
        {"0.1::FLOAT", COLUMN_DECIMAL, "1e-1", 0, 0, 0},
        {"2.5::DOUBLE", COLUMN_DECIMAL, "3e-0", 0, 5, 0},
        {"'nan'::DOUBLE", COLUMN_DECIMAL, "NaN", 0, 0, 0},
        {"0.1::DOUBLE", COLUMN_STRING, "0.1", 0, 0, 0},
        {"0.1::FLOAT", COLUMN_STRING, "0.1", 0, 0, 0},
        {"1e300::DOUBLE", COLUMN_STRING, "1e+300", 0, 0, 0},
        {"'inf'::FLOAT", COLUMN_STRING, "Infinity", 0, 0, 0},
        {"0.30000000000000004::DOUBLE", COLUMN_STRING, "0.30000000000000004", 0, 0, 0},
    };

    if (parquet_fixture_can_run())
        check_values(cases, ARRAY_LEN(cases));
}

test(parquet_reals_that_lose_their_value_are_bad)
{
    static const struct value_case cases[] = {
        {"12.5::DOUBLE", COLUMN_INT, "'12.5' is not an INT (-2147483648 to 2147483647) [12.5]", 0,
         0, 0},
        {"9223372036854775808::DOUBLE", COLUMN_LONG,
         "'9.223372036854776e+18' is not a LONG (-9223372036854775808 to 9223372036854775807)"
         " [9.223372036854776e+18]",
         0, 0, 0},
        {"'nan'::DOUBLE", COLUMN_SHORT, "'NaN' is not a SHORT (-32768 to 32767) [NaN]", 0, 0, 0},
        {"1e39::DOUBLE", COLUMN_FLOAT, "'1e+39' is not a FLOAT (at most 3.4e38) [1e+39]", 0, 0, 0},
        {"'inf'::DOUBLE", COLUMN_DECIMAL, "'Infinity' is not a DECIMAL [Infinity]", 0, 0, 0},
        {"1e39::DOUBLE", COLUMN_DECIMAL, "'1e+39' is beyond a DECIMAL of 38 digits [1e+39]", 0, 0,
         0},
    };

    if (parquet_fixture_can_run())
        check_bad_values(cases, ARRAY_LEN(cases));
}

test(parquet_decimals_are_exact_in_all_four_widths)
{
    static const struct value_case cases[] = {
        {"(-12.5)::DECIMAL(4,1)", COLUMN_DECIMAL, "-125e-1", 0, 0, 0},
        {"12.50::DECIMAL(9,2)", COLUMN_DECIMAL, "1250e-2", 0, 0, 0},
        {"123456789012.345678::DECIMAL(18,6)", COLUMN_DECIMAL, "123456789012345678e-6", 0, 0, 0},
        {"(-99999999999999999999999999999999999999)::DECIMAL(38,0)", COLUMN_DECIMAL,
         "-99999999999999999999999999999999999999e-0", 0, 0, 0},
        {"0.00000000000000000000000000000000000001::DECIMAL(38,38)", COLUMN_DECIMAL, "1e-38", 0, 0,
         0},
        {"12.345::DECIMAL(9,3)", COLUMN_DECIMAL, "1235e-2", 0, 10, 2},
        {"(-12.345)::DECIMAL(9,3)", COLUMN_DECIMAL, "-1235e-2", 0, 10, 2},
        {"12.00::DECIMAL(9,2)", COLUMN_BYTE, "12", 0, 0, 0},
        {"12.25::DECIMAL(9,2)", COLUMN_DOUBLE, "12.25", 0, 0, 0},
        {"0.1::DECIMAL(38,20)", COLUMN_FLOAT, "0.10000000149011612", 0, 0, 0},
        {"(-0.05)::DECIMAL(9,2)", COLUMN_STRING, "-0.05", 0, 0, 0},
        {"(-99999999999999999999999999999999999999)::DECIMAL(38,0)", COLUMN_STRING,
         "-99999999999999999999999999999999999999", 0, 0, 0},
        {"0::DECIMAL(38,38)", COLUMN_STRING, "0.00000000000000000000000000000000000000", 0, 0, 0},
    };

    if (parquet_fixture_can_run())
        check_values(cases, ARRAY_LEN(cases));
}

test(parquet_decimals_that_do_not_fit_are_bad)
{
    static const struct value_case cases[] = {
        {"123.45::DECIMAL(9,2)", COLUMN_DECIMAL, "'123.45' is beyond a DECIMAL(4,2) [123.45]", 0, 4,
         2},
        {"99.995::DECIMAL(9,3)", COLUMN_DECIMAL, "'99.995' is beyond a DECIMAL(4,2) [99.995]", 0, 4,
         2},
        {"12.50::DECIMAL(9,2)", COLUMN_INT,
         "'12.50' is not an INT (-2147483648 to 2147483647) [12.50]", 0, 0, 0},
        {"99999999999999999999::DECIMAL(38,0)", COLUMN_LONG,
         "'99999999999999999999' is not a LONG (-9223372036854775808 to 9223372036854775807)"
         " [99999999999999999999]",
         0, 0, 0},
    };

    if (parquet_fixture_can_run())
        check_bad_values(cases, ARRAY_LEN(cases));
}

test(parquet_texts_and_bytes)
{
    static const struct value_case cases[] = {
        {"'inlined'", COLUMN_STRING, "inlined", 0, 0, 0},
        {"'longer than what is inlined'", COLUMN_STRING, "longer than what is inlined", 0, 0, 0},
        {"''", COLUMN_STRING, "", 0, 0, 0},
        {"'Zo\xc3\xab \xf0\x9f\xa6\x86'", COLUMN_STRING, "Zo\xc3\xab \xf0\x9f\xa6\x86", 5, 0, 0},
        {"'Zo\xc3\xab'", COLUMN_VARBINARY, "5a6fc3ab", 0, 0, 0},
        {"'\\x00\\xFF\\x80'::BLOB", COLUMN_VARBINARY, "00ff80", 0, 0, 0},
        {"'abc'::BLOB", COLUMN_STRING, "abc", 0, 0, 0},
        {"'{\"a\": 1}'", COLUMN_JSON, "{\"a\": 1}", 0, 0, 0},
        {"'01234567-89ab-cdef-0123-456789abcdef'", COLUMN_UUID, "0123456789abcdef0123456789abcdef",
         0, 0, 0},
        {"'f1234567-89ab-cdef-0123-456789abcdef'::UUID", COLUMN_UUID,
         "f123456789abcdef0123456789abcdef", 0, 0, 0},
        {"'01234567-89ab-cdef-0123-456789abcdef'::UUID", COLUMN_STRING,
         "01234567-89ab-cdef-0123-456789abcdef", 0, 0, 0},
        {"true", COLUMN_BOOLEAN, "1", 0, 0, 0},
        {"false", COLUMN_BOOLEAN, "0", 0, 0, 0},
        {"true", COLUMN_STRING, "true", 0, 0, 0},
        {"'b'::ENUM('a', 'b')", COLUMN_STRING, "b", 0, 0, 0},
    };

    if (parquet_fixture_can_run())
        check_values(cases, ARRAY_LEN(cases));
}

test(parquet_texts_that_do_not_fit_are_bad)
{
    static const struct value_case cases[] = {
        {"'Zo\xc3\xab'", COLUMN_STRING,
         "'Zo\xc3\xab' has 3 characters, but at most 2 fit [Zo\xc3\xab]", 2, 0, 0},
        {"'\\xFF'::BLOB", COLUMN_STRING, "'?' is not UTF-8 [\xff]", 0, 0, 0},
        {"'{'", COLUMN_JSON, "'{' is not JSON [{]", 0, 0, 0},
        {"'1234'", COLUMN_UUID, "'1234' is not a UUID [1234]", 0, 0, 0},
    };

    if (parquet_fixture_can_run())
        check_bad_values(cases, ARRAY_LEN(cases));
}

test(parquet_days_and_times)
{
    static const struct value_case cases[] = {
        {"DATE '1969-12-31'", COLUMN_DATE, "-1", 0, 0, 0},
        {"DATE '0001-01-01'", COLUMN_DATE, "-719162", 0, 0, 0},
        {"DATE '9999-12-31'", COLUMN_DATE, "2932896", 0, 0, 0},
        {"DATE '1970-01-02'", COLUMN_TIMESTAMP, "86400000000", 0, 0, 0},
        {"DATE '2026-01-02'", COLUMN_STRING, "2026-01-02", 0, 0, 0},
        {"TIMESTAMP '1970-01-01 00:00:01.5'", COLUMN_TIMESTAMP, "1500000", 0, 0, 0},
        {"TIMESTAMP '1969-12-31 23:59:59.999999'", COLUMN_TIMESTAMPTZ, "-1", 0, 0, 0},
        {"TIMESTAMP_MS '1970-01-01 00:00:01.5'", COLUMN_TIMESTAMP, "1500000", 0, 0, 0},
        {"TIMESTAMP_S '1970-01-01 00:00:01'", COLUMN_TIMESTAMP, "1000000", 0, 0, 0},
        {"TIMESTAMP_NS '1970-01-01 00:00:00.000001499'", COLUMN_TIMESTAMP, "1", 0, 0, 0},
        {"TIMESTAMP_NS '1970-01-01 00:00:00.000001500'", COLUMN_TIMESTAMP, "2", 0, 0, 0},
        {"TIMESTAMPTZ '1970-01-01 02:00:00+01'", COLUMN_TIMESTAMPTZ, "3600000000", 0, 0, 0},
        {"TIMESTAMPTZ '1970-01-01 02:00:00+01'", COLUMN_TIMESTAMP, "3600000000", 0, 0, 0},
        {"TIMESTAMP '2026-01-02 03:04:05'", COLUMN_STRING, "2026-01-02 03:04:05", 0, 0, 0},
        {"TIMESTAMP '2026-01-02 03:04:05.678'", COLUMN_STRING, "2026-01-02 03:04:05.678", 0, 0, 0},
        {"TIMESTAMPTZ '2026-01-02 03:04:05+00'", COLUMN_STRING, "2026-01-02 03:04:05+00", 0, 0, 0},
    };

    if (parquet_fixture_can_run())
        check_values(cases, ARRAY_LEN(cases));
}

test(parquet_days_and_times_beyond_the_calendar_are_bad)
{
    static const struct value_case cases[] = {
        {"DATE '10000-01-01'", COLUMN_DATE,
         "'10000-01-01' is not a DATE (yyyy-MM-dd) [10000-01-01]", 0, 0, 0},
        {"'infinity'::DATE", COLUMN_DATE, "'infinity' is not a DATE (yyyy-MM-dd) [infinity]", 0, 0,
         0},
        {"DATE '5877642-06-25 (BC)'", COLUMN_TIMESTAMP,
         "'1970-01-01 and -2147483646 days' is not a TIMESTAMP (yyyy-MM-dd HH:mm:ss.ffffff)"
         " [1970-01-01 and -2147483646 days]",
         0, 0, 0},
        {"TIMESTAMP '10000-01-01 00:00:00'", COLUMN_TIMESTAMP,
         "'10000-01-01 00:00:00' is not a TIMESTAMP (yyyy-MM-dd HH:mm:ss.ffffff)"
         " [10000-01-01 00:00:00]",
         0, 0, 0},
        {"'-infinity'::TIMESTAMP", COLUMN_STRING, "'infinity' is not a STRING [infinity]", 0, 0, 0},
    };

    if (parquet_fixture_can_run())
        check_bad_values(cases, ARRAY_LEN(cases));
}

test(parquet_nulls_of_each_type)
{
    static const struct value_case cases[] = {
        {"NULL::BOOLEAN", COLUMN_BOOLEAN, "NULL", 0, 0, 0},
        {"NULL::INTEGER", COLUMN_BYTE, "NULL", 0, 0, 0},
        {"NULL::DOUBLE", COLUMN_DECIMAL, "NULL", 0, 0, 0},
        {"NULL::VARCHAR", COLUMN_STRING, "NULL", 0, 0, 0},
        {"NULL::DECIMAL(9,2)", COLUMN_DECIMAL, "NULL", 0, 0, 0},
        {"NULL::TIMESTAMP", COLUMN_TIMESTAMP, "NULL", 0, 0, 0},
        {"NULL::UUID", COLUMN_UUID, "NULL", 0, 0, 0},
    };

    if (parquet_fixture_can_run())
        check_values(cases, ARRAY_LEN(cases));
}

test(parquet_types_that_cannot_be_written_are_refused)
{
    static const struct value_case cases[] = {
        {"now()::TIMESTAMP", COLUMN_INT, "TIMESTAMP in Parquet and cannot be written as INT", 0, 0,
         0},
        {"now()", COLUMN_LONG, "TIMESTAMP WITH TIME ZONE in Parquet and cannot be written as LONG",
         0, 0, 0},
        {"'1'", COLUMN_INT, "VARCHAR in Parquet and cannot be written as INT", 0, 0, 0},
        {"1", COLUMN_BOOLEAN, "INTEGER in Parquet and cannot be written as BOOLEAN", 0, 0, 0},
        {"true", COLUMN_INT, "BOOLEAN in Parquet and cannot be written as INT", 0, 0, 0},
        {"1", COLUMN_VARBINARY, "INTEGER in Parquet and cannot be written as VARBINARY", 0, 0, 0},
        {"1.5::DECIMAL(9,2)", COLUMN_DATE, "DECIMAL in Parquet and cannot be written as DATE", 0, 0,
         0},
        {"[1, 2]", COLUMN_STRING, "LIST in Parquet and cannot be written as STRING", 0, 0, 0},
        {"{'a': 1}", COLUMN_STRING, "a struct in Parquet and cannot be written as STRING", 0, 0, 0},
        {"MAP {'a': 1}", COLUMN_STRING, "MAP in Parquet and cannot be written as STRING", 0, 0, 0},
        {"TIME '01:02:03'", COLUMN_STRING, "TIME in Parquet and cannot be written as STRING", 0, 0,
         0},
    };

    if (!parquet_fixture_can_run())
        return;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf got = {0};
        struct buf bad = {0};
        char expected[512];
        struct status st = read_one(&cases[i], &got, &bad);

        (void)snprintf(expected, sizeof(expected), "column 'x' of file 'x.parquet' is %s",
                       cases[i].expected);
        check_status(st, STATUS_INVALID_ARGUMENT);
        check_str(st.text, expected);
        buf_deinit(&got);
        buf_deinit(&bad);
    }
}
