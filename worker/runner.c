#include "worker/runner.h"

#include "base/compiler.h"

static const struct runner *const runners[] = {
    &import_schema_runner,    &import_full_runner,    &migration_plan_runner,
    &migration_schema_runner, &migration_full_runner, &migration_load_runner,
    &verify_runner,           &sync_plan_runner,      &sync_schema_runner,
    &sync_peer_runner,        &sync_full_runner,      &sync_incr_runner,
    &sync_release_runner,
};

const struct runner *runner_find(Pb__TaskKind kind, Pb__JobRole role)
{
    for (size_t i = 0; i < ARRAY_LEN(runners); i++) {
        if (runners[i]->kind == kind && runners[i]->role == role)
            return runners[i];
    }
    return NULL;
}
