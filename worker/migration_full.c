/*
 * worker/migration_full.c - the FULL job of a table: copies its rows, through the destination's write path or by files.
 */
#include <inttypes.h>
#include <stdio.h>

#include "hbase/bulk_writer.h"
#include "hbase/message.h"
#include "hbase/staging.h"
#include "hbase/table.h"
#include "worker/job_context.h"
#include "worker/migration.h"
#include "worker/migration_range.h"
#include "worker/migration_table.h"
#include "worker/range_work.h"
#include "worker/runner.h"

/* Makes the folder of the files and sees that the destination can load what is in it; a copy through the write path has none. */
static struct status open_staging(const struct migration *migration,
                                  struct hbase_table *destination, struct hbase_staging **ret)
{
    const Pb__LeasedJob *job = job_context_get_job(migration->context);
    Hb__TableSchema *schema = NULL;

    if (!migration->spec.folder)
        return status_ok();
    struct status st = migration_table_describe(
        migration->destination, &migration->destination_name, "C", migration->arena, &schema);
    if (st.code == STATUS_OK && schema->n_column_families == 0)
        st = status_error(STATUS_FAILED_PRECONDITION, "table %s has no column families",
                          migration->destination_text);
    if (st.code == STATUS_OK)
        st = hbase_staging_open(migration->spec.folder, job->id, job->lease_token, ret);
    if (st.code == STATUS_OK)
        st = hbase_bulk_writer_check(destination, *ret,
                                     hbase_bytes_get(schema->column_families[0]->name));
    return migration_at_destination(st);
}

static struct status copy_rows(const struct migration *migration, char ret_done[RUNNER_TEXT_BYTES])
{
    struct hbase_staging *staging = NULL;
    struct range_work_options options = {
        .migration = migration,
        .source = hbase_table_create(migration->source, &migration->source_name),
        .destination = hbase_table_create(migration->destination, &migration->destination_name),
        .thread_name = "copier",
        .run = migration_range_copy,
    };
    struct copy_counts counts;
    struct status st = open_staging(migration, options.destination, &staging);

    options.self = staging;
    if (st.code == STATUS_OK)
        st = range_work_run(&options, &counts);
    if (st.code == STATUS_OK && staging)
        (void)snprintf(ret_done, RUNNER_TEXT_BYTES, "this attempt had %" PRIu64 " files loaded",
                       hbase_staging_get_loaded(staging));
    hbase_staging_close(staging);
    hbase_table_destroy(options.source);
    hbase_table_destroy(options.destination);
    return st;
}

static struct runner_result run(struct job_context *context, void **ret_state)
{
    struct migration migration = {0};
    struct runner_result result = {.status = migration_open(context, &migration)};

    (void)ret_state;
    if (result.status.code == STATUS_OK)
        result.status = copy_rows(&migration, result.done);
    migration_close(&migration);
    return result;
}

const struct runner migration_full_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_FULL_MIGRATION,
    .role = PB__JOB_ROLE__JOB_ROLE_FULL,
    .run = run,
};

const struct runner sync_full_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_INCREMENTAL_SYNC,
    .role = PB__JOB_ROLE__JOB_ROLE_FULL,
    .run = run,
};
