#include "worker/verify_reader.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "hbase/scan.h"
#include "worker/job_context.h"
#include "worker/migration.h"

enum {
    THROTTLE_STEP_MS = 100, /* how often the rate is looked at in a pause */
    US_PER_MS = 1000,
};

struct verify_reader {
    struct verify_cells cells;
    const struct verify_reader_options *options;
    struct hbase_scanner *scanner;
    struct hbase_page page;
    size_t next; /* page.cells[next .. ncells) are to come */
};

static struct status obey_bandwidth(const struct verify_reader_options *options)
{
    for (;;) {
        int64_t rate = job_context_get_bytes_per_second(options->migration->context);
        int64_t wait_us = throttle_get_wait_us(options->throttle, rate, clock_get_monotonic_us());
        int64_t wait_ms = (wait_us + US_PER_MS - 1) / US_PER_MS;

        if (stop_is_requested(options->stop))
            return status_error(STATUS_CANCELLED, "stopped");
        if (wait_ms == 0)
            return status_ok();
        (void)stop_pause(options->stop, wait_ms < THROTTLE_STEP_MS ? wait_ms : THROTTLE_STEP_MS);
    }
}

static struct status read_page(struct verify_reader *reader)
{
    struct status st = obey_bandwidth(reader->options);

    if (st.code == STATUS_OK) {
        st = hbase_scanner_next(reader->scanner, &reader->page);
        st = reader->options->side == VERIFY_SOURCE ? migration_at_source(st)
                                                    : migration_at_destination(st);
    }
    if (st.code == STATUS_OK)
        throttle_add(reader->options->throttle, reader->page.nbytes);
    reader->next = 0;
    return st;
}

static struct status next_cell(struct verify_cells *cells, const struct hbase_cell **ret)
{
    struct verify_reader *reader = container_of(cells, struct verify_reader, cells);

    /* A page may have no cells although there are more. */
    while (reader->next == reader->page.ncells && !reader->page.is_end) {
        struct status st = read_page(reader);

        if (st.code != STATUS_OK)
            return st;
    }
    *ret = reader->next < reader->page.ncells ? &reader->page.cells[reader->next++] : NULL;
    return status_ok();
}

struct verify_reader *verify_reader_create(const struct verify_reader_options *options,
                                           struct key_range range)
{
    struct verify_reader *reader = mem_alloc(sizeof(*reader));

    reader->cells.next = next_cell;
    reader->options = options;
    reader->scanner = migration_scan_create(options->migration, options->table, range,
                                            options->view, options->page_bytes);
    return reader;
}

void verify_reader_destroy(struct verify_reader *reader)
{
    if (!reader)
        return;
    hbase_scanner_destroy(reader->scanner);
    mem_free(reader);
}

struct verify_cells *verify_reader_get_cells(struct verify_reader *reader)
{
    return &reader->cells;
}
