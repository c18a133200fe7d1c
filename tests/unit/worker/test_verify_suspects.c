/*
 * tests/unit/worker/test_verify_suspects.c - what is left of differences when rows are looked at again.
 *
 * A look is a text: "a1 a2 b1" are differences 1 and 2 of row a, and 1 of row b.
 */
#include "worker/verify_suspects.h"

#include <string.h>

#include "base/compiler.h"
#include "tests/harness/test.h"

/* All of one family and column, missing but for those from '5' on, which are extra. */
static struct verify_difference make_difference(char number)
{
    struct verify_difference difference = {
        .type = number < '5' ? PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_MISSING
                             : PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_EXTRA,
        .family = str_from("f"),
        .qualifier = str_from("q"),
        .timestamps_ms = {number},
        .values = {str_from("v")},
    };

    difference.mark.bytes[3] = (uint8_t)number;
    return difference;
}

static void note(struct verify_suspects *suspects, const char *look)
{
    int64_t ordinal = 0;

    for (const char *at = look; *at; at += 3) {
        struct verify_difference difference = make_difference(at[1]);

        verify_suspects_note(suspects, str_from_bytes(at, 1), ordinal++, &difference);
        if (!at[2])
            return;
    }
}

static void look_again(struct verify_suspects *suspects, const char *look, bool is_last)
{
    verify_suspects_begin_look(suspects, is_last);
    for (const char *at = look; *at; at += 3) {
        struct verify_difference difference = make_difference(at[1]);

        verify_suspects_see(suspects, str_from_bytes(at, 1), &difference);
        if (!at[2])
            break;
    }
    verify_suspects_end_look(suspects);
}

/* "missing extra repaired rows" */
static const char *add_up(struct verify_suspects *suspects, struct buf *text)
{
    struct verify_tally tally;

    verify_suspects_add_up(suspects, &tally);
    buf_clear(text);
    buf_printf(text, "%d %d %d %zu",
               (int)tally.counts[PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_MISSING],
               (int)tally.counts[PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_EXTRA], (int)tally.nrepaired,
               verify_suspects_count(suspects));
    return buf_get_text(text);
}

test(a_difference_counts_if_every_look_finds_it)
{
    static const struct {
        const char *first, *second, *third, *expected;
    } cases[] = {
        {"a1", "a1", "a1", "1 0 0 1"},
        {"a1", "", "", "0 0 0 0"},
        {"a1", "a1", "", "0 0 0 0"},
        {"a1", "", "a1", "0 0 0 0"},
        {"a1", "a2", "a2", "0 0 0 0"},
        {"a1 a2", "a2 a3", "a2 a3", "1 0 0 1"},
        {"a1 b1", "b1", "b1 c1", "1 0 0 1"},
        {"a1 a7 b8", "a1 a7 b8", "a1 a7 b8", "1 2 0 2"},
        {"b1", "a1 b1 c1", "a1 b1", "1 0 0 1"},
    };
    struct buf text = {0};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct verify_suspects *suspects = verify_suspects_create();

        note(suspects, cases[i].first);
        look_again(suspects, cases[i].second, false);
        look_again(suspects, cases[i].third, true);
        check_str(add_up(suspects, &text), cases[i].expected);
        verify_suspects_destroy(suspects);
    }
    buf_deinit(&text);
}

test(only_rows_that_still_differ_are_looked_at)
{
    struct verify_suspects *suspects = verify_suspects_create();

    note(suspects, "a1 b1 b2 c1");
    check_int(verify_suspects_count(suspects), 3);
    check(str_is(verify_suspects_get_row(suspects, 1), "b"));
    look_again(suspects, "a1 c1", false);
    check_int(verify_suspects_count(suspects), 2);
    check(str_is(verify_suspects_get_row(suspects, 1), "c"));
    check_int(verify_suspects_get_ordinal(suspects, 1), 3);
    verify_suspects_clear(suspects);
    check_int(verify_suspects_count(suspects), 0);
    check_int(verify_suspects_get_size_bytes(suspects), 0);
    verify_suspects_destroy(suspects);
}

