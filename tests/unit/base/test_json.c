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
