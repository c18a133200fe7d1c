/*
 * worker/migration_full.c - the FULL job of a table: copies its rows.
 */
#include "hbase/table.h"
#include "worker/job_context.h"
#include "worker/migration.h"
#include "worker/migration_range.h"
#include "worker/range_work.h"
#include "worker/runner.h"

static struct status copy_rows(const struct migration *migration)
{
    struct range_work_options options = {
        .migration = migration,
        .source = hbase_table_create(migration->source, &migration->source_name),
        .destination = hbase_table_create(migration->destination, &migration->destination_name),
        .thread_name = "copier",
        .run = migration_range_copy,
    };
    struct copy_counts counts;
    struct status st = range_work_run(&options, &counts);

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
        result.status = copy_rows(&migration);
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
