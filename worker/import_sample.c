/*
 * worker/import_sample.c - the first rows of some splits, which are spread evenly over the files.
 */
#include "worker/import_sample.h"

#include "connectors/file/file_root.h"
#include "worker/job_context.h"

enum { MAX_PLACES = 32 }; /* where rows are looked at: a batch each */

static struct status ignore_bad_row(struct bad_row_sink *sink, const struct bad_row *row)
{
    (void)sink;
    (void)row;
    return status_ok();
}

static struct status read_place(struct import *import, const struct reader_options *options,
                                struct batch *batch, struct row_taker *taker)
{
    struct reader *reader = NULL;
    struct status st = import->reader->open(options, &reader);

    if (st.code == STATUS_OK)
        st = import->reader->next(reader, batch);
    if (st.code == STATUS_OK)
        taker->on_batch(taker, batch);
    import->reader->close(reader);
    return st;
}

static struct status read_places(struct import *import, const struct plan *plan,
                                 const struct target_column *columns, struct row_taker *taker)
{
    struct bad_row_sink sink = {ignore_bad_row};
    struct batch *batch = batch_create(columns, import->spec->ncolumns);
    size_t nplaces = plan->nsplits < MAX_PLACES ? plan->nsplits : MAX_PLACES;
    struct status st = status_ok();

    for (size_t i = 0; i < nplaces && st.code == STATUS_OK; i++) {
        const struct reader_options options = {
            .spec = import->spec,
            .root = import->root,
            .columns = columns,
            .ncolumns = import->spec->ncolumns,
            .plan = plan,
            .split = &plan->splits[i * plan->nsplits / nplaces],
            .bad_rows = &sink,
            .stop = job_context_get_stop(import->context),
        };
        st = read_place(import, &options, batch, taker);
    }
    batch_destroy(batch);
    return st;
}

static struct status read_sample(struct row_sampler *sampler, const struct target_column *columns,
                                 struct row_taker *taker, uint64_t *ret_size_bytes)
{
    struct import *import = container_of(sampler, struct import_sampler, base)->import;
    struct plan plan = {0};
    uint64_t size_bytes = 0;
    struct status st = import_make_plan(import, &plan);

    for (size_t i = 0; i < plan.nfiles; i++)
        size_bytes += plan.files[i].size_bytes;
    if (st.code == STATUS_OK)
        st = read_places(import, &plan, columns, taker);
    if (st.code == STATUS_OK)
        *ret_size_bytes = size_bytes;
    plan_deinit(&plan);
    return st;
}

void import_sampler_init(struct import_sampler *sampler, struct import *import)
{
    *sampler = (struct import_sampler){.base = {read_sample}, .import = import};
}
