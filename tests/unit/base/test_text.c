/*
 * tests/unit/base/test_text.c - str, buf, utf8, number, base64.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/host_port.h"
#include "base/number.h"
#include "base/str.h"
#include "base/utf8.h"
#include "tests/harness/test.h"

test(str_cut_yields_the_parts_and_then_nothing)
{
    struct str rest = str_from("a,,b");

    check(str_is(str_cut(&rest, ','), "a"));
    check(str_is(str_cut(&rest, ','), ""));
    check(str_is(str_cut(&rest, ','), "b"));
    check(rest.data == NULL);
    check_int(rest.len, 0);
}

test(host_port_cut_takes_brackets_off_and_nothing_else)
{
    static const struct {
        const char *address, *host, *port;
    } good[] = {
        {"127.0.0.1:80", "127.0.0.1", "80"},
        {"[::1]:80", "::1", "80"},
        {"db.example:", "db.example", ""},
        {"[a:80", "[a", "80"},
    };
    static const char *const bad[] = {"", ":80", "80", "::1:80", "[]:80", "a:b:80"};
    struct str host;
    struct str port;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        check(host_port_cut(good[i].address, &host, &port));
        check(str_is(host, good[i].host));
        check(str_is(port, good[i].port));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        test_check(TEST_HERE, !host_port_cut(bad[i], &host, &port), bad[i]);
}

test(str_is_printable_takes_visible_ascii_and_spaces)
{
    check(str_is_printable(str_from("Bearer ~!")));
    check(str_is_printable(str_from("")));
    check(!str_is_printable(str_from("a\tb")));
    check(!str_is_printable(str_from("\x7f")));
    check(!str_is_printable(str_from("\xc3\xa4")));
}

test(str_find_says_len_where_there_is_nothing)
{
    check_int(str_find(str_from("ROW||Int"), "||"), 3);
    check_int(str_find(str_from("ROW|Int"), "||"), 7);
    check_int(str_find_byte(str_from(""), 'x'), 0);
}

test(str_trim_takes_white_space_off_both_ends_only)
{
    check(str_is(str_trim(str_from(" \t a b\r\n")), "a b"));
    check(str_is(str_trim(str_from(" \n ")), ""));
}

test(buf_grows_and_stays_terminated)
{
    struct buf buf = {0};

    for (int i = 0; i < 1000; i++)
        buf_printf(&buf, "%d,", i % 10);
    check_int(buf.len, 2000);
    check_int(buf.data[2000], 0);
    buf_deinit(&buf);
}

test(buf_prints_texts_of_any_length)
{
    static const size_t lens[] = {0, 1, 254, 255, 256, 1000};

    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct buf buf = {0}, small = {.max_bytes = lens[i] + 1};

        buf_printf(&buf, "%0*d", (int)lens[i], 0);
        buf_printf(&small, "%0*d<>", (int)lens[i], 0);
        check_int(buf.len, lens[i] ? lens[i] : 1);
        check_int(strspn(buf_get_text(&buf), "0"), buf.len);
        check(buf_is_full(&small));
        check_str(buf_get_text(&small), "");
        buf_deinit(&buf);
        buf_deinit(&small);
    }
}

test(buf_drops_what_passes_its_limit_and_says_so)
{
    struct buf buf = {.max_bytes = 4};

    buf_append_text(&buf, "abcd");
    check(!buf_is_full(&buf));
    buf_append_char(&buf, 'e');
    check(buf_is_full(&buf));
    check_str(buf_get_text(&buf), "abcd");
    buf_clear(&buf);
    check(!buf_is_full(&buf));
    buf_deinit(&buf);
}

test(buf_take_gives_an_empty_string_for_an_empty_buffer)
{
    struct buf buf = {0};
    char *text = buf_take(&buf);

    check_str(text, "");
    buf_append_text(&buf, text);
    check_str(buf_get_text(&buf), "");
    buf_deinit(&buf);
    /* buf_take's string is the caller's. */
    struct buf owner = {.data = text};
    buf_deinit(&owner);
}

