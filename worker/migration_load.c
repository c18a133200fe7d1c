/*
 * worker/migration_load.c - the BULKLOAD job of a table: there are no files to load.
 *
 * With bulkload=true the Lindorm Tunnel Service writes the destination's files and has them loaded. Here rows go through the
 * destination's write path whatever is asked for: FULL has written them already.
 */
#include <stdio.h>

#include "worker/runner.h"

static struct runner_result run(struct job_context *context, void **ret_state)
{
    struct runner_result result = {.status = status_ok()};

    (void)context;
    (void)ret_state;
    (void)snprintf(
        result.skipped, sizeof(result.skipped),
        "the rows went through the destination's write path; there are no files to load");
    return result;
}

const struct runner migration_load_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_FULL_MIGRATION,
    .role = PB__JOB_ROLE__JOB_ROLE_BULKLOAD,
    .run = run,
};
