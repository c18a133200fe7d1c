/* tests/unit/connectors/test_convert.c - text becomes the value that it says, or is refused in words. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/compiler.h"
#include "connectors/convert/convert.h"
#include "tests/harness/test.h"
#include "tests/unit/connectors/convert_fixture.h"

test(convert_reads_booleans)
{
    static const struct target_column column = {.type = COLUMN_BOOLEAN};
    static const struct convert_case cases[] = {
        {"true", "1"},
        {"False", "0"},
        {"T", "1"},
        {"f", "0"},
        {"1", "1"},
        {"0", "0"},
        {"YES", "1"},
        {"no", "0"},
        {" true\t", "1"},
        {"2", "'2' is not a BOOLEAN (true or false)"},
        {"tru", "'tru' is not a BOOLEAN (true or false)"},
        {"", "'' is not a BOOLEAN (true or false)"},
        {" ", "' ' is not a BOOLEAN (true or false)"},
    };

    convert_fixture_check(&column, cases, ARRAY_LEN(cases));
}

#define NOT_AN_INT "is not an INT (-2147483648 to 2147483647)"
#define NOT_A_LONG "is not a LONG (-9223372036854775808 to 9223372036854775807)"

test(convert_reads_whole_numbers)
{
    static const struct target_column column = {.type = COLUMN_INT};
    static const struct convert_case cases[] = {
        {"0", "0"},
        {"-0", "0"},
        {"+7", "7"},
        {" 42 ", "42"},
        {"0000000000000000000000000000042", "42"},
        {"2147483647", "2147483647"},
        {"-2147483648", "-2147483648"},
        {"2147483648", "'2147483648' " NOT_AN_INT},
        {"-2147483649", "'-2147483649' " NOT_AN_INT},
        {"99999999999999999999999", "'99999999999999999999999' " NOT_AN_INT},
        {"4294967297", "'4294967297' " NOT_AN_INT},
        {"abc", "'abc' " NOT_AN_INT},
        {"1.0", "'1.0' " NOT_AN_INT},
        {"1e3", "'1e3' " NOT_AN_INT},
        {"0x10", "'0x10' " NOT_AN_INT},
        {"1 2", "'1 2' " NOT_AN_INT},
        {"--1", "'--1' " NOT_AN_INT},
        {"-", "'-' " NOT_AN_INT},
        {"+", "'+' " NOT_AN_INT},
        {"", "'' " NOT_AN_INT},
        {"\xd9\xa3", "'\xd9\xa3' " NOT_AN_INT},
    };

    convert_fixture_check(&column, cases, ARRAY_LEN(cases));
}

test(convert_knows_the_range_of_each_whole_number)
{
    static const struct {
        enum column_type type;
        struct convert_case c;
    } cases[] = {
        {COLUMN_BYTE, {"127", "127"}},
        {COLUMN_BYTE, {"-128", "-128"}},
        {COLUMN_BYTE, {"128", "'128' is not a BYTE (-128 to 127)"}},
        {COLUMN_BYTE, {"-129", "'-129' is not a BYTE (-128 to 127)"}},
        {COLUMN_SHORT, {"32767", "32767"}},
        {COLUMN_SHORT, {"-32768", "-32768"}},
        {COLUMN_SHORT, {"32768", "'32768' is not a SHORT (-32768 to 32767)"}},
        {COLUMN_SHORT, {"-32769", "'-32769' is not a SHORT (-32768 to 32767)"}},
        {COLUMN_LONG, {"9223372036854775807", "9223372036854775807"}},
        {COLUMN_LONG, {"-9223372036854775808", "-9223372036854775808"}},
        {COLUMN_LONG, {"9223372036854775808", "'9223372036854775808' " NOT_A_LONG}},
        {COLUMN_LONG, {"-9223372036854775809", "'-9223372036854775809' " NOT_A_LONG}},
        {COLUMN_LONG, {"18446744073709551617", "'18446744073709551617' " NOT_A_LONG}},
        {COLUMN_LONG, {"000000000000000000000000000001", "1"}},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct target_column column = {.type = cases[i].type};
        convert_fixture_check(&column, &cases[i].c, 1);
    }
}

test(convert_checks_texts)
{
    static const struct target_column column = {.type = COLUMN_STRING};
    static const struct convert_case cases[] = {
        {"", ""},
        {" x ", " x "},
        {"a\nb", "a\nb"},
        {"\xe4\xb8\xad", "\xe4\xb8\xad"},
        {"ok\xc3", "'ok?' is not UTF-8"},
        {"\xed\xa0\x80", "'?\?\?' is not UTF-8"},
        {"\xc0\x80", "'?\?' is not UTF-8"},
    };
    static const struct target_column narrow = {.type = COLUMN_STRING, .max_chars = 3};
    static const struct convert_case narrow_cases[] = {
        {"abc", "abc"},
        {"\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad", "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad"},
        {"abcd", "'abcd' has 4 characters, but at most 3 fit"},
        {"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
         "'\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9' has 4 characters, but at most 3 fit"},
    };

    convert_fixture_check(&column, cases, ARRAY_LEN(cases));
    convert_fixture_check(&narrow, narrow_cases, ARRAY_LEN(narrow_cases));
    check_int(convert_check_string(&column, str_from_bytes("a\0b", 3)), CONVERT_HAS_NUL);
}

test(convert_reads_bytes)
{
    static const struct target_column column = {.type = COLUMN_VARBINARY};
    static const struct convert_case cases[] = {
        {"", ""},
        {"abc", "616263"},
        {" \xff ", "20ff20"},
        {"\\x", ""},
        {"\\x0Aff", "0aff"},
        {"\\y", "5c79"},
        {"\\x0", "'\\x0' is not a VARBINARY (behind \\x come pairs of hex digits)"},
        {"\\x0g", "'\\x0g' is not a VARBINARY (behind \\x come pairs of hex digits)"},
    };

    convert_fixture_check(&column, cases, ARRAY_LEN(cases));
}

test(convert_reads_uuids)
{
    static const struct target_column column = {.type = COLUMN_UUID};
    static const struct convert_case cases[] = {
        {"00112233-4455-6677-8899-aabbccddeeff", "00112233445566778899aabbccddeeff"},
        {"00112233445566778899AABBCCDDEEFF", "00112233445566778899aabbccddeeff"},
        {" 00112233445566778899aabbccddeeff ", "00112233445566778899aabbccddeeff"},
        {"00112233-4455-6677-8899-aabbccddeef",
         "'00112233-4455-6677-8899-aabbccddeef' is not a UUID"},
        {"0011223-34455-6677-8899-aabbccddeeff",
         "'0011223-34455-6677-8899-aabbccddeeff' is not a UUID"},
        {"0011223344556677-8899-aabbccddeeff00",
         "'0011223344556677-8899-aabbccddeeff00' is not a UUID"},
        {"g0112233445566778899aabbccddeeff", "'g0112233445566778899aabbccddeeff' is not a UUID"},
        {"", "'' is not a UUID"},
    };

    convert_fixture_check(&column, cases, ARRAY_LEN(cases));
}

test(convert_checks_json)
{
    static const struct target_column column = {.type = COLUMN_JSON};
    static const struct convert_case cases[] = {
        {"{\"a\": [1, null]}", "{\"a\": [1, null]}"},
        {" 7 ", "7"},
        {"{", "'{' is not JSON"},
        {"\"\xff\"", "'\"?\"' is not JSON"},
        {"", "'' is not JSON"},
    };

    convert_fixture_check(&column, cases, ARRAY_LEN(cases));
}

#define NOT_A_DATE "is not a DATE (yyyy-MM-dd)"

test(convert_reads_dates)
{
    static const struct target_column column = {.type = COLUMN_DATE};
    static const struct convert_case cases[] = {
        {"1970-01-01", "0"},
        {"2000-01-01", "10957"},
        {"1969-12-31", "-1"},
        {"2024-02-29", "19782"},
        {"0001-01-01", "-719162"},
        {"9999-12-31", "2932896"},
        {" 1970-01-02 ", "1"},
        {"2023-02-29", "'2023-02-29' " NOT_A_DATE},
        {"1900-02-29", "'1900-02-29' " NOT_A_DATE},
        {"2000-02-29", "11016"},
        {"2024-04-31", "'2024-04-31' " NOT_A_DATE},
        {"2024-00-01", "'2024-00-01' " NOT_A_DATE},
        {"2024-13-01", "'2024-13-01' " NOT_A_DATE},
        {"2024-01-00", "'2024-01-00' " NOT_A_DATE},
        {"0000-01-01", "'0000-01-01' " NOT_A_DATE},
        {"2024-1-1", "'2024-1-1' " NOT_A_DATE},
        {"2024/01/01", "'2024/01/01' " NOT_A_DATE},
        {"+024-01-01", "'+024-01-01' " NOT_A_DATE},
        {"2024-01-01 00:00:00", "'2024-01-01 00:00:00' " NOT_A_DATE},
        {"", "'' " NOT_A_DATE},
    };

    convert_fixture_check(&column, cases, ARRAY_LEN(cases));
}

test(convert_reads_every_day_of_the_calendar)
{
    static const struct target_column column = {.type = COLUMN_DATE};
    struct buf got = {0};
    unsigned nwrong = 0;

    for (int64_t day = -719162; day <= 2932896; day += 29) {
        time_t s = (time_t)day * 86400;
        struct tm tm;
        char text[20], expected[40];
        check(gmtime_r(&s, &tm) != NULL);
        strftime(text, sizeof(text), "-%m-%d", &tm);
        snprintf(expected, sizeof(expected), "%04d%s", tm.tm_year + 1900, text);
        convert_fixture_convert(&column, str_from(expected), &got);
        snprintf(expected, sizeof(expected), "%" PRId64, day);
        nwrong += strcmp(buf_get_text(&got), expected) != 0;
    }
    check_int(nwrong, 0);
    buf_deinit(&got);
}

#define NOT_A_TIMESTAMP "is not a TIMESTAMP (yyyy-MM-dd HH:mm:ss.ffffff)"

test(convert_reads_timestamps)
{
    static const struct target_column column = {.type = COLUMN_TIMESTAMP};
    static const struct convert_case cases[] = {
        {"1970-01-01 00:00:00", "0"},
        {"1970-01-01T00:00:01.5", "1500000"},
        {"1970-01-01 00:00:00.000001", "1"},
        {"1970-01-01 00:00:00.0000014", "1"},
        {"1970-01-01 00:00:00.0000015", "2"},
        {"1970-01-01 23:59:59.999999999", "86400000000"},
        {"1969-12-31 23:59:59", "-1000000"},
        {"2019-11-12T12:04:32.951Z", "1573560272951000"},
        {"1970-01-01 00:00:00+00:00", "0"},
        {"9999-12-31 23:59:59", "253402300799000000"},
        {"1970-01-01 00:00:00+01:00",
         "'1970-01-01 00:00:00+01:00' has an offset, but the column has no time zone"},
        {"1970-01-01", "'1970-01-01' " NOT_A_TIMESTAMP},
        {"1970-01-01 24:00:00", "'1970-01-01 24:00:00' " NOT_A_TIMESTAMP},
        {"1970-01-01 00:60:00", "'1970-01-01 00:60:00' " NOT_A_TIMESTAMP},
        {"1970-01-01 00:00:60", "'1970-01-01 00:00:60' " NOT_A_TIMESTAMP},
        {"1970-01-01 00:00:00.", "'1970-01-01 00:00:00.' " NOT_A_TIMESTAMP},
        {"1970-01-01 00:00:00.1234567890", "'1970-01-01 00:00:00.1234567890' " NOT_A_TIMESTAMP},
        {"1970-01-01_00:00:00", "'1970-01-01_00:00:00' " NOT_A_TIMESTAMP},
        {"1970-01-01 00:00", "'1970-01-01 00:00' " NOT_A_TIMESTAMP},
        {"1970-02-30 00:00:00", "'1970-02-30 00:00:00' " NOT_A_TIMESTAMP},
        {"1970-01-01 00:00:00x", "'1970-01-01 00:00:00x' " NOT_A_TIMESTAMP},
    };

    convert_fixture_check(&column, cases, ARRAY_LEN(cases));
}

test(convert_reads_timestamps_with_a_zone)
{
    static const struct target_column column = {.type = COLUMN_TIMESTAMPTZ};
    static const struct convert_case cases[] = {
        {"1970-01-01 00:00:00", "0"},
        {"1970-01-01 00:00:00Z", "0"},
        {"1970-01-01 01:00:00+01:00", "0"},
        {"1970-01-01 05:30:00.25+0530", "250000"},
        {"1969-12-31 16:00:00-08", "0"},
        {"1970-01-01 00:00:00+16:00",
         "'1970-01-01 00:00:00+16:00' is not a TIMESTAMP WITH TIME ZONE "
         "(yyyy-MM-dd HH:mm:ss.ffffff+hh:mm)"},
        {"1970-01-01 00:00:00+01:60",
         "'1970-01-01 00:00:00+01:60' is not a TIMESTAMP WITH TIME ZONE "
         "(yyyy-MM-dd HH:mm:ss.ffffff+hh:mm)"},
        {"1970-01-01 00:00:00 01:00",
         "'1970-01-01 00:00:00 01:00' is not a TIMESTAMP WITH TIME ZONE "
         "(yyyy-MM-dd HH:mm:ss.ffffff+hh:mm)"},
        {"1970-01-01 00:00:00+1", "'1970-01-01 00:00:00+1' is not a TIMESTAMP WITH TIME ZONE "
                                  "(yyyy-MM-dd HH:mm:ss.ffffff+hh:mm)"},
    };

    convert_fixture_check(&column, cases, ARRAY_LEN(cases));
}

test(convert_checks_whole_numbers_of_others)
{
    struct target_column column = {.type = COLUMN_BYTE};

    check_int(convert_check_int(&column, 127), CONVERT_OK);
    check_int(convert_check_int(&column, -128), CONVERT_OK);
    check_int(convert_check_int(&column, 128), CONVERT_NOT_OF_TYPE);
    check_int(convert_check_int(&column, -129), CONVERT_NOT_OF_TYPE);
    column.type = COLUMN_LONG;
    check_int(convert_check_int(&column, INT64_MIN), CONVERT_OK);
    column.type = COLUMN_BOOLEAN;
    check_int(convert_check_int(&column, 2), CONVERT_NOT_OF_TYPE);
}

test(convert_cuts_the_value_in_a_reason)
{
    static const struct target_column column = {.type = COLUMN_INT};
    char value[200], reason[CONVERT_REASON_BYTES], expected[CONVERT_REASON_BYTES];

    memset(value, 'x', sizeof(value));
    convert_write_reason(CONVERT_NOT_OF_TYPE, &column, str_from_bytes(value, 64), reason);
    snprintf(expected, sizeof(expected), "'%.64s' " NOT_AN_INT, value);
    check_str(reason, expected);
    convert_write_reason(CONVERT_NOT_OF_TYPE, &column, str_from_bytes(value, 65), reason);
    snprintf(expected, sizeof(expected), "'%.64s...' " NOT_AN_INT, value);
    check_str(reason, expected);

    memcpy(value + 63, "\xc3\xa9", 2);
    convert_write_reason(CONVERT_NOT_OF_TYPE, &column, str_from_bytes(value, 65), reason);
    snprintf(expected, sizeof(expected), "'%.63s...' " NOT_AN_INT, value);
    check_str(reason, expected);
    convert_write_reason(CONVERT_HAS_NUL, &column, str_from_bytes("a\0\x1b\x7f\x80", 5), reason);
    check_str(reason, "'a?\?\?\?' has a byte 0x00");
    convert_write_reason(CONVERT_IS_NULL, &column, str_from(""), reason);
    check_str(reason, "null, but the column needs a value");
}
