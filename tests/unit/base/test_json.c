/*
 * tests/unit/base/test_json.c - JSON in and out, and points in time.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/json_in.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "tests/harness/test.h"

test(json_in_reads_each_kind)
{
    struct json *root = NULL;

    check_status(json_read("x", str_from("{\"a\":[null,true,-7,1.5,\"t\"],\"b\":{}}"), &root),
                 STATUS_OK);
    const struct json *array = json_find(root, "a");
    check_int(json_get_count(array), 5);
    check_int(json_get_kind(json_get_element(array, 0)), JSON_KIND_NULL);
    check(json_get_bool(json_get_element(array, 1)));
    check_int(json_get_int(json_get_element(array, 2)), -7);
    check(json_get_real(json_get_element(array, 3)) > 1.4);
    check(str_is(json_get_string(json_get_element(array, 4)), "t"));
    check_int(json_get_kind(json_find(root, "b")), JSON_KIND_OBJECT);
    check(json_find(root, "c") == NULL);
    json_destroy(root);
}

test(json_in_keeps_the_order_of_members)
{
    struct json *root = NULL;

    check_status(json_read("x", str_from("{\"z\":1,\"a\":2,\"m\":3}"), &root), STATUS_OK);
    struct json_member member = json_first(root);
    check(str_is(member.key, "z"));
    member = json_next(root, member);
    check(str_is(member.key, "a"));
    member = json_next(root, member);
    check(str_is(member.key, "m"));
    check(json_next(root, member).value == NULL);
    json_destroy(root);
}

test(json_in_compares_values_and_not_how_they_are_written)
{
    static const struct {
        const char *a, *b;
        bool is_equal;
    } cases[] = {
        {"{\"a\": [1, {}], \"b\": null}", "{\"b\":null,\"a\":[1,{}]}", true},
        {"\"\\u0041\"", "\"A\"", true},
        {"{\"a\": 1}", "{\"a\": 2}", false},
        {"{\"a\": 1}", "{\"a\": \"1\"}", false},
        {"{\"a\": 1}", "{}", false},
        {"[1, 2]", "[2, 1]", false},
        {"true", "1", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *a = NULL, *b = NULL;

        check_status(json_read("a", str_from(cases[i].a), &a), STATUS_OK);
        check_status(json_read("b", str_from(cases[i].b), &b), STATUS_OK);
        check(json_is_equal(a, b) == cases[i].is_equal);
        json_destroy(a);
        json_destroy(b);
    }
}

test(json_in_decodes_escapes)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"a\\u0041\\u00e9\\u20AC\\ud83d\\uDE00z\"", "aA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z"},
        {"\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
        {"\"\xe2\x82\xac\"", "\xe2\x82\xac"},
        {" \"\" ", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *root = NULL;

        check_status(json_read("x", str_from(cases[i].json), &root), STATUS_OK);
        check(str_is(json_get_string(root), cases[i].text));
        check_str(json_get_string(root).data, cases[i].text);
        json_destroy(root);
    }
}

test(json_in_reads_numbers_up_to_their_limits)
{
    static const struct {
        const char *json;
        int64_t number;
    } cases[] = {
        {"9223372036854775807", INT64_MAX},
        {"-9223372036854775808", INT64_MIN},
        {"0", 0},
        {"-0", 0},
    };
    static const char *const reals[] = {"1.0", "1e0", "10E-1", "0.1e+1"};
    struct json *root = NULL;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_status(json_read("x", str_from(cases[i].json), &root), STATUS_OK);
        check(json_get_int(root) == cases[i].number);
        json_destroy(root);
    }
    for (size_t i = 0; i < ARRAY_LEN(reals); i++) {
        check_status(json_read("x", str_from(reals[i]), &root), STATUS_OK);
        check_int(json_get_kind(root), JSON_KIND_REAL);
        check(json_get_real(root) > 0.999 && json_get_real(root) < 1.001);
        json_destroy(root);
    }
}

/* {"k0":0,"k1":1,...}, and the last key once more if it is_twice. */
static struct status read_object(unsigned nmembers, bool is_twice, struct json **ret)
{
    struct buf text = {0};

