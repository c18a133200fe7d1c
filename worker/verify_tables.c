#include "worker/verify_tables.h"

#include "base/clock.h"
#include "base/mem.h"
#include "worker/verify_reader.h"

struct verify_view {
    struct verify_reader_options sides[VERIFY_NSIDES];
    struct verify_reader *readers[VERIFY_NSIDES];
    struct verify_rows *rows;
};

struct verify_view *verify_view_open(struct verify_tables *tables,
                                     const struct verify_view_options *options)
{
    struct verify_view *view = mem_alloc(sizeof(*view));
    struct verify_rows_options rows = {
        .has_values = tables->rules->has_values,
        .now_ms = clock_get_time_us() / 1000,
        .sink = options->sink,
        .on_lacking = options->on_lacking,
    };

    for (int side = 0; side < VERIFY_NSIDES; side++) {
        view->sides[side] = (struct verify_reader_options){
            .migration = tables->options->migration,
            .table = side == VERIFY_SOURCE ? tables->options->source : tables->options->destination,
            .side = (enum verify_side)side,
            .view = tables->rules->has_values ? MIGRATION_VISIBLE : MIGRATION_KEYS,
            .stop = tables->options->stop,
            .page_bytes = tables->options->page_bytes,
            .throttle = &tables->throttle,
        };
        view->readers[side] = verify_reader_create(&view->sides[side], options->range);
        rows.cells[side] = verify_reader_get_cells(view->readers[side]);
        rows.families[side] = &tables->rules->families[side];
    }
    view->rows = verify_rows_create(&rows);
    return view;
}

void verify_view_close(struct verify_view *view)
{
    if (!view)
        return;
    verify_rows_destroy(view->rows);
    for (int side = 0; side < VERIFY_NSIDES; side++)
        verify_reader_destroy(view->readers[side]);
    mem_free(view);
}

struct verify_rows *verify_view_get_rows(struct verify_view *view)
{
    return view->rows;
}
