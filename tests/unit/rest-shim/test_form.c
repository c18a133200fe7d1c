/*
 * tests/unit/rest-shim/test_form.c - form bodies: what is taken, and what is refused by which name.
 */
#include "rest-shim/form.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "tests/harness/test.h"

enum { ARENA_BYTES = 4 << 20 };

/* The fields as "name=value" in brackets, or the error. */
static char *show(struct str text)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct form form;
    struct buf shown = {0};
    struct status st = form_read(text, arena, &form);

    for (size_t i = 0; st.code == STATUS_OK && i < form.nfields; i++) {
        buf_append_text(&shown, "[");
        buf_append_str(&shown, form.fields[i].name);
        buf_append_text(&shown, "=");
        buf_append_str(&shown, form.fields[i].value);
        buf_append_text(&shown, "]");
    }
    buf_append_text(&shown, st.text);
    if (st.code != STATUS_OK)
        check_status(st, STATUS_INVALID_ARGUMENT);
    arena_destroy(arena);
    return buf_take(&shown);
}

static void check_shown(struct str text, const char *expected)
{
    char *shown = show(text);

    check_str(shown, expected);
    mem_free(shown);
}

test(forms_are_taken_as_clients_send_them)
{
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"", ""},
        {"&&", ""},
        {"a=1", "[a=1]"},
        {"a=1&b=2&", "[a=1][b=2]"},
        {"a", "[a=]"},
        {"a=", "[a=]"},
        {"=x", "[=x]"},
        {"a=b=c", "[a=b=c]"},
        {"a=x+y%20z", "[a=x y z]"},
        {"a%3Db=%26", "[a=b=&]"},
        {"a=%e2%82%AC", "[a=\xe2\x82\xac]"},
        {"a=\xe2\x82\xac", "[a=\xe2\x82\xac]"},
        {"src=hdfs&readerConfig={\"column\":[\"ROW||String\",\"f:a\\n\"]}",
         "[src=hdfs][readerConfig={\"column\":[\"ROW||String\",\"f:a\\n\"]}]"},
        {"a=1;b=2", "[a=1;b=2]"},
        {"A=1&a=2", "[A=1][a=2]"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_shown(str_from(cases[i].text), cases[i].expected);
}

test(forms_that_break_a_rule_are_refused_by_name)
{
    static const char percent[] = ": a '%' that two hex digits do not follow (send %25 for '%')";
    static const struct {
        struct str text;
        const char *name;
        const char *rest;
    } cases[] = {
        {{"a=%", 3}, "a", percent},
        {{"a=%4", 4}, "a", percent},
        {{"a=%zz", 5}, "a", percent},
        {{"a=%4g", 5}, "a", percent},
        {{"%=a", 3}, "a field's name", percent},
        {{"a=1&a=2", 7}, "a", ": is given twice"},
        {{"a=1&%61=2", 9}, "a", ": is given twice"},
        {{"a=x\0y", 5}, "a", ": a zero byte in the text"},
        {{"a=%00", 5}, "a", ": a zero byte in the text"},
        {{"a\0=1", 4}, "a field's name", ": a zero byte in the text"},
        {{"a=\xff", 3}, "a", ": not UTF-8"},
        {{"a=%ff", 5}, "a", ": not UTF-8"},
        {{"a=%c3", 5}, "a", ": not UTF-8"},
        {{"a=%ed%a0%80", 11}, "a", ": not UTF-8"},
        {{"\xff=1", 3}, "a field's name", ": not UTF-8"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf expected = {0};
        buf_printf(&expected, "%s%s", cases[i].name, cases[i].rest);
        check_shown(cases[i].text, buf_get_text(&expected));
        buf_deinit(&expected);
    }
}

/* Appends a field: a name of nname times 'n', then number, and a value of nvalue times 'v'. */
static void append_field(struct buf *buf, size_t nname, size_t number, size_t nvalue)
{
    char digits[24]; /* a size_t has at most 20 digits */

    buf_append_text(buf, buf->len > 0 ? "&" : "");
    (void)snprintf(digits, sizeof(digits), "%zu", number);
    for (size_t i = strlen(digits); i < nname; i++)
        buf_append_char(buf, 'n');
    buf_append_text(buf, digits);
    buf_append_char(buf, '=');
    for (size_t i = 0; i < nvalue; i++)
        buf_append_char(buf, 'v');
}

static enum status_code read_code(const struct buf *buf)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct form form;
    struct status st = form_read(buf_get(buf), arena, &form);

    arena_destroy(arena);
    return st.code;
}

test(limits_hold_on_both_sides)
{
    static const struct {
        size_t nfields, nname, nvalue;
        enum status_code code;
    } cases[] = {
        {FORM_MAX_FIELDS, 4, 1, STATUS_OK},
        {FORM_MAX_FIELDS + 1, 4, 1, STATUS_INVALID_ARGUMENT},
        {1, FORM_MAX_NAME_BYTES, 1, STATUS_OK},
        {1, FORM_MAX_NAME_BYTES + 1, 1, STATUS_INVALID_ARGUMENT},
        {1, 1, FORM_MAX_VALUE_BYTES, STATUS_OK},
        {1, 1, FORM_MAX_VALUE_BYTES + 1, STATUS_INVALID_ARGUMENT},
        {1, 1, ARENA_BYTES, STATUS_RESOURCE_EXHAUSTED},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf buf = {0};
        for (size_t k = 0; k < cases[i].nfields; k++)
            append_field(&buf, cases[i].nname, k, cases[i].nvalue);
        check_int(read_code(&buf), cases[i].code);
        buf_deinit(&buf);
    }
}

test(parts_of_a_path_are_decoded_without_the_plus)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct str got = {0};

    check_status(form_read_path("id", str_from("a+b%2Dc"), arena, &got), STATUS_OK);
    check(str_is(got, "a+b-c"));
    check_status(form_read_path("id", str_from("a%"), arena, &got), STATUS_INVALID_ARGUMENT);
    check_status(form_read_path("id", str_from("%00"), arena, &got), STATUS_INVALID_ARGUMENT);
    check_status(form_read_path("id", str_from("%ff"), arena, &got), STATUS_INVALID_ARGUMENT);
    check(str_is(got, "a+b-c"));
    arena_destroy(arena);
}

test(fields_are_found_by_name)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct form form;

    check_status(form_read(str_from("a=1&b=2"), arena, &form), STATUS_OK);
    check(form_find(&form, "b") && str_is(form_find(&form, "b")->value, "2"));
    check(!form_find(&form, "c"));
    arena_destroy(arena);
}
