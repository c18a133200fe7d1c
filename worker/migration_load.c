/*
 * worker/migration_load.c - the BULKLOAD job of a table: there is nothing left to do.
 *
 * With bulkload=true the Lindorm Tunnel Service writes the destination's files and has them loaded. Here FULL does both, region by
 * region, if it is told where to put files, and otherwise writes rows.
 */
#include <stdio.h>

#include "worker/migration.h"
#include "worker/runner.h"

static struct runner_result run(struct job_context *context, void **ret_state)
{
    struct migration migration = {0};
    struct runner_result result = {.status = migration_open(context, &migration)};

    (void)ret_state;
    if (migration.spec.folder)
        (void)snprintf(result.done, sizeof(result.done),
                       "the files were loaded as they were written, by the job of role FULL");
    else
        (void)snprintf(result.skipped, sizeof(result.skipped),
                       "the rows went through the destination's write path; there are no files to "
                       "load (extraAttrs.bulkload says where to put them)");
    migration_close(&migration);
    return result;
}

const struct runner migration_load_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_FULL_MIGRATION,
    .role = PB__JOB_ROLE__JOB_ROLE_BULKLOAD,
    .run = run,
};
