/*
 * What is read goes straight on to a sink, page by page. It is flushed when it says so, a writer every second; then all rows that
 * were complete before are at the destination for good, and the owner is told so. Cells keep their timestamps and types, so what is
 * copied again after a failure is the same cells again.
 */
#include "worker/migration_range.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "hbase/scan.h"
#include "hbase/writer.h"
#include "worker/job_context.h"
#include "worker/migration.h"
#include "worker/migration_scan.h"
#include "worker/migration_sink.h"
#include "worker/refused_rows.h"
#include "worker/row_tally.h"
#include "worker/row_text.h"
#include "worker/throttle.h"

enum {
    THROTTLE_STEP_MS = 100, /* how often the rate is looked at in a pause */
    US_PER_MS = 1000,
};

struct range_run {
    const struct range_options *options;
    struct range_owner *owner;
    struct hbase_scanner *scanner;
    struct migration_sink *sink;
    struct row_tally tally; /* of what was read since the last time that the owner was told */
    struct refused_rows refused;
    struct buf next_row; /* all rows before it were given to the sink; empty: none */
    struct throttle throttle;
    int64_t told_ms; /* when the owner was told last */
    bool has_news;   /* next_row is another one since */
};

static struct status make_stopped(void)
{
    return status_error(STATUS_CANCELLED, "stopped");
}

/* Writing. */

/* Tells which row it is, as a user would look for it. */
static struct status explain_refusal(const struct migration *migration,
                                     const struct hbase_cell *cell, struct status reason)
{
    struct buf row = {0}, column = {0};

    row_text_write(cell->row, &row);
    row_text_write(cell->family, &column);
    buf_append_char(&column, ':');
    row_text_write(cell->qualifier, &column);
    struct status st = status_error(
        STATUS_INVALID_ARGUMENT, "table '%s', row '%s', column '%s': %s",
        migration->destination_text, buf_get_text(&row), buf_get_text(&column), reason.text);
    buf_deinit(&column);
    buf_deinit(&row);
    return st;
}

static struct status on_refused(void *self, const struct hbase_cell *cell, struct status reason)
{
    struct range_run *run = self;
    const struct migration *migration = run->options->migration;

    if (migration->spec.on_error != MIGRATION_ON_ERROR_SKIP)
        return explain_refusal(migration, cell, reason);
    refused_rows_add(&run->refused, cell, reason);
    return status_ok();
}

static struct migration_sink *create_sink(struct range_run *run)
{
    struct hbase_writer_options options = {.on_refused = on_refused, .self = run};
    struct hbase_staging *staging = run->options->self;

    if (staging)
        return migration_sink_create_files(run->options->destination, staging);
    return migration_sink_create(run->options->destination, &options);
}

/* Waits until all that was read is written; *ret is what came of its complete rows. */
static struct status settle(struct range_run *run, struct str next_row, struct copy_counts *ret)
{
    const struct migration *migration = run->options->migration;
    int64_t nbad = 0;
    struct status st = migration_at_destination(run->sink->flush(run->sink));

    if (st.code == STATUS_OK)
        st = refused_rows_store(&run->refused, next_row, migration->context, migration->source_text,
                                &nbad);
    if (st.code != STATUS_OK)
        return st;
    *ret = (struct copy_counts){
        .rows_read = run->tally.nrows,
        .rows_written = run->tally.nrows - nbad,
        .bad_rows = nbad,
        .bytes_read = run->tally.nbytes,
    };
    metric_add(job_context_get_bytes_written(migration->context), run->tally.nbytes);
    row_tally_clear(&run->tally);
    return st;
}

static struct status advance(struct range_run *run)
{
    struct range_news news = {.ndifferences = 0};
    struct status st = settle(run, buf_get(&run->next_row), &news.counts);

    if (st.code == STATUS_OK)
        run->owner->on_advance(run->owner, buf_get(&run->next_row), &news);
    run->told_ms = clock_get_monotonic_ms();
    run->has_news = false;
    return st;
}

/* Whether what was read is to be told, if nothing else is done for wait_ms. */
static bool is_due(const struct range_run *run, int64_t wait_ms)
{
    int64_t age_ms = clock_get_monotonic_ms() + wait_ms - run->told_ms;

    return run->has_news && run->sink->is_due(run->sink, age_ms);
}

/* Pauses as bandWidth asks for, which may change meanwhile. */
static struct status obey_bandwidth(struct range_run *run, size_t nbytes)
{
    struct job_context *context = run->options->migration->context;
    struct status st = status_ok();

    throttle_add(&run->throttle, nbytes);
    while (st.code == STATUS_OK) {
        int64_t rate = job_context_get_bytes_per_second(context);
        int64_t wait_us = throttle_get_wait_us(&run->throttle, rate, clock_get_monotonic_us());
        int64_t wait_ms = (wait_us + US_PER_MS - 1) / US_PER_MS;

        if (is_due(run, wait_ms))
            st = advance(run);
        else if (wait_ms == 0)
            break;
        else if (!stop_pause(run->options->stop,
                             wait_ms < THROTTLE_STEP_MS ? wait_ms : THROTTLE_STEP_MS))
            st = make_stopped();
    }
    return st;
}

static struct status copy_page(struct range_run *run, bool *ret_is_end)
{
    struct hbase_page page;
    struct status st = hbase_scanner_next(run->scanner, &page);

    if (st.code != STATUS_OK)
        return migration_at_source(st);
    st = run->sink->put(run->sink, page.cells, page.ncells);
    if (st.code != STATUS_OK)
        return migration_at_destination(st);
    row_tally_add(&run->tally, &page);
    buf_clear(&run->next_row);
    buf_append_str(&run->next_row, page.next_row);
    run->has_news = !page.is_end && run->next_row.len > 0;
    *ret_is_end = page.is_end;
    return obey_bandwidth(run, page.nbytes);
}

struct status migration_range_copy(const struct range_options *options, struct range_owner *owner,
                                   struct copy_counts *ret_counts)
{
    struct range_run run = {
        .options = options,
        .owner = owner,
        .scanner = migration_scan_create(options->migration, options->source, options->range,
                                         MIGRATION_RAW, options->page_bytes),
        .throttle = {.paid_us = clock_get_monotonic_us()},
        .told_ms = clock_get_monotonic_ms(),
    };
    struct status st = status_ok();
    bool is_end = false;

    run.sink = create_sink(&run);
    while (st.code == STATUS_OK && !is_end)
        st = stop_is_requested(options->stop) ? make_stopped() : copy_page(&run, &is_end);
    if (st.code == STATUS_OK)
        st = settle(&run, (struct str){0}, ret_counts);
    run.sink->destroy(run.sink);
    hbase_scanner_destroy(run.scanner);
    refused_rows_deinit(&run.refused);
    row_tally_deinit(&run.tally);
    buf_deinit(&run.next_row);
    return st;
}
