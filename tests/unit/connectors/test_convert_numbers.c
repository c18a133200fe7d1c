/* tests/unit/connectors/test_convert_numbers.c - text as real numbers and decimals. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "connectors/convert/convert.h"
#include "connectors/convert/real.h"
#include "tests/harness/test.h"
#include "tests/unit/connectors/convert_fixture.h"

#define NOT_A_DOUBLE "is not a DOUBLE (at most 1.8e308)"

test(convert_reads_doubles)
{
    static const struct target_column column = {.type = COLUMN_DOUBLE};
    static const struct convert_case cases[] = {
        {"0", "0"},
        {"-0", "-0"},
        {"1.5", "1.5"},
        {".5", "0.5"},
        {"5.", "5"},
        {"-1e3", "-1000"},
        {"+1E-2", "0.01"},
        {" 2 ", "2"},
        {"0.1", "0.10000000000000001"},
        {"123456789012345678", "1.2345678901234568e+17"},
        {"9007199254740993", "9007199254740992"},
        {"9007199254740993.0000000000000001", "9007199254740994"},
        {"1.7976931348623157e308", "1.7976931348623157e+308"},
        {"4.9e-324", "4.9406564584124654e-324"},
        {"1e-400", "0"},
        {"0e999999999999", "0"},
        {"NaN", "nan"},
        {"-infinity", "-inf"},
        {"Inf", "inf"},
        {"1.8e308", "'1.8e308' " NOT_A_DOUBLE},
        {"1e999999999999", "'1e999999999999' " NOT_A_DOUBLE},
        {"1,5", "'1,5' " NOT_A_DOUBLE},
        {"0x1p3", "'0x1p3' " NOT_A_DOUBLE},
        {"1e", "'1e' " NOT_A_DOUBLE},
        {"1e+", "'1e+' " NOT_A_DOUBLE},
        {"e5", "'e5' " NOT_A_DOUBLE},
        {".", "'.' " NOT_A_DOUBLE},
        {"1.2.3", "'1.2.3' " NOT_A_DOUBLE},
        {"1f", "'1f' " NOT_A_DOUBLE},
        {"nan(1)", "'nan(1)' " NOT_A_DOUBLE},
        {"", "'' " NOT_A_DOUBLE},
    };

    convert_fixture_check(&column, cases, ARRAY_LEN(cases));
}

test(convert_reads_floats)
{
    static const struct target_column column = {.type = COLUMN_FLOAT};
    static const struct convert_case cases[] = {
        {"0.1", "0.10000000149011612"},
        {"16777217", "16777216"},
        {"16777217.0000000001", "16777218"},
        {"3.4028235e38", "3.4028234663852886e+38"},
        {"1e-45", "1.4012984643248171e-45"},
        {"-Infinity", "-inf"},
        {"3.5e38", "'3.5e38' is not a FLOAT (at most 3.4e38)"},
        {"x", "'x' is not a FLOAT (at most 3.4e38)"},
    };

    convert_fixture_check(&column, cases, ARRAY_LEN(cases));
}

static uint64_t draw(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Texts of all lengths and sizes, most of them where the fast way ends. */
static void draw_real(uint64_t *seed, char ret[64])
{
    static const uint64_t limits[] = {1000, 1ull << 53, 10000000000000000000ull, UINT64_MAX};
    uint64_t digits = draw(seed) % limits[draw(seed) % ARRAY_LEN(limits)];
    int exponent = (int)(draw(seed) % 50) - 25;
    double real;

    switch (draw(seed) % 4) {
    case 0:
        memcpy(&real, seed, sizeof(real));
        snprintf(ret, 64, "%.17g", isfinite(real) ? real : 0.5);
        return;
    case 1:
        snprintf(ret, 64, "%.17g", (double)(int64_t)digits / 7000);
        return;
    case 2:
        snprintf(ret, 64, "%" PRIu64 ".%" PRIu64, digits % 1000000, draw(seed) % 1000000000000);
        return;
    default:
        snprintf(ret, 64, "%" PRIu64 "e%d", digits, exponent);
    }
}

test(convert_reads_the_nearest_real)
{
    uint64_t seed = 4711;
    char text[64];
    unsigned nwrong = 0;

    for (unsigned i = 0; i < 300000; i++) {
        double value = -1;
        draw_real(&seed, text);
        nwrong += !real_read_double(str_from(text), &value) || value != strtod(text, NULL);
        float narrow = strtof(text, NULL);
        if (real_read_float(str_from(text), &value))
            nwrong += value != (double)narrow;
        else
            nwrong += !isinf(narrow);
    }
    check_int(nwrong, 0);
}

