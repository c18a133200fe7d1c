/*
 * worker/import_schema.c - the SCHEMA job of a bulk import: makes the table, or checks that it fits.
 */
#include <stdio.h>

#include "connectors/file/file_root.h"
#include "worker/import.h"
#include "worker/import_sample.h"
#include "worker/job_context.h"
#include "worker/runner.h"

/* What can be known before any table is made: that there are files, and that they have the columns. */
static struct status check_source(struct import *import)
{
    struct plan plan = {0};
    struct status st = file_root_list(import->root, import->spec->path, &plan);

    plan_deinit(&plan);
    return st;
}

static struct runner_result run(struct job_context *context, void **ret_state)
{
    struct runner_result result = {.status = status_ok()};
    struct import import = {0};
    struct import_sampler sampler;
    bool is_made = false;

    (void)ret_state;
    result.status = import_open(context, &import);
    if (result.status.code == STATUS_OK)
        result.status = check_source(&import);
    import_sampler_init(&sampler, &import);
    if (result.status.code == STATUS_OK)
        result.status = import.writer->make_table(import.destination, &sampler.base, &is_made);
    if (result.status.code == STATUS_OK && !is_made)
        (void)snprintf(result.skipped, sizeof(result.skipped), "the table exists");
    import_close(&import);
    return result;
}

const struct runner import_schema_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_BULKLOAD,
    .role = PB__JOB_ROLE__JOB_ROLE_SCHEMA,
    .run = run,
};
