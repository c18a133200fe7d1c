/*
 * Rows are read in one go from the range's beginning to its end. Those that differ are remembered, and looked at again when there are
 * many of them or some time has passed; only then the owner is told of all rows up to there.
 */
#include "worker/verify_range.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "worker/verify_looks.h"

enum {
    ADVANCE_EVERY_MS = 1000,
    MAX_WAIT_MS = 20000, /* of a row that differs, for others that are looked at with it */
    MAX_SUSPECTS_BYTES = 8 * 1024 * 1024,
};

struct range_check {
    struct verify_sink sink;
    struct range_owner *owner;
    struct verify_tables tables;
    struct verify_view *view;
    struct verify_suspects *suspects;
    struct copy_counts counts; /* since the owner was told last */
    struct buf next_row;       /* behind the last row that was compared */
    int64_t ordinal;           /* of the row that is being compared */
    int64_t told_ms;           /* when the owner was told last */
    int64_t seen_ms;           /* when the last suspect was seen */
};

static void note(struct verify_sink *sink, const struct verify_difference *difference)
{
    struct range_check *check = container_of(sink, struct range_check, sink);

    verify_suspects_note(check->suspects, verify_rows_get_row(verify_view_get_rows(check->view)),
                         check->ordinal, difference);
    check->seen_ms = clock_get_monotonic_ms();
}

static void count(struct verify_suspects *suspects, struct job_comparison *comparison)
{
    struct verify_tally tally;

    verify_suspects_add_up(suspects, &tally);
    comparison->missing += tally.counts[PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_MISSING];
    comparison->extra += tally.counts[PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_EXTRA];
    comparison->changed_values += tally.counts[PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_CHANGED_VALUE];
    comparison->changed_timestamps +=
        tally.counts[PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_CHANGED_TIMESTAMP];
    comparison->repaired += tally.nrepaired;
}

/* Makes sure of the rows so far, and tells the owner what came of them. */
static struct status advance(struct range_check *check)
{
    struct range_news news = {.counts = check->counts};
    Pb__Difference **differences = NULL;
    struct status st = verify_looks_run(&check->tables, check->suspects, check->seen_ms,
                                        &news.counts.rows_written);

    if (st.code != STATUS_OK)
        return st;
    count(check->suspects, &news.counts.comparison);
    news.ndifferences = verify_suspects_get_details(check->suspects, &differences);
    news.differences = differences;
    check->owner->on_advance(check->owner, buf_get(&check->next_row), &news);
    verify_suspects_clear(check->suspects);
    check->counts = (struct copy_counts){0};
    check->told_ms = clock_get_monotonic_ms();
    return st;
}

static bool is_due(const struct range_check *check)
{
    int64_t passed_ms = clock_get_monotonic_ms() - check->told_ms;

    if (verify_suspects_count(check->suspects) == 0)
        return passed_ms >= ADVANCE_EVERY_MS;
    return passed_ms >= MAX_WAIT_MS ||
           verify_suspects_get_size_bytes(check->suspects) >= MAX_SUSPECTS_BYTES;
}

static void take_row(struct range_check *check, const struct verify_row *row)
{
    buf_clear(&check->next_row);
    buf_append_str(&check->next_row, row->key);
    buf_append_char(&check->next_row, '\0');
    check->ordinal++;
    check->counts.rows_read += row->ncells[VERIFY_SOURCE] > 0;
    check->counts.bytes_read += row->nbytes;
    check->counts.comparison.cells += row->ncells[VERIFY_SOURCE];
}

static struct status compare_rows(struct range_check *check)
{
    struct status st = status_ok();
    struct verify_row row;
    bool is_end = false;

    while (st.code == STATUS_OK) {
        st = verify_rows_next(verify_view_get_rows(check->view), &row, &is_end);
        if (st.code != STATUS_OK || is_end)
            break;
        take_row(check, &row);
        if (is_due(check))
            st = advance(check);
    }
    if (st.code == STATUS_OK && check->next_row.len > 0)
        st = advance(check);
    return st;
}

struct status verify_range_compare(const struct range_options *options, struct range_owner *owner,
                                   struct copy_counts *ret_counts)
{
    struct range_check check = {
        .sink.on_difference = note,
        .owner = owner,
        .tables = {.options = options,
                   .rules = options->self,
                   .throttle.paid_us = clock_get_monotonic_us()},
        .suspects = verify_suspects_create(),
        .told_ms = clock_get_monotonic_ms(),
    };

    check.view = verify_view_open(
        &check.tables, &(struct verify_view_options){.range = options->range, .sink = &check.sink});
    struct status st = compare_rows(&check);
    verify_view_close(check.view);
    verify_suspects_destroy(check.suspects);
    buf_deinit(&check.next_row);
    if (st.code == STATUS_OK)
        *ret_counts = (struct copy_counts){0};
    return st;
}