test(convert_keeps_decimals_as_they_are_written)
{
    static const struct target_column column = {.type = COLUMN_DECIMAL};
    static const struct convert_case cases[] = {
        {"0", "0/0"},
        {"0.00", "0/2"},
        {"-1.50", "-150/2"},
        {".5", "5/1"},
        {"5.", "5/0"},
        {"1e3", "1000/0"},
        {"1.5e3", "1500/0"},
        {"1.5e-3", "15/4"},
        {"150e-2", "150/2"},
        {"NaN", "NaN"},
        {"12345678901234567890.5", "123456789012345678905/1"},
        {"99999999999999999999999999999999999999", "99999999999999999999999999999999999999/0"},
        {"-0.99999999999999999999999999999999999999", "-99999999999999999999999999999999999999/38"},
        {"000000000000000000000000000000000000000000001.5", "15/1"},
        {"1e37", "10000000000000000000000000000000000000/0"},
        {"1e-38", "1/38"},
        {"0e999999999", "0/0"},
        {"1e38", "'1e38' is beyond a DECIMAL of 38 digits"},
        {"1e-39", "'1e-39' is beyond a DECIMAL of 38 digits"},
        {"1e999999999999999999999", "'1e999999999999999999999' is beyond a DECIMAL of 38 digits"},
        {"100000000000000000000000000000000000000",
         "'100000000000000000000000000000000000000' is beyond a DECIMAL of 38 digits"},
        {"1.00000000000000000000000000000000000000",
         "'1.00000000000000000000000000000000000000' is beyond a DECIMAL of 38 digits"},
        {"Infinity", "'Infinity' is not a DECIMAL"},
        {"1,5", "'1,5' is not a DECIMAL"},
        {"", "'' is not a DECIMAL"},
        {"-", "'-' is not a DECIMAL"},
    };

    convert_fixture_check(&column, cases, ARRAY_LEN(cases));
}

test(convert_rounds_decimals_to_their_column)
{
    static const struct target_column column = {.type = COLUMN_DECIMAL, .precision = 6, .scale = 2};
    static const struct convert_case cases[] = {
        {"1.5", "15/1"},
        {"1.234", "123/2"},
        {"1.235", "124/2"},
        {"-1.235", "-124/2"},
        {"1.2349999999999999999999999999999999999999999999999", "123/2"},
        {"1.2350000000000000000000000000000000000000000000000", "124/2"},
        {"1e-400", "0/2"},
        {"5e-3", "1/2"},
        {"4.9e-3", "0/2"},
        {"9999.99", "999999/2"},
        {"9999.994", "999999/2"},
        {"9999", "9999/0"},
        {"9999.995", "'9999.995' is beyond a DECIMAL(6,2)"},
        {"-9999.995", "'-9999.995' is beyond a DECIMAL(6,2)"},
        {"10000", "'10000' is beyond a DECIMAL(6,2)"},
        {"1e4", "'1e4' is beyond a DECIMAL(6,2)"},
        {"9999.99500000000000000000000000000000000000000",
         "'9999.99500000000000000000000000000000000000000' is beyond a DECIMAL(6,2)"},
        {"NaN", "NaN"},
    };
    static const struct target_column wide = {
        .type = COLUMN_DECIMAL, .precision = 100, .scale = 50};
    static const struct convert_case wide_cases[] = {
        {"1.5", "15/1"},
        {"1e38", "'1e38' is beyond a DECIMAL(100,50)"},
    };
    static const struct target_column tiny = {.type = COLUMN_DECIMAL, .precision = 2, .scale = 4};
    static const struct convert_case tiny_cases[] = {
        {"0.0099", "99/4"},
        {"0.01", "'0.01' is beyond a DECIMAL(2,4)"},
        {"1", "'1' is beyond a DECIMAL(2,4)"},
        {"0", "0/0"},
    };

    convert_fixture_check(&column, cases, ARRAY_LEN(cases));
    convert_fixture_check(&wide, wide_cases, ARRAY_LEN(wide_cases));
    convert_fixture_check(&tiny, tiny_cases, ARRAY_LEN(tiny_cases));
}

test(convert_fits_decimals_of_others)
{
    struct target_column column = {.type = COLUMN_DECIMAL, .precision = 4, .scale = 1};
    struct decimal value = {.unscaled = 99994, .scale = 2};

    check_int(convert_fit_decimal(&column, &value), CONVERT_OK);
    check(value.unscaled == 9999 && value.scale == 1);
    value = (struct decimal){.unscaled = -99995, .scale = 2};
    check_int(convert_fit_decimal(&column, &value), CONVERT_TOO_MANY_DIGITS);
    value = (struct decimal){.is_nan = true};
    check_int(convert_fit_decimal(&column, &value), CONVERT_OK);

    column.precision = 0;
    value = (struct decimal){.unscaled = -99995, .scale = 2};
    check_int(convert_fit_decimal(&column, &value), CONVERT_OK);
    check(value.unscaled == -99995 && value.scale == 2);
}
