/*
 * tests/unit/connectors/test_postgres_encode.c - values in the binary format of COPY.
 *
 * The bytes are what the server's own send functions give (encode(numeric_send('1.10'),
 * 'hex') and the like).
 */
#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "connectors/postgres/encode.h"
#include "tests/harness/test.h"

/* One row with one value that is not null; the union is filled by the caller. */
struct one {
    struct batch batch;
    struct batch_column column;
    bool is_null;
    int64_t row_number;
    int64_t number;
    double real;
    struct decimal decimal;
    struct str text;
    char hex[200];
};

static void one_init(struct one *one)
{
    *one = (struct one){.row_number = 7};
    one->batch = (struct batch){
        .columns = &one->column, .ncolumns = 1, .nrows = 1, .row_numbers = &one->row_number};
    one->column.is_null = &one->is_null;
}

/* The row in hex; "out of range" if it cannot be written. */
static const char *encode(struct one *one, enum pg_wire wire, bool has_row_number)
{
    struct pg_row_format format = {.wires = &wire, .ncolumns = 1, .has_row_number = has_row_number};
    struct buf out = {0};
    size_t column = 99;

    (void)snprintf(one->hex, sizeof(one->hex), "out of range");
    bool is_done = pg_encode_row(&format, &one->batch, 0, &out, &column);
    check(is_done || (column == 0 && out.len == 0));
    for (size_t i = 0; i < out.len; i++)
        (void)snprintf(one->hex + 2 * i, 3, "%02x", (unsigned char)out.data[i]);
    buf_deinit(&out);
    return one->hex;
}

/*
 * Of a row of one value: what is behind the count and the length, which have to be right.
 */
static const char *encode_value(struct one *one, enum pg_wire wire)
{
    const char *hex = encode(one, wire, false);
    char expected[24];
    size_t len = strlen(hex);

    if (len < 12 || strcmp(hex, "out of range") == 0)
        return hex;
    (void)snprintf(expected, sizeof(expected), "0001%08zx", (len - 12) / 2);
    check(strncmp(hex, expected, 12) == 0);
    return hex + 12;
}

static const char *encode_int(enum pg_wire wire, int64_t number)
{
    static struct one one;

    one_init(&one);
    one.number = number;
    one.column.ints = &one.number;
    return encode_value(&one, wire);
}

static const char *encode_real(enum pg_wire wire, double real)
{
    static struct one one;

    one_init(&one);
    one.real = real;
    one.column.reals = &one.real;
    return encode_value(&one, wire);
}

static const char *encode_decimal(struct decimal decimal)
{
    static struct one one;

    one_init(&one);
    one.decimal = decimal;
    one.column.decimals = &one.decimal;
    return encode_value(&one, PG_WIRE_NUMERIC);
}

static const char *encode_text(enum pg_wire wire, struct str text)
{
    static struct one one;

    one_init(&one);
    one.text = text;
    one.column.texts = &one.text;
    return encode_value(&one, wire);
}

test(whole_numbers_are_in_network_order)
{
    check_str(encode_int(PG_WIRE_BOOL, 0), "00");
    check_str(encode_int(PG_WIRE_BOOL, 1), "01");
    check_str(encode_int(PG_WIRE_INT2, 300), "012c");
    check_str(encode_int(PG_WIRE_INT2, INT16_MIN), "8000");
    check_str(encode_int(PG_WIRE_INT4, 123456), "0001e240");
    check_str(encode_int(PG_WIRE_INT4, INT32_MIN), "80000000");
    check_str(encode_int(PG_WIRE_INT8, -2), "fffffffffffffffe");
    check_str(encode_int(PG_WIRE_INT8, INT64_C(1573560272951)), "0000016e5f804837");
}

test(whole_numbers_that_do_not_fit_are_told)
{
    check_str(encode_int(PG_WIRE_INT2, 32768), "out of range");
    check_str(encode_int(PG_WIRE_INT2, -32769), "out of range");
    check_str(encode_int(PG_WIRE_INT4, INT64_C(2147483648)), "out of range");
    check_str(encode_int(PG_WIRE_INT4, INT64_C(-2147483649)), "out of range");
}

test(reals_are_their_bits)
{
    check_str(encode_real(PG_WIRE_FLOAT8, 3.14), "40091eb851eb851f");
    check_str(encode_real(PG_WIRE_FLOAT8, -0.0), "8000000000000000");
    check_str(encode_real(PG_WIRE_FLOAT8, (double)INFINITY), "7ff0000000000000");
    check_str(encode_real(PG_WIRE_FLOAT4, 1.5), "3fc00000");
    check_str(encode_real(PG_WIRE_FLOAT4, -2.25), "c0100000");
}

