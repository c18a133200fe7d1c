/*
 * tests/unit/gateway/test_watch_cursor.c - snapshots as texts, and cursors.
 */
#include "gateway/watch_cursor.h"

#include <inttypes.h>
#include <stdint.h>

#include "base/compiler.h"
#include "tests/harness/test.h"

test(snapshots_are_read_as_they_are_written)
{
    static const char *const texts[] = {"1:1:", "10:20:", "10:20:10,14,19",
                                        "3:9223372036854775807:4"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct watch_snapshot snapshot;
        struct buf written = {0};

        check_status(watch_snapshot_read(str_from(texts[i]), &snapshot), STATUS_OK);
        watch_snapshot_write(&snapshot, &written);
        check_str(buf_get_text(&written), texts[i]);
        buf_deinit(&written);
    }
}

test(what_is_no_snapshot_is_refused)
{
    static const char *const texts[] = {
        "",           "10",          "10:20",
        "20:10:",     "0:10:",       "a:10:",
        "10:20:9",    "10:20:20",    "10:20:12,11",
        "10:20:11,",  "10:20:11,11", "10:20:,11",
        "10:20:1x",   "10:20:11:12", "-1:10:",
        "10:20:11,,", " 10:20:",     "1:9223372036854775808:",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct watch_snapshot snapshot;
        check_status(watch_snapshot_read(str_from(texts[i]), &snapshot), STATUS_INVALID_ARGUMENT);
    }
}

/* A snapshot with so many open transactions, as a text. */
static void write_open(struct buf *text, unsigned nopen)
{
    buf_printf(text, "1000:9000000000:");
    for (unsigned i = 0; i < nopen; i++)
        buf_printf(text, "%s%" PRIu64, i ? "," : "", 1000 + (uint64_t)i * 30000000);
}

test(open_transactions_have_a_limit)
{
    for (unsigned more = 0; more <= 1; more++) {
        struct watch_snapshot snapshot;
        struct buf text = {0};

        write_open(&text, TASK_WATCH_MAX_OPEN + more);
        check_status(watch_snapshot_read(buf_get(&text), &snapshot),
                     more ? STATUS_INVALID_ARGUMENT : STATUS_OK);
        buf_deinit(&text);
    }
}

static struct watch_point make_point(void)
{
    struct watch_point point = {
        .origin = -77,
        .time_us = 1790000000123456,
        .is_between = true,
        .seq = 4711,
    };
    struct buf text = {0};

    write_open(&text, TASK_WATCH_MAX_OPEN);
    check_status(watch_snapshot_read(buf_get(&text), &point.told), STATUS_OK);
    check_status(watch_snapshot_read(buf_get(&text), &point.next), STATUS_OK);
    buf_deinit(&text);
    return point;
}

static void check_same(const struct watch_snapshot *a, const struct watch_snapshot *b)
{
    struct buf text_a = {0}, text_b = {0};

    watch_snapshot_write(a, &text_a);
    watch_snapshot_write(b, &text_b);
    check_str(buf_get_text(&text_a), buf_get_text(&text_b));
    buf_deinit(&text_a);
    buf_deinit(&text_b);
}

test(the_largest_cursor_gives_back_its_point)
{
    struct watch_point point = make_point(), again;
    struct buf cursor = {0};

    watch_cursor_write(&point, &cursor);
    check(cursor.len <= WATCH_CURSOR_MAX_BYTES);
    check_status(watch_cursor_read(buf_get_text(&cursor), &again), STATUS_OK);
    check_int(again.origin, point.origin);
    check_int(again.time_us, point.time_us);
    check_int(again.seq, point.seq);
    check(again.is_between);
    check_same(&again.told, &point.told);
    check_same(&again.next, &point.next);
    buf_deinit(&cursor);
}

test(a_cursor_that_was_cut_or_changed_is_refused)
{
    struct watch_point point = {.told = {.start = 700, .end = 705, .nopen = 1, .open = {701}}};
    struct watch_point again;
    struct buf cursor = {0};

    watch_cursor_write(&point, &cursor);
    for (size_t i = 0; i < cursor.len; i++) {
        struct buf other = {0};

        buf_append_str(&other, buf_get(&cursor));
        other.data[i] = other.data[i] == 'A' ? 'B' : 'A';
        check_status(watch_cursor_read(buf_get_text(&other), &again), STATUS_INVALID_ARGUMENT);
        buf_clear(&other);
        buf_append(&other, cursor.data, i);
        check_status(watch_cursor_read(buf_get_text(&other), &again), STATUS_INVALID_ARGUMENT);
        buf_deinit(&other);
    }
    buf_deinit(&cursor);
}