    for (unsigned i = 0; i < nmembers; i++)
        buf_printf(&text, "%s\"k%u\":%u", i == 0 ? "{" : ",", i, i);
    if (is_twice)
        buf_printf(&text, ",\"k%u\":0", nmembers - 1);
    buf_append_text(&text, "}");
    struct status st = json_read("x", buf_get(&text), ret);
    buf_deinit(&text);
    return st;
}

test(json_in_finds_each_member_and_refuses_a_key_twice_however_many_there_are)
{
    static const unsigned counts[] = {1, 2, 8, 9, 100, 100000};

    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct json *root = NULL;
        unsigned n = 0;

        check_status(read_object(counts[i], true, &root), STATUS_INVALID_ARGUMENT);
        check_status(read_object(counts[i], false, &root), STATUS_OK);
        check_int(json_get_count(root), counts[i]);
        for (struct json_member m = json_first(root); m.value; m = json_next(root, m)) {
            check_int(json_get_int(m.value), n++);
            check(json_find(root, m.key.data) == m.value);
        }
        check_int(n, counts[i]);
        check(json_find(root, "k") == NULL);
        json_destroy(root);
    }
}

test(json_in_says_where_a_text_is_wrong_and_quotes_nothing)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"", "x: not JSON: the text ends early at line 1, column 1"},
        {"{\"a\": [1, 2", "x: not JSON: the text ends early at line 1, column 12"},
        {"{\n\"\xe2\x82\xac\": s3cret}", "x: not JSON: invalid token at line 2, column 6"},
        {"[1 2]", "x: not JSON: ',' or ']' expected at line 1, column 4"},
        {"{\"a\":1 \"b\"}", "x: not JSON: ',' or '}' expected at line 1, column 8"},
        {"{a:1}", "x: not JSON: a key in quotes expected at line 1, column 2"},
        {"{\"a\" 1}", "x: not JSON: ':' expected at line 1, column 6"},
        {"{\"a\":1,}", "x: not JSON: a key in quotes expected at line 1, column 8"},
        {"{} {}", "x: not JSON: more than one value at line 1, column 4"},
        {"\"\xff\"", "x: not JSON: not UTF-8 at line 1, column 2"},
        {"\"\\x\"", "x: not JSON: invalid escape at line 1, column 3"},
        {"\"\\u00g0\"", "x: not JSON: invalid escape at line 1, column 6"},
        {"\"\n\"", "x: not JSON: control character in a string at line 1, column 2"},
        {"\"\\udc00\"", "x: not JSON: half a surrogate pair at line 1, column 8"},
        {"\"\\ud800\\u0041\"", "x: not JSON: half a surrogate pair at line 1, column 14"},
        {"-", "x: not JSON: the text ends early at line 1, column 2"},
        {"[-]", "x: not JSON: invalid number at line 1, column 3"},
        {"[1.]", "x: not JSON: invalid number at line 1, column 4"},
        {"[.5]", "x: not JSON: invalid token at line 1, column 2"},
        {"[1e+]", "x: not JSON: invalid number at line 1, column 5"},
        {"[9223372036854775808]", "x: not JSON: number out of range at line 1, column 21"},
        {"[1e999]", "x: not JSON: number out of range at line 1, column 7"},
        {"tru", "x: not JSON: invalid token at line 1, column 1"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *root = NULL;
        struct status st = json_read("x", str_from(cases[i].json), &root);

        check_status(st, STATUS_INVALID_ARGUMENT);
        check_str(st.text, cases[i].text);
    }
}

test(json_in_takes_a_zero_byte_for_no_end)
{
    struct json *root = NULL;

    check_status(json_read("x", str_from_bytes("1\0", 2), &root), STATUS_INVALID_ARGUMENT);
    check_status(json_read("x", str_from_bytes("\"a\0\"", 4), &root), STATUS_INVALID_ARGUMENT);
    check_status(json_read("x", str_from_bytes("[\0]", 3), &root), STATUS_INVALID_ARGUMENT);
}

