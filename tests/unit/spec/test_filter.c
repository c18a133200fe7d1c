/*
 * tests/unit/spec/test_filter.c - what filters take, what is wrong with those that are none, and that a filter reads as
 * it was written.
 */
#include "spec/filter.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "spec/filter_read.h"
#include "tests/harness/filters/filters.h"
#include "tests/harness/test.h"

enum { ARENA_BYTES = 1 << 20 };

/* A failed bulk import of 2026-01-02T03:04:05.5Z with two labels. */
static bool takes(const char *text)
{
    Pb__Task__LabelsEntry team = PB__TASK__LABELS_ENTRY__INIT, empty = PB__TASK__LABELS_ENTRY__INIT;
    Pb__Task__LabelsEntry *labels[] = {&team, &empty};
    Google__Protobuf__Timestamp time = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Pb__Task task = PB__TASK__INIT;
    struct arena *arena = arena_create(ARENA_BYTES);
    struct violations violations = {0};
    struct filter filter = {0};

    team.key = "team";
    team.value = "ads";
    empty.key = "x-1";
    time.seconds = 1767323045;
    time.nanos = 500000000;
    task.kind = PB__TASK_KIND__TASK_KIND_BULKLOAD;
    task.state = PB__TASK_STATE__TASK_STATE_FAILED;
    task.source = "files";
    task.destination = "db";
    task.display_name = "Nightly \"*\" load";
    task.create_time = &time;
    task.labels = labels;
    task.n_labels = ARRAY_LEN(labels);
    filter_read(str_from(text), arena, &violations, &filter);
    check_str(violations.count ? violations.items[0].text : "", "");
    bool is_taken = filter_matches(&filter, &task);
    arena_destroy(arena);
    return is_taken;
}

test(a_filter_compares_fields)
{
    check(takes(""));
    check(takes(" \t\r\n"));
    check(takes("kind = BULKLOAD"));
    check(!takes("kind=FULL_MIGRATION"));
    check(takes("state = \"FAILED\""));
    check(!takes("state != FAILED"));
    check(takes("source = files"));
    check(!takes("source = 'Files'"));
    check(takes("destination != files"));
    check(takes("display_name = 'Nightly \"\\*\" load'"));
    check(takes("display_name = \"Nightly \\\"\\*\\\" load\""));
}

test(a_star_at_the_end_stands_for_any_text)
{
    check(takes("display_name = \"Nightly *\""));
    check(takes("display_name = Night*"));
    check(takes("display_name = *"));
    check(!takes("display_name = nightly*"));
    check(!takes("display_name != Night*"));
    check(takes("source = f*"));
    check(takes("labels.team = a*"));
    check(takes("labels.team = *"));
    check(!takes("labels.none = *"));
}

test(times_are_compared_to_the_microsecond)
{
    check(takes("create_time = 2026-01-02T03:04:05.5Z"));
    check(takes("create_time = \"2026-01-02T04:04:05.5+01:00\""));
    check(takes("create_time > \"2026-01-02T03:04:05.499999Z\""));
    check(!takes("create_time > \"2026-01-02T03:04:05.500000Z\""));
    check(takes("create_time >= \"2026-01-02T03:04:05.500000Z\""));
    check(takes("create_time < 2026-01-02T03:04:05.500001Z"));
    check(!takes("create_time < 2026-01-02T03:04:05.5Z"));
    check(takes("create_time <= 2026-01-02T03:04:05.5Z"));
    check(!takes("create_time != 2026-01-02T03:04:05.5Z"));
}

test(an_absent_label_equals_nothing)
{
    check(takes("labels.team = ads"));
    check(takes("labels.x-1 = ''"));
    check(!takes("labels.team = ''"));
    check(!takes("labels.none = ''"));
    check(takes("labels.none != ''"));
    check(takes("labels:team"));
    check(takes("labels.x-1:*"));
    check(!takes("labels:none"));
    check(takes("-labels:none"));
}

test(or_binds_tighter_than_and)
{
    check(!takes("state = FAILED OR state = KILLED AND kind = FULL_MIGRATION"));
    check(takes("state = FAILED OR (state = KILLED AND kind = FULL_MIGRATION)"));
    check(!takes("kind = FULL_MIGRATION AND state = FAILED OR state = KILLED"));
    check(takes("(kind = FULL_MIGRATION AND state = FAILED) OR state = FAILED"));
}

test(not_and_minus_negate_what_follows)
{
    check(takes("NOT state = KILLED"));
    check(takes("-state = KILLED AND kind = BULKLOAD"));
    check(takes("NOT state = FAILED OR kind = BULKLOAD"));
    check(!takes("NOT (state = FAILED OR kind = BULKLOAD)"));
    check(takes("-(-(state = FAILED))"));
}

test(a_state_can_be_set_for_the_one_that_the_task_has)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct violations violations = {0};
    struct filter filter = {0};
    Pb__Task task = PB__TASK__INIT;

    task.state = PB__TASK_STATE__TASK_STATE_RUNNING;
    filter_read(str_from("state = PENDING"), arena, &violations, &filter);
    check(!filter_matches(&filter, &task));
    check(filter_matches_in_state(&filter, &task, PB__TASK_STATE__TASK_STATE_PENDING));
    arena_destroy(arena);
}

