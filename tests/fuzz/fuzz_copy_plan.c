/*
 * tests/fuzz/fuzz_copy_plan.c - any bytes as the saved plan of a copy, for tables of few regions and of many.
 *
 * What is taken must, written again, be taken again and mean the same: the same counts, and ranges without holes or overlaps.
 */
#include <assert.h>
#include <stdint.h>

#include "base/compiler.h"
#include "hbase/cell.h"
#include "worker/copy_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_equal(const struct copy_progress *a, const struct copy_progress *b)
{
    return a->counts.rows_read == b->counts.rows_read &&
           a->counts.rows_written == b->counts.rows_written &&
           a->counts.bad_rows == b->counts.bad_rows &&
           a->counts.bytes_read == b->counts.bytes_read && a->nregions == b->nregions &&
           a->nregions_done == b->nregions_done;
}

/* Takes all ranges, which ends the plan. */
static void check_ranges(struct copy_plan *plan)
{
    const struct copy_counts none = {0};
    struct str end = {0};

    for (int64_t n = copy_plan_take(plan); n != COPY_PLAN_NONE; n = copy_plan_take(plan)) {
        struct key_range range = copy_plan_get_range(plan, n);

        assert(hbase_bytes_compare(end, range.start) <= 0);
        assert(range.end.len == 0 || hbase_bytes_compare(range.start, range.end) < 0);
        end = range.end;
        copy_plan_finish(plan, n, &none);
    }
    struct copy_progress progress = copy_plan_get_progress(plan);
    assert(progress.nregions_done == progress.nregions);
}

static void try_plan(const struct copy_plan_options *options, struct str saved)
{
    struct copy_plan *plan = NULL, *again = NULL;
    struct buf written = {0};

    if (copy_plan_resume(options, saved, &plan).code != STATUS_OK)
        return;
    assert(copy_plan_write(plan, &written));
    struct status st = copy_plan_resume(options, buf_get(&written), &again);
    assert(st.code == STATUS_OK);
    struct copy_progress a = copy_plan_get_progress(plan), b = copy_plan_get_progress(again);
    assert(is_equal(&a, &b));
    check_ranges(plan);
    check_ranges(again);
    copy_plan_destroy(again);
    copy_plan_destroy(plan);
    buf_deinit(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str starts[] = {{0}, {"b", 1}, {"b\0", 2}, {"k", 1}, {"k\377", 2}};
    const struct copy_plan_options all = {.starts = starts, .nstarts = ARRAY_LEN(starts)};
    const struct copy_plan_options one = {.starts = starts, .nstarts = 1};
    const struct copy_plan_options part = {
        .whole = {{"a", 1}, {"k", 1}}, .starts = starts, .nstarts = ARRAY_LEN(starts)};

    try_plan(&all, str_from_bytes(data, size));
    try_plan(&one, str_from_bytes(data, size));
    try_plan(&part, str_from_bytes(data, size));
    return 0;
}