test(json_in_refuses_hostile_texts)
{
    static const char *const cases[] = {
        "",
        "{",
        "{}x",
        "[1,]",
        "{\"a\":1,\"a\":2}",
        "'a'",
        "[01]",
        "NaN",
        "\"\\u0000\"",
        "\"\xff\"",
        "\"\\ud800\"",
        "1e999",
        "12345678901234567890",
        "{\"a\" 1}",
        "\"\x01\"",
        "// x\n1",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json *root = NULL;
        check_status(json_read("x", str_from(cases[i]), &root), STATUS_INVALID_ARGUMENT);
    }
}

static struct status read_nested(size_t depth)
{
    char *text = mem_alloc(2 * depth + 1);
    struct json *root = NULL;

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    struct status st = json_read("x", str_from_bytes(text, 2 * depth), &root);
    if (st.code == STATUS_OK)
        json_destroy(root);
    mem_free(text);
    return st;
}

test(json_in_takes_its_depth_and_no_more)
{
    check_status(read_nested(JSON_MAX_DEPTH), STATUS_OK);
    check_status(read_nested(JSON_MAX_DEPTH + 1), STATUS_INVALID_ARGUMENT);
    check_status(read_nested(1000000), STATUS_INVALID_ARGUMENT);
}

test(json_out_puts_commas_and_escapes)
{
    struct buf text = {0};
    struct json_out out = json_out_make(&text);

    json_out_begin_object(&out);
    json_out_key(&out, "a\"b");
    json_out_string(&out, str_from_bytes("x\n\x01\0/\xe2\x82\xac\xff", 9));
    json_out_key(&out, "n");
    json_out_begin_array(&out);
    json_out_int(&out, INT64_MIN);
    json_out_bool(&out, false);
    json_out_null(&out);
    json_out_begin_object(&out);
    json_out_end_object(&out);
    json_out_end_array(&out);
    json_out_key(&out, "raw");
    json_out_raw(&out, str_from("[1]"));
    json_out_end_object(&out);
    check_str(buf_get_text(&text), "{\"a\\\"b\":\"x\\n\\u0001\\u0000/\xe2\x82\xac\xef\xbf\xbd\","
                                   "\"n\":[-9223372036854775808,false,null,{}],\"raw\":[1]}");
    buf_deinit(&text);
}

test(json_out_writes_the_shortest_real)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {0, "0"},
                 {1e300, "1e+300"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0.30000000000000004, "0.30000000000000004"}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf text = {0};
        struct json_out out = json_out_make(&text);
        json_out_real(&out, cases[i].value);
        check_str(buf_get_text(&text), cases[i].text);
        buf_deinit(&text);
    }
}

test(clock_writes_what_it_reads)
{
    static const struct {
        int64_t time_us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1573651906518000, "2019-11-13T13:31:46.518Z"},
        {1, "1970-01-01T00:00:00.000001Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {951782400000000, "2000-02-29T00:00:00Z"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[CLOCK_TEXT_BYTES];
        int64_t time_us = 77;
        clock_write_text(cases[i].time_us, text);
        check_str(text, cases[i].text);
        check_status(clock_read_text(str_from(text), &time_us), STATUS_OK);
        check_int(time_us, cases[i].time_us);
    }
}

test(clock_reads_offsets_and_refuses_what_is_no_time)
{
    static const char *const wrong[] = {
        "",
        "2026-01-02",
        "2026-13-02T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T00:00:60Z",
        "2026-01-02T00:00:00",
        "2026-01-02T00:00:00+8",
        "2026-01-02T00:00:00.Z",
        "2026-01-02T00:00:00Zx",
        "0000-01-02T00:00:00Z",
    };
    int64_t time_us = 0;

    check_status(clock_read_text(str_from("1970-01-01T08:00:00+08:00"), &time_us), STATUS_OK);
    check_int(time_us, 0);
    check_status(clock_read_text(str_from("1970-01-01t00:00:00.5z"), &time_us), STATUS_OK);
    check_int(time_us, 500000);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        check_status(clock_read_text(str_from(wrong[i]), &time_us), STATUS_INVALID_ARGUMENT);
}