test(utf8_takes_what_rfc_3629_takes)
{
    static const struct {
        const char *text;
        size_t len;
        size_t invalid; /* where; len if it is valid */
    } cases[] = {
        {"", 0, 0},
        {"plain ASCII of more than eight bytes", 36, 36},
        {"\x7f", 1, 1},
        {"\xc2\x80", 2, 2},
        {"\xc1\xbf", 2, 0},     /* overlong */
        {"\xe0\x9f\xbf", 3, 0}, /* overlong */
        {"\xe0\xa0\x80", 3, 3},
        {"\xed\x9f\xbf", 3, 3},
        {"\xed\xa0\x80", 3, 0},     /* a surrogate */
        {"\xf0\x8f\xbf\xbf", 4, 0}, /* overlong */
        {"\xf0\x9f\x98\x80", 4, 4},
        {"\xf4\x8f\xbf\xbf", 4, 4},
        {"\xf4\x90\x80\x80", 4, 0}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80", 4, 0},
        {"\x80", 1, 0},
        {"abcdefgh\xff", 9, 8},
        {"abc\xe2\x82", 5, 3}, /* cut off */
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_int(utf8_find_invalid(str_from_bytes(cases[i].text, cases[i].len)), cases[i].invalid);
}

test(utf8_fit_never_cuts_a_character)
{
    struct str text = str_from("a\xe2\x82\xac"
                               "b");

    check_int(utf8_fit(text, 0), 0);
    check_int(utf8_fit(text, 1), 1);
    check_int(utf8_fit(text, 3), 1);
    check_int(utf8_fit(text, 4), 4);
    check_int(utf8_fit(text, 99), 5);
}

test(number_reads_all_of_the_text_within_its_range)
{
    static const struct {
        const char *text;
        int64_t min, max;
        bool is_right;
        int64_t value;
    } cases[] = {
        {"0", 0, 10, true, 0},
        {"10", 0, 10, true, 10},
        {"11", 0, 10, false, 0},
        {"-1", 0, 10, false, 0},
        {"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
        {"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
        {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
        {"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
        {"", 0, 10, false, 0},
        {"-", -10, 10, false, 0},
        {"+1", 0, 10, false, 0},
        {"1 ", 0, 10, false, 0},
        {"1x", 0, 10, false, 0},
        {"007", 0, 10, true, 7},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t value = 0;
        struct status st =
            number_read("n", str_from(cases[i].text), cases[i].min, cases[i].max, &value);
        check_status(st, cases[i].is_right ? STATUS_OK : STATUS_INVALID_ARGUMENT);
        check_int(value, cases[i].value);
    }
}

test(number_errors_name_the_input_and_the_range)
{
    int64_t value = 0;
    struct status st = number_read("instances", str_from("many"), 1, 9, &value);

    check_str(st.text, "instances: 'many' is not a whole number from 1 to 9");
}

test(base64_equals_the_vectors_of_rfc_4648)
{
    static const struct {
        const char *bytes, *text;
    } cases[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf text = {0}, bytes = {0};
        base64_write(&text, BASE64_STANDARD, str_from(cases[i].bytes));
        check_str(buf_get_text(&text), cases[i].text);
        check(base64_read(buf_get(&text), &bytes));
        check_str(buf_get_text(&bytes), cases[i].bytes);
        buf_deinit(&text);
        buf_deinit(&bytes);
    }
}

test(base64_refuses_what_is_none)
{
    static const char *const cases[] = {"A", "AAAAA", "A=", "AA=", "A A=", "Zh==", "Zm9=", "!!!!"};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf bytes = {0};
        check(!base64_read(str_from(cases[i]), &bytes));
        buf_deinit(&bytes);
    }
}

test(status_text_is_cut_at_a_character)
{
    char text[STATUS_TEXT_BYTES + 8];

    for (size_t i = 0; i + 2 < sizeof(text); i += 2) {
        text[i] = (char)0xc3;
        text[i + 1] = (char)0xa9;
    }
    text[sizeof(text) - 1] = '\0';
    text[sizeof(text) - 2] = '\0';
    struct status st = status_error(STATUS_INTERNAL, "x%s", text);

    check(utf8_is_valid(str_from(st.text)));
    check(strlen(st.text) >= STATUS_TEXT_BYTES - 4);
}

test(status_text_mends_bytes_that_are_no_utf8)
{
    check_str(status_error(STATUS_INTERNAL, "'\xff' is wrong").text, "'?' is wrong");
}
