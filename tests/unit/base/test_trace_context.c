/*
 * tests/unit/base/test_trace_context.c - the headers of W3C Trace Context, and ids of requests.
 */
#include "base/trace_context.h"

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "tests/harness/test.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

/* What is read, written again; "" if it is refused. */
static const char *read_again(const char *text)
{
    static char again[TRACE_PARENT_TEXT_BYTES];
    struct trace_context context = {.is_sampled = false};

    if (!trace_context_read(str_from(text), &context))
        return "";
    trace_context_write(&context, again);
    return again;
}

test(traceparent_is_read_and_written)
{
    static const struct {
        const char *text;
        const char *again;
    } cases[] = {
        {"00-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-01"},
        {"00-" TRACE "-" SPAN "-00", "00-" TRACE "-" SPAN "-00"},
        /* Flags that version 00 does not define are not passed on. */
        {"00-" TRACE "-" SPAN "-ff", "00-" TRACE "-" SPAN "-01"},
        {"00-" TRACE "-" SPAN "-02", "00-" TRACE "-" SPAN "-00"},
        /* Later versions are read by their first four fields. */
        {"01-" TRACE "-" SPAN "-01", "00-" TRACE "-" SPAN "-01"},
        {"cc-" TRACE "-" SPAN "-01-what-is-to-come", "00-" TRACE "-" SPAN "-01"},
        {"01-" TRACE "-" SPAN "-01-", "00-" TRACE "-" SPAN "-01"},
        {"fe-00000000000000000000000000000001-0000000000000001-00",
         "00-00000000000000000000000000000001-0000000000000001-00"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_str(read_again(cases[i].text), cases[i].again);
}

test(traceparent_that_is_none_is_refused)
{
    static const char *const cases[] = {
        "",
        "00",
        "00-" TRACE "-" SPAN,
        "00-" TRACE "-" SPAN "-0",
        "00-" TRACE "-" SPAN "-01-",
        "00-" TRACE "-" SPAN "-01-more",
        "01-" TRACE "-" SPAN "-01.more",
        "cc-" TRACE "-" SPAN "-012",
        "ff-" TRACE "-" SPAN "-01",
        "0x-" TRACE "-" SPAN "-01",
        "FE-" TRACE "-" SPAN "-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
        "00-" TRACE "-00F067AA0BA902B7-01",
        "00-" TRACE "-" SPAN "-0A",
        "00-" TRACE "-" SPAN "-.0",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-.bf92f3577b34da6a3ce929d0e0e4736-" SPAN "-01",
        "00-" TRACE "-.0f067aa0ba902b7-01",
        "00_" TRACE "-" SPAN "-01",
        "00-" TRACE "_" SPAN "-01",
        "00-" TRACE "-" SPAN "_01",
        " 00-" TRACE "-" SPAN "-01",
        "00-" TRACE "-" SPAN "-01 ",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_str(read_again(cases[i]), "");
}

test(traceparent_with_a_nul_is_refused)
{
    static const char text[] = "00-" TRACE "-" SPAN "-0\0";
    struct trace_context context;

    check(!trace_context_read(str_from_bytes(text, sizeof(text) - 1), &context));
}

test(no_trace_is_written_as_nothing)
{
    struct trace_context none = {.is_sampled = true};
    char parent[TRACE_PARENT_TEXT_BYTES];
    char id[TRACE_ID_TEXT_BYTES];

    trace_context_write(&none, parent);
    trace_context_write_id(&none, id);
    check(!trace_context_is_set(&none));
    check_str(parent, "");
    check_str(id, "");
}

test(the_id_of_a_trace_is_written)
{
    struct trace_context context = {.is_sampled = false};
    char id[TRACE_ID_TEXT_BYTES];

    check(trace_context_read(str_from("00-" TRACE "-" SPAN "-01"), &context));
    trace_context_write_id(&context, id);
    check_str(id, TRACE);
    check(trace_context_is_set(&context));
}

static bool is_state(const char *text)
{
    return trace_state_is_valid(str_from(text));
}

test(tracestate_is_a_list_of_keys_with_values)
{
    static const char *const good[] = {
        "foo=1",
        "foo=1,bar=2",
        "foo=1 \t, \tbar=2",
        "foo=1,,bar=2,",
        "foo@bar=1",
        "0tenant@sys=1",
        "a_-*/0=a b!\"#$%&'()*+-./:;<>?@[]^_`{|}~",
        "foo= 1",
    };
    static const char *const bad[] = {
        "",
        ",",
        " ",
        "foo",
        "=1",
        "foo=",
        "foo=1,foo=2",
        "foo=1=2",
        "Foo=1",
        "0foo=1",
        "foo =1",
        "foo@=1",
        "@foo=1",
        "foo@bar@baz=1",
        "foo@0bar=1",
        "foo=\x01",
        "foo=\xc3\xa4",
        "foo=1;bar=2,b.z=1",
    };

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        check(is_state(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        check(!is_state(bad[i]));
}

test(tracestate_has_bounds)
{
    char text[TRACE_STATE_MAX_BYTES + 2] = "a=";

    memset(text + 2, 'x', 256);
    check(is_state(text)); /* a value of 256 */
    text[2 + 256] = 'x';
    check(!is_state(text));

    /* Two members of 256 bytes and a comma are one byte too many; shorter by one they are not. */
    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, "a=", 2);
    memcpy(text + 256, ",b=", 3);
    check(!is_state(text));
    text[TRACE_STATE_MAX_BYTES] = '\0';
    check(is_state(text));
}

test(tracestate_has_32_members_at_most)
{
    char text[TRACE_STATE_MAX_BYTES] = "";
    size_t len = 0;

    for (int i = 0; i < TRACE_STATE_MAX_MEMBERS; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "k%d=v,", i);
    check(is_state(text));
    (void)snprintf(text + len, sizeof(text) - len, "more=v");
    check(!is_state(text));
}

test(request_ids_are_short_and_plain)
{
    char longest[REQUEST_ID_MAX_BYTES + 2];

    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    check(!request_id_is_valid(str_from(longest)));
    check(request_id_is_valid(str_from(longest + 1)));
    check(request_id_is_valid(str_from("A-z_0.9:/")));
    check(!request_id_is_valid(str_from("")));
    check(!request_id_is_valid(str_from("a b")));
    check(!request_id_is_valid(str_from("a\nb")));
    check(!request_id_is_valid(str_from("a\"b")));
    check(!request_id_is_valid(str_from("\xc3\xa4")));
}
