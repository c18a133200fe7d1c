/*
 * tests/unit/spec/test_filter_plan.c - where the database looks for what a filter takes.
 */
#include "spec/filter_plan.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "spec/filter_read.h"
#include "tests/harness/test.h"

enum { ARENA_BYTES = 1 << 20 };

/* The plan but for its condition, and from and to where those are not all times. */
static void check_plan(const char *text, const char *covers, const char *from, const char *to)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct violations violations = {0};
    struct filter filter = {0};
    struct buf plan = {0}, expected = {0};

    filter_read(str_from(text), arena, &violations, &filter);
    check_int(violations.count, 0);
    filter_plan_write(&filter, arena, &plan);
    buf_printf(&expected, "{\"covers\":%s,\"condition\":", covers);
    check(str_has_prefix(buf_get(&plan), buf_get_text(&expected)));
    if (!str_has_prefix(buf_get(&plan), buf_get_text(&expected)))
        printf("got %s\nnot %s\n", buf_get_text(&plan), buf_get_text(&expected));
    buf_clear(&expected);
    buf_printf(&expected, ",\"from\":\"%s\",\"to\":\"%s\"}", from ? from : "0001-01-01T00:00:00Z",
               to ? to : "9999-12-31T23:59:59.999999Z");
    size_t at = str_find(buf_get(&plan), ",\"from\"");
    check_str(buf_get_text(&plan) + at, buf_get_text(&expected));
    buf_deinit(&plan);
    buf_deinit(&expected);
    arena_destroy(arena);
}

test(a_cover_is_of_what_must_be_so)
{
    check_plan("", "[]", NULL, NULL);
    check_plan("source = a", "[[[\"=\",\"source\",\"a\"]]]", NULL, NULL);
    check_plan("source = a OR labels.k = 'v\"'",
               "[[[\"=\",\"source\",\"a\"],[\"=\",\"labels\",\"v\\\"\",\"k\"]]]", NULL, NULL);
    check_plan("source = a AND labels:k",
               "[[[\"=\",\"source\",\"a\"]],[[\"PRESENT\",\"labels\",\"\",\"k\"]]]", NULL, NULL);
    check_plan("source = a OR create_time != 2026-01-01T00:00:00Z", "[]", NULL, NULL);
    check_plan("NOT (source != a OR destination != b)",
               "[[[\"=\",\"source\",\"a\"]],[[\"=\",\"destination\",\"b\"]]]", NULL, NULL);
    check_plan("destination != b",
               "[[[\"<\",\"destination\",\"b\"],[\">\",\"destination\",\"b\"]]]", NULL, NULL);
    check_plan("NOT labels.k = v", "[]", NULL, NULL);
    check_plan("display_name = ''", "[]", NULL, NULL);
    check_plan("display_name = a*", "[[[\"PREFIX\",\"display_name\",\"a\"]]]", NULL, NULL);
}

test(covers_have_a_limit)
{
    check_plan(
        "source=a AND source=b AND source=c AND source=d AND destination=e",
        "[[[\"=\",\"source\",\"a\"]],[[\"=\",\"destination\",\"e\"]],[[\"=\",\"source\",\"d\"]],"
        "[[\"=\",\"source\",\"c\"]]]",
        NULL, NULL);
}

#define PAIR(KIND, STATE) "[\"AND\",[\"=\",\"kind\",\"" KIND "\"],[\"=\",\"state\",\"" STATE "\"]]"

test(kinds_and_states_are_tried)
{
    check_plan("state = FAILED AND kind != BULKLOAD",
               "[[" PAIR("FULL_MIGRATION", "FAILED") "," PAIR("INCREMENTAL_SYNC", "FAILED") "]]",
               NULL, NULL);
    check_plan("state = FAILED AND source = a AND kind = BULKLOAD",
               "[[[\"=\",\"source\",\"a\"]],[" PAIR("BULKLOAD", "FAILED") "]]", NULL, NULL);
    check_plan("(kind = BULKLOAD AND (state = FAILED OR (state = KILLED AND source = a)))",
               "[[" PAIR("BULKLOAD", "FAILED") "," PAIR("BULKLOAD", "KILLED") "]]", NULL, NULL);
    check_plan("state = FAILED OR source = a", "[]", NULL, NULL);
}

#define T "2026-01-01T00:00:00Z"

test(times_are_bounded)
{
    check_plan("create_time < " T, "[]", NULL, "2025-12-31T23:59:59.999999Z");
    check_plan("create_time <= " T, "[]", NULL, T);
    check_plan("create_time > " T, "[]", "2026-01-01T00:00:00.000001Z", NULL);
    check_plan("create_time >= " T, "[]", T, NULL);
    check_plan("create_time = " T, "[]", T, T);
    check_plan("create_time != " T, "[]", NULL, NULL);
    check_plan("NOT create_time < " T, "[]", T, NULL);
    check_plan("NOT create_time <= " T, "[]", "2026-01-01T00:00:00.000001Z", NULL);
    check_plan("NOT create_time > " T, "[]", NULL, T);
    check_plan("NOT create_time >= " T, "[]", NULL, "2025-12-31T23:59:59.999999Z");
    check_plan("create_time = 2027-01-01T00:00:00Z OR create_time = " T, "[]", T,
               "2027-01-01T00:00:00Z");
    check_plan("create_time >= " T " AND create_time <= 2027-01-01T00:00:00Z", "[]", T,
               "2027-01-01T00:00:00Z");
    check_plan("create_time >= " T " OR kind = BULKLOAD", "[]", NULL, NULL);
}

test(what_cannot_be_is_not_looked_for)
{
    static const char from[] = "0001-01-01T00:00:00.000001Z", to[] = "0001-01-01T00:00:00Z";

    check_plan("state = FAILED AND state = KILLED", "[]", from, to);
    check_plan("create_time < " T " AND create_time > " T, "[]", from, to);
    check_plan("create_time < 0001-01-01T00:00:00Z", "[]", from, to);
    check_plan("create_time > 9999-12-31T23:59:59.999999Z", "[]", from, to);
    check_plan("create_time < 0001-01-01T00:00:00Z OR create_time >= " T, "[]", T, NULL);
}

static bool fits(const struct filter_node *node, const Pb__Task *task)
{
    const struct filter filter = {.root = node};

    return filter_matches(&filter, task);
}

test(a_required_state_is_added)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct violations violations = {0};
    struct filter filter = {0};
    struct buf text = {0};
    Pb__Task task = PB__TASK__INIT;

    filter_require(&filter, FILTER_STATE, "FAILED", PB__TASK_STATE__TASK_STATE_FAILED, arena);
    filter_write(&filter, &text);
    check_str(buf_get_text(&text), "state = \"FAILED\"");
    buf_clear(&text);
    filter_read(str_from("source = a OR source = ''"), arena, &violations, &filter);
    filter_require(&filter, FILTER_STATE, "FAILED", PB__TASK_STATE__TASK_STATE_FAILED, arena);
    filter_write(&filter, &text);
    check_str(buf_get_text(&text), "state = \"FAILED\" AND source = \"a\" OR source = \"\"");
    check(!fits(filter.root, &task));
    task.state = PB__TASK_STATE__TASK_STATE_FAILED;
    check(fits(filter.root, &task));
    buf_deinit(&text);
    arena_destroy(arena);
}
