#include "connectors/parquet/parquet_plan.h"

#include <assert.h>

#include "connectors/parquet/parquet_file.h"
#include "connectors/parquet/parquet_limits.h"
#include "connectors/parquet/parquet_pages.h"
#include "connectors/plan.h"

/* Splits of one file in the making. */
struct cutter {
    struct plan *plan;
    size_t first_split;  /* of this file, in the plan */
    struct split split;  /* size_bytes is what its column chunks have */
    uint64_t size_bytes; /* of all splits so far */
    uint64_t largest_group;
    uint64_t largest_size_bytes;
};

static void end_split(struct cutter *cutter)
{
    struct split *split = &cutter->split;

    if (split->end == split->first)
        return;
    plan_add_split(cutter->plan, split);
    cutter->size_bytes += split->size_bytes;
    split->first = split->end;
    split->first_row = (int64_t)split->first + 1;
    split->size_bytes = 0;
}

static void add_row_group(struct cutter *cutter, uint64_t number, uint64_t nrows,
                          uint64_t size_bytes)
{
    struct split *split = &cutter->split;

    if (size_bytes > cutter->largest_size_bytes) {
        cutter->largest_group = number;
        cutter->largest_size_bytes = size_bytes;
    }

    if (split->end - split->first + nrows > PARQUET_SPLIT_ROWS)
        end_split(cutter);
    split->end += nrows;
    split->size_bytes += size_bytes;
}

static struct status read_row_groups(struct cutter *cutter, struct parquet_query *query,
                                     duckdb_data_chunk chunk)
{
    const int64_t *numbers = parquet_query_get_values(query, chunk, 0);
    const int64_t *nrows = parquet_query_get_values(query, chunk, 1);
    const int64_t *sizes = parquet_query_get_values(query, chunk, 2);
    size_t ngroups = query->file->duck->data_chunk_get_size(chunk);

    for (size_t i = 0; i < ngroups; i++) {
        /* The footer says it, and it may say anything. */
        bool is_sane =
            nrows[i] >= 0 && sizes[i] >= 0 && (uint64_t)nrows[i] <= INT64_MAX - cutter->split.end &&
            (uint64_t)sizes[i] <= INT64_MAX - cutter->size_bytes - cutter->split.size_bytes;

        if (!is_sane)
            return status_error(STATUS_INVALID_ARGUMENT,
                                "file '%s' cannot be read as Parquet: a row group's size is wrong",
                                query->file->planned->path);
        add_row_group(cutter, (uint64_t)numbers[i], (uint64_t)nrows[i], (uint64_t)sizes[i]);
    }
    return status_ok();
}

static const char row_groups[] = "SELECT row_group_id::BIGINT,"
                                 "       any_value(row_group_num_rows)::BIGINT,"
                                 "       coalesce(sum(total_compressed_size), 0)::BIGINT"
                                 "  FROM parquet_metadata(?)"
                                 " GROUP BY row_group_id"
                                 " ORDER BY row_group_id";

/* Turns sizes of column chunks into shares of the file, so that they add up to its size. */
static void share_size(struct cutter *cutter, uint64_t file_size_bytes)
{
    struct plan *plan = cutter->plan;
    bool counts_rows = cutter->size_bytes == 0;
    uint64_t total = counts_rows ? cutter->split.end : cutter->size_bytes;
    uint64_t done = 0;
    uint64_t shared = 0;

    for (size_t i = cutter->first_split; i < plan->nsplits; i++) {
        struct split *split = &plan->splits[i];

        done += counts_rows ? split->end - split->first : split->size_bytes;
        uint64_t until = (uint64_t)((int128)file_size_bytes * done / total);
        split->size_bytes = until - shared;
        shared = until;
    }
}

static struct status cut(struct parquet_file *file, uint32_t number, struct plan *plan,
                         uint64_t *ret_largest_group)
{
    struct cutter cutter = {
        .plan = plan,
        .first_split = plan->nsplits,
        .split = {.file = number, .first_row = 1},
    };
    struct parquet_query query;
    duckdb_data_chunk chunk;
    struct status st = parquet_query_start(&query, file, row_groups, NULL);

    while (st.code == STATUS_OK) {
        st = parquet_query_next(&query, &chunk);
        if (st.code != STATUS_OK || !chunk)
            break;
        st = read_row_groups(&cutter, &query, chunk);
    }
    parquet_query_stop(&query);
    if (st.code != STATUS_OK)
        return st;

    *ret_largest_group = cutter.largest_group;
    end_split(&cutter);
    if (plan->nsplits == cutter.first_split) {
        /* No rows: a split without rows is there for the file's bytes. */
        cutter.split.size_bytes = file->planned->size_bytes;
        plan_add_split(plan, &cutter.split);
        return st;
    }
    share_size(&cutter, file->planned->size_bytes);
    return st;
}

static struct status check_columns(struct parquet_file *file, const struct import_spec *spec)
{
    struct parquet_query query;
    size_t found;
    struct status st = parquet_query_start_schema(&query, file);

    for (size_t i = 0; st.code == STATUS_OK && i < spec->ncolumns; i++)
        st = parquet_query_find_column(&query, spec->columns[i].source, &found);
    parquet_query_stop(&query);
    return st;
}

static struct status plan_file(const struct import_spec *spec, const struct file_root *root,
                               uint32_t number, struct plan *plan)
{
    struct parquet_file file = {0};
    uint64_t largest_group;
    unsigned nthreads;
    struct status st = parquet_file_open(root, &plan->files[number], &file);

    if (st.code == STATUS_OK)
        st = check_columns(&file, spec);
    if (st.code == STATUS_OK)
        st = cut(&file, number, plan, &largest_group);
    if (st.code == STATUS_OK)
        st = parquet_pages_choose_threads(&file, spec, largest_group, &nthreads);
    if (st.code == STATUS_OK && nthreads < plan->max_threads)
        plan->max_threads = nthreads;
    parquet_file_close(&file);
    return st;
}

struct status parquet_plan(const struct import_spec *spec, const struct file_root *root,
                           const struct stop *stop, struct plan *plan)
{
    struct status st = status_ok();

    assert(plan->nfiles <= UINT32_MAX);
    plan->max_threads = PARQUET_MAX_THREADS;
    for (uint32_t i = 0; st.code == STATUS_OK && i < plan->nfiles; i++) {
        if (stop_is_requested(stop))
            return status_error(STATUS_CANCELLED, "stop was requested");
        st = plan_file(spec, root, i, plan);
    }
    return st;
}