test(what_is_gone_after_a_repair_is_repaired)
{
    static const struct {
        const char *before, *after, *later, *expected;
    } cases[] = {
        {"a1 a7 b1", "", "", "2 1 3 0"},
        {"a1 a7 b1", "a7", "a7", "2 1 2 1"},
        {"a1 a7 b1", "a7", "", "2 1 3 0"},
        /* What was below an extra cell comes to light. */
        {"a7", "a8", "a8", "0 2 1 1"},
        {"a7", "a8", "", "0 1 1 0"},
    };
    struct buf text = {0};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct verify_suspects *suspects = verify_suspects_create();

        note(suspects, cases[i].before);
        look_again(suspects, cases[i].before, true);
        verify_suspects_begin_repair(suspects);
        look_again(suspects, cases[i].after, false);
        look_again(suspects, cases[i].later, true);
        check_str(add_up(suspects, &text), cases[i].expected);
        verify_suspects_destroy(suspects);
    }
    buf_deinit(&text);
}

test(a_second_repair_goes_on_from_the_first_one)
{
    struct verify_suspects *suspects = verify_suspects_create();
    struct buf text = {0};

    note(suspects, "a7 a1 b7");
    look_again(suspects, "a7 a1 b7", true);
    verify_suspects_begin_repair(suspects);
    look_again(suspects, "a8 b7", true);
    verify_suspects_begin_repair(suspects);
    look_again(suspects, "b7", true);
    check_str(add_up(suspects, &text), "1 3 3 1");
    buf_deinit(&text);
    verify_suspects_destroy(suspects);
}

test(only_what_was_found_is_to_be_repaired)
{
    struct verify_suspects *suspects = verify_suspects_create();
    struct verify_difference found = make_difference('7'), other = make_difference('8');

    note(suspects, "a7 c7");
    look_again(suspects, "a7 c7", true);
    verify_suspects_begin_repair(suspects);
    check(verify_suspects_has_row(suspects, str_from("a")));
    check(verify_suspects_has(suspects, str_from("a"), &found));
    check(!verify_suspects_has(suspects, str_from("a"), &other));
    check(!verify_suspects_has_row(suspects, str_from("b")));
    check(!verify_suspects_has(suspects, str_from("b"), &found));
    check(verify_suspects_has_row(suspects, str_from("c")));
    check(!verify_suspects_has_row(suspects, str_from("d")));
    verify_suspects_destroy(suspects);
}

test(details_are_of_what_the_last_look_finds)
{
    struct verify_suspects *suspects = verify_suspects_create();
    struct verify_tally tally;
    Pb__Difference **details = NULL;

    note(suspects, "a1 a2 b7");
    look_again(suspects, "a1 a2 b7", false);
    check_int(verify_suspects_get_details(suspects, &details), 0);
    look_again(suspects, "a1 b7", true);
    verify_suspects_begin_repair(suspects);
    look_again(suspects, "b7", true);
    verify_suspects_add_up(suspects, &tally);
    check_int(verify_suspects_get_details(suspects, &details), 2);
    check_int(details[0]->type, PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_MISSING);
    check_int(details[0]->row.len, 1);
    check_int(details[0]->row.data[0], 'a');
    check_int(details[0]->family.data[0], 'f');
    check_int(details[0]->source_timestamp, '1');
    check_int(details[0]->source_value.len, 1);
    check(details[0]->is_repaired);
    check_int(details[1]->row.data[0], 'b');
    check(!details[1]->is_repaired);
    verify_suspects_destroy(suspects);
}

static struct verify_difference make_numbered(uint32_t number)
{
    struct verify_difference difference = make_difference('7');

    memcpy(difference.mark.bytes, &number, sizeof(number));
    return difference;
}

test(differences_beyond_those_that_are_tracked_are_counted)
{
    enum { MORE = 10 };
    struct verify_suspects *suspects = verify_suspects_create();
    Pb__Difference **details = NULL;
    struct buf text = {0};

    for (uint32_t i = 0; i < VERIFY_MAX_TRACKED + MORE; i++) {
        struct verify_difference difference = make_numbered(i);

        verify_suspects_note(suspects, str_from("a"), 0, &difference);
    }
    for (int look = 0; look < 3; look++) {
        if (look == 2)
            verify_suspects_begin_repair(suspects);
        verify_suspects_begin_look(suspects, look == 1);
        for (uint32_t i = 0; i < VERIFY_MAX_TRACKED + MORE && look < 2; i++) {
            struct verify_difference difference = make_numbered(i);

            verify_suspects_see(suspects, str_from("a"), &difference);
        }
        verify_suspects_end_look(suspects);
        check_str(add_up(suspects, &text), look < 2 ? "0 65546 0 1" : "0 65546 65546 0");
    }
    check_int(verify_suspects_get_details(suspects, &details), VERIFY_MAX_DETAILS);
    buf_deinit(&text);
    verify_suspects_destroy(suspects);
}
