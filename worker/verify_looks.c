#include "worker/verify_looks.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "hbase/writer.h"
#include "worker/migration.h"

enum { MAX_GAP_ROWS = 50 }; /* rows between two suspects that are read with them */

/* After this time a row is looked at again. */
static const int64_t looks_ms[] = {1000, 3000, 7000, 15000};

/* Does one thing with all suspects. */
struct look {
    struct verify_sink sink;
    struct verify_suspects *suspects;
    const struct verify_rows *rows; /* that are being compared */

    struct hbase_writer *writer; /* of a repair */
    struct buf written;          /* the row that was written to last */
    int64_t nrows_written;
    struct status status; /* the first failure to write */
};

static struct status make_stopped(void)
{
    return status_error(STATUS_CANCELLED, "stopped");
}

/* Suspects i to the one before the returned, which are near each other; *ret_end is the key behind the last of them. */
static size_t take_span(const struct verify_suspects *suspects, size_t i, struct buf *ret_end)
{
    size_t count = verify_suspects_count(suspects);
    size_t end = i + 1;

    while (end < count && verify_suspects_get_ordinal(suspects, end) -
                                  verify_suspects_get_ordinal(suspects, end - 1) <=
                              MAX_GAP_ROWS)
        end++;
    buf_clear(ret_end);
    buf_append_str(ret_end, verify_suspects_get_row(suspects, end - 1));
    buf_append_char(ret_end, '\0');
    return end;
}

/* Compares the rows of a range; what is to be done is done by the look's functions. */
static struct status compare(struct look *look, struct verify_tables *tables,
                             const struct verify_view_options *options)
{
    struct verify_view *view = verify_view_open(tables, options);
    struct verify_row row;
    struct status st = status_ok();
    bool is_end = false;

    look->rows = verify_view_get_rows(view);
    while (st.code == STATUS_OK && !is_end) {
        st = verify_rows_next(verify_view_get_rows(view), &row, &is_end);
        if (st.code == STATUS_OK)
            st = look->status;
    }
    verify_view_close(view);
    return st;
}

static struct status compare_suspects(struct look *look, struct verify_tables *tables,
                                      struct verify_view_options options)
{
    struct buf end = {0};
    struct status st = status_ok();

    for (size_t i = 0; i < verify_suspects_count(look->suspects) && st.code == STATUS_OK;) {
        options.range.start = verify_suspects_get_row(look->suspects, i);
        i = take_span(look->suspects, i, &end);
        options.range.end = buf_get(&end);
        st = compare(look, tables, &options);
    }
    buf_deinit(&end);
    return st;
}

/* A look. */

static void see(struct verify_sink *sink, const struct verify_difference *difference)
{
    struct look *look = container_of(sink, struct look, sink);

    verify_suspects_see(look->suspects, verify_rows_get_row(look->rows), difference);
}

static struct status look_once(struct verify_tables *tables, struct verify_suspects *suspects,
                               bool is_last)
{
    struct look look = {.sink.on_difference = see, .suspects = suspects};

    verify_suspects_begin_look(suspects, is_last);
    struct status st =
        compare_suspects(&look, tables, (struct verify_view_options){.sink = &look.sink});
    verify_suspects_end_look(suspects);
    return st;
}

static struct status look_until_sure(struct verify_tables *tables, struct verify_suspects *suspects,
                                     int64_t seen_ms)
{
    struct status st = status_ok();

    for (size_t i = 0;
         i < ARRAY_LEN(looks_ms) && st.code == STATUS_OK && verify_suspects_count(suspects) > 0;
         i++) {
        if (!stop_pause(tables->options->stop, seen_ms + looks_ms[i] - clock_get_monotonic_ms()))
            return make_stopped();
        st = look_once(tables, suspects, i + 1 == ARRAY_LEN(looks_ms));
    }
    return st;
}

/* A repair. */

static void put(struct look *look, const struct hbase_cell *cell)
{
    if (look->status.code != STATUS_OK)
        return;
    if (!str_is_equal(buf_get(&look->written), cell->row)) {
        buf_clear(&look->written);
        buf_append_str(&look->written, cell->row);
        look->nrows_written++;
    }
    look->status = migration_at_destination(hbase_writer_put(look->writer, cell, 1));
}

/* Whatever the source has may be written: it is the same cell again if it comes by another way, too. */
static struct status put_lacking(struct verify_sink *sink, const struct hbase_cell *cell)
{
    struct look *look = container_of(sink, struct look, sink);

    if (verify_suspects_has_row(look->suspects, cell->row))
        put(look, cell);
    return look->status;
}

/*
 * Only what was seen by all looks is deleted: the source was read before the destination, and a cell may have come to both in
 * between.
 */
static void delete_extra(struct verify_sink *sink, const struct verify_difference *difference)
{
    struct look *look = container_of(sink, struct look, sink);
    struct hbase_cell marker = {
        .row = verify_rows_get_row(look->rows),
        .family = difference->family,
        .qualifier = difference->qualifier,
        .timestamp_ms = difference->timestamps_ms[VERIFY_DESTINATION],
        .type = HBASE_DELETE,
    };

    if ((difference->type == PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_EXTRA ||
         difference->type == PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_CHANGED_TIMESTAMP) &&
        verify_suspects_has(look->suspects, marker.row, difference))
        put(look, &marker);
}

static struct status repair(struct verify_tables *tables, struct verify_suspects *suspects,
                            int64_t *nrows)
{
    struct hbase_writer_options options = {.max_in_flight = 0};
    struct look look = {
        .sink.on_difference = delete_extra,
        .suspects = suspects,
        .writer = hbase_writer_create(tables->options->destination, &options),
    };

    verify_suspects_begin_repair(suspects);
    struct status st = compare_suspects(
        &look, tables, (struct verify_view_options){.sink = &look.sink, .on_lacking = put_lacking});
    if (st.code == STATUS_OK)
        st = migration_at_destination(hbase_writer_flush(look.writer));
    hbase_writer_destroy(look.writer);
    buf_deinit(&look.written);
    *nrows += look.nrows_written;
    return st;
}

static int64_t count_repaired(struct verify_suspects *suspects)
{
    struct verify_tally tally;

    verify_suspects_add_up(suspects, &tally);
    return tally.nrepaired;
}

struct status verify_looks_run(struct verify_tables *tables, struct verify_suspects *suspects,
                               int64_t seen_ms, int64_t *ret_nrows)
{
    struct status st = look_until_sure(tables, suspects, seen_ms);
    int64_t nrepaired = -1; /* differences, until the repair before */

    *ret_nrows = 0;
    /* What a repair removes may have hidden other cells, which are to go, too. */
    while (tables->rules->has_to_repair && st.code == STATUS_OK &&
           verify_suspects_count(suspects) > 0 && count_repaired(suspects) > nrepaired) {
        nrepaired = count_repaired(suspects);
        st = repair(tables, suspects, ret_nrows);
        if (st.code == STATUS_OK)
            st = look_until_sure(tables, suspects, clock_get_monotonic_ms());
    }
    return st;
}