test(days_and_times_count_from_2000)
{
    check_str(encode_int(PG_WIRE_DATE, 0), "ffffd533");     /* 1970-01-01 */
    check_str(encode_int(PG_WIRE_DATE, 10957), "00000000"); /* 2000-01-01 */
    check_str(encode_int(PG_WIRE_DATE, 19782), "00002279"); /* 2024-02-29 */
    check_str(encode_int(PG_WIRE_TIMESTAMP, 0), "fffca2fec4c82000");
    check_str(encode_int(PG_WIRE_TIMESTAMP, INT64_C(1573560272951000)), "00023a23d1e236d8");
}

test(days_and_times_never_become_infinite)
{
    check_str(encode_int(PG_WIRE_DATE, INT64_C(-2147483648) + 10957), "out of range");
    check_str(encode_int(PG_WIRE_DATE, INT64_C(-2147483647) + 10957), "80000001");
    check_str(encode_int(PG_WIRE_DATE, INT64_C(2147483647) + 10957), "out of range");
    check_str(encode_int(PG_WIRE_DATE, INT64_MAX), "out of range");
    check_str(encode_int(PG_WIRE_TIMESTAMP, INT64_MIN), "out of range");
    check_str(encode_int(PG_WIRE_TIMESTAMP, INT64_MIN + INT64_C(946684800000000)), "out of range");
    check_str(encode_int(PG_WIRE_TIMESTAMP, INT64_MIN + INT64_C(946684800000001)),
              "8000000000000001");
}

test(numerics_are_groups_of_four_digits)
{
    static const struct {
        int64_t unscaled;
        uint8_t scale;
        const char *hex;
    } cases[] = {
        {0, 0, "0000000000000000"},
        {0, 2, "0000000000000002"},
        {1, 0, "00010000000000000001"},
        {-1, 0, "00010000400000000001"},
        {10000, 0, "00010001000000000001"},
        {INT64_C(10000000000000000), 0, "00010004000000000001"},
        {12345, 2, "0002000000000002007b1194"},
        {-12345, 2, "0002000040000002007b1194"},
        {1, 6, "0001fffe000000060064"},
        {110, 2, "0002000000000002000103e8"},
        {INT64_C(9999999999), 2, "0003000100000002270f270f26ac"},
        {9999, 4, "0001ffff00000004270f"},
        {10000, 4, "00010000000000040001"},
        {100000, 1, "00010001000000010001"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_str(encode_decimal((struct decimal){cases[i].unscaled, cases[i].scale, false}),
                  cases[i].hex);
}

test(numerics_of_38_digits_are_exact)
{
    int128 most = 1;

    for (int i = 0; i < 38; i++)
        most *= 10;
    most--;
    check_str(encode_decimal((struct decimal){most, 0, false}),
              "000a0009000000000063270f270f270f270f270f270f270f270f270f");
    check_str(encode_decimal((struct decimal){-most, 38, false}),
              "000affff40000026270f270f270f270f270f270f270f270f270f26ac");
    check_str(encode_decimal((struct decimal){most, 37, false}),
              "000b000000000025"
              "0009"
              "270f270f270f270f270f270f270f270f270f"
              "2328");
    check_str(encode_decimal((struct decimal){1, 38, false}), "0001fff6000000260064");
    check_str(encode_decimal((struct decimal){1, 39, false}), "out of range");
}

test(numerics_may_be_no_number)
{
    check_str(encode_decimal((struct decimal){.is_nan = true}), "00000000c0000000");
}

test(whole_numbers_become_numerics)
{
    check_str(encode_int(PG_WIRE_INT_NUMERIC, 10000), "00010001000000000001");
    check_str(encode_int(PG_WIRE_INT_NUMERIC, INT64_MIN), "0005000440000000039a0d2c0170156516b0");
}

test(texts_are_as_they_are)
{
    check_str(encode_text(PG_WIRE_BYTES, str_from("")), "");
    check_str(encode_text(PG_WIRE_BYTES, str_from("a\xe4\xb8\xad")), "61e4b8ad");
    check_str(encode_text(PG_WIRE_BYTES, str_from_bytes("\0\xff", 2)), "00ff");
    check_str(encode_text(PG_WIRE_JSONB, str_from("{\"a\": 1}")), "017b2261223a20317d");
}

test(null_is_a_length_of_minus_one)
{
    static struct one one;

    one_init(&one);
    one.is_null = true;
    check_str(encode(&one, PG_WIRE_INT4, false), "0001ffffffff");
}

test(the_row_number_is_one_more_column)
{
    static struct one one;

    one_init(&one);
    one.is_null = true;
    check_str(encode(&one, PG_WIRE_INT4, true), "0002ffffffff"
                                                "000000080000000000000007");
}

test(a_stream_has_a_signature_and_an_end)
{
    struct buf out = {0};

    pg_encode_header(&out);
    check_int(out.len, 19);
    check(memcmp(out.data, "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19) == 0);
    buf_clear(&out);
    pg_encode_trailer(&out);
    check(str_is(buf_get(&out), "\377\377"));
    buf_deinit(&out);
}
