#include "spec/job_plan.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "base/id.h"
#include "spec/import_spec.h"

/* A bulk import makes sure of the table, then moves rows into it. */
static const Pb__JobRole bulkload_steps[] = {
    PB__JOB_ROLE__JOB_ROLE_SCHEMA,
    PB__JOB_ROLE__JOB_ROLE_FULL,
};

/* What the ids of a role's jobs begin with, as LTS names them; NULL: they are UUIDs. */
static const char *const prefixes[] = {
    [PB__JOB_ROLE__JOB_ROLE_SCHEMA] = NULL,
    [PB__JOB_ROLE__JOB_ROLE_FULL] = "fulldata-",
};

static const char *make_id(Pb__JobRole role, struct arena *arena)
{
    char hex[ID_HEX_BYTES], uuid[ID_UUID_BYTES];

    if (!prefixes[role]) {
        id_make_uuid(uuid);
        return arena_copy_str(arena, str_from(uuid));
    }
    id_make_hex(hex);
    return arena_printf(arena, "%s%s", prefixes[role], hex);
}

static const char *name_table(const struct import_spec *spec, struct arena *arena)
{
    if (str_from(spec->namespace).len == 0)
        return arena_copy_str(arena, str_from(spec->table));
    return arena_printf(arena, "%s:%s", spec->namespace, spec->table);
}

void job_plan_make_bulkload(const struct import_spec *spec, struct arena *arena,
                            struct job_plan *ret)
{
    const char *table = name_table(spec, arena);
    size_t njobs = ARRAY_LEN(bulkload_steps);
    struct planned_job *jobs = arena_alloc(arena, njobs * sizeof(*jobs));

    for (size_t i = 0; i < njobs; i++)
        jobs[i] = (struct planned_job){
            .id = make_id(bulkload_steps[i], arena),
            .role = bulkload_steps[i],
            .step = (int)i + 1,
            .state = i == 0 ? PB__JOB_STATE__JOB_STATE_READY : PB__JOB_STATE__JOB_STATE_WAITING,
            .table = table,
        };
    *ret = (struct job_plan){.jobs = jobs, .njobs = njobs};
}