static const struct {
    const char *text;
    const char *message;
} wrong[] = {
    {"foo = 1",
     "filter, byte 1: 'foo': a comparison is wanted, of kind, state, source, destination, "
     "display_name, create_time or labels.<key>"},
    {"state", "filter, byte 6: it ends here: behind state an operator is wanted: = or !="},
    {"state RUNNING", "filter, byte 7: 'RUNNING': behind state an operator is wanted: = or !="},
    {"state = ",
     "filter, byte 9: it ends here: a value is wanted here: a word, or a text in quotes"},
    {"state == FAILED", "filter, byte 8: '=': a value is wanted here: a word, or a text in quotes"},
    {"state = running", "filter, byte 9: 'running': a state is one of PENDING, RUNNING, SUCCEEDED, "
                        "FAILED, KILLED"},
    {"state = FAIL*",
     "filter, byte 9: 'FAIL*': a state is one of PENDING, RUNNING, SUCCEEDED, FAILED, "
     "KILLED"},
    {"kind = X",
     "filter, byte 8: 'X': a kind is one of BULKLOAD, FULL_MIGRATION, INCREMENTAL_SYNC"},
    {"source < a", "filter, byte 8: '<': source is compared by = and != only"},
    {"create_time > yesterday",
     "filter, byte 15: 'yesterday': a time is as of RFC 3339: \"2026-01-02T03:04:05Z\""},
    {"create_time > 0001-01-01T00:00:00+00:01",
     "filter, byte 15: '0001-01-01T00:00:00+00:01': a time is as of RFC 3339: \"2026-01-02T03:04:05Z\""},
    {"create_time:*",
     "filter, byte 12: ':*': behind create_time an operator is wanted: = != < <= > >="},
    {"labels = a", "filter, byte 7: ' ': labels are asked for by key: labels.<key> = value, or "
                   "labels:<key>"},
    {"labels.Team = a",
     "filter, byte 8: 'Team': a label's key is wanted: 1 to 63 of a-z, 0-9, '_' and "
     "'-', first a letter"},
    {"display_name = 'a", "filter, byte 18: it ends here: a ' that ends the text is missing"},
    {"display_name = \"a\\n\"",
     "filter, byte 18: '\\': behind a backslash stands one of \" ' \\ *"},
    {"display_name = \"*a\"",
     "filter, byte 18: 'a': '*' stands for any text at the end of a value only; "
     "\\* is a star"},
    {"display_name = a*b",
     "filter, byte 18: 'b': '*' stands for any text at the end of a value only; "
     "\"\\*\" is a star"},
    {"source = AND",
     "filter, byte 10: 'AND': a value is wanted here; in quotes it can be this word, too"},
    {"source = a source = b", "filter, byte 12: 'source': AND, OR or the end is wanted here"},
    {"source = a and source = b", "filter, byte 12: 'and': AND, OR or the end is wanted here"},
    {"(source = a", "filter, byte 12: it ends here: AND, OR or ) is wanted here"},
    {"source = a)", "filter, byte 11: ')': AND, OR or the end is wanted here"},
    {"source = a AND",
     "filter, byte 15: it ends here: a comparison is wanted, of kind, state, source, "
     "destination, display_name, create_time or labels.<key>"},
    {"NOT",
     "filter, byte 4: it ends here: a comparison is wanted, of kind, state, source, destination, "
     "display_name, create_time or labels.<key>"},
    {"()", "filter, byte 2: ')': a comparison is wanted, of kind, state, source, destination, "
           "display_name, create_time or labels.<key>"},
};

test(what_is_no_filter_is_told_with_its_place)
{
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct arena *arena = arena_create(ARENA_BYTES);
        struct violations violations = {0};
        struct filter filter = {0};

        filter_read(str_from(wrong[i].text), arena, &violations, &filter);
        check_int(violations.count, 1);
        check_str(violations.items[0].field, "filter");
        check_str(violations.items[0].text, wrong[i].message);
        arena_destroy(arena);
    }
}

/* How many violations a filter has that is made of n times a text, another in between, and an end. */
static unsigned count_violations(const char *text, const char *between, const char *end, size_t n)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct violations violations = {0};
    struct filter filter = {0};
    struct buf buf = {0};

    for (size_t i = 0; i < n; i++)
        buf_append_text(&buf, i == 0 ? text : between);
    buf_append_text(&buf, end);
    filter_read(buf_get(&buf), arena, &violations, &filter);
    buf_deinit(&buf);
    arena_destroy(arena);
    return violations.count;
}

test(a_filter_has_limits)
{
    static const char one[] = "kind = BULKLOAD", more[] = " OR kind = BULKLOAD";

    check_int(count_violations(one, more, "", FILTER_MAX_COMPARISONS), 0);
    check_int(count_violations(one, more, "", FILTER_MAX_COMPARISONS + 1), 1);
    check_int(count_violations(one, " ", "", FILTER_MAX_BYTES - strlen(one) + 1), 0);
    check_int(count_violations(one, " ", "", FILTER_MAX_BYTES - strlen(one) + 2), 1);
    check_int(count_violations("(", "(", "kind = BULKLOAD))))))))))))))))))))))))))))))))",
                               FILTER_MAX_DEPTH),
              0);
    check_int(count_violations("(", "(", "kind = BULKLOAD)))))))))))))))))))))))))))))))))",
                               FILTER_MAX_DEPTH + 1),
              1);
}

test(what_is_written_reads_as_the_same_filter)
{
    struct filter_maker maker = {.seed = 1};

    for (int i = 0; i < 5000; i++) {
        struct arena *arena = arena_create(ARENA_BYTES);
        struct violations violations = {0};
        struct filter made = {0}, read = {0};
        struct buf first = {0}, second = {0};

        filters_make(&maker, arena, &made);
        filter_write(&made, &first);
        filter_read(buf_get(&first), arena, &violations, &read);
        filter_write(&read, &second);
        check_str(violations.count ? violations.items[0].text : "", "");
        check_str(buf_get_text(&second), buf_get_text(&first));
        check(filters_are_equal(made.root, read.root));
        buf_deinit(&first);
        buf_deinit(&second);
        arena_destroy(arena);
    }
}
