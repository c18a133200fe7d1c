#include "spec/job_plan.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/id.h"
#include "spec/import_spec.h"
#include "spec/migration_spec.h"
#include "spec/sync_spec.h"

enum { MAX_JOBS_A_TABLE = 4 };

/* What the ids begin with is LTS's where LTS has such jobs; NULL: they are UUIDs. */
static const struct {
    int step;
    const char *id_prefix;
} roles[] = {
    [PB__JOB_ROLE__JOB_ROLE_PLAN] = {0, "plan-"},
    [PB__JOB_ROLE__JOB_ROLE_SCHEMA] = {1, NULL},
    [PB__JOB_ROLE__JOB_ROLE_PEER] = {2, "peer-"},
    [PB__JOB_ROLE__JOB_ROLE_FULL] = {3, "fulldata-"},
    [PB__JOB_ROLE__JOB_ROLE_BULKLOAD] = {4, "bulkload-"},
    [PB__JOB_ROLE__JOB_ROLE_INCR] = {5, "incr-"},
    [PB__JOB_ROLE__JOB_ROLE_CHECK] = {6, "check-"},
};

/* A plan that is being made; jobs are added in the order of their steps. */
struct draft {
    struct arena *arena;
    struct job_plan plan;
};

static struct draft begin(size_t max_jobs, struct arena *arena)
{
    return (struct draft){
        .arena = arena,
        .plan.jobs = arena_alloc(arena, max_jobs * sizeof(struct planned_job)),
    };
}

static const char *make_id(Pb__JobRole role, struct arena *arena)
{
    char hex[ID_HEX_BYTES], uuid[ID_UUID_BYTES];

    if (!roles[role].id_prefix) {
        id_make_ordered_uuid(uuid);
        return arena_copy_str(arena, str_from(uuid));
    }
    id_make_ordered_hex(hex);
    return arena_printf(arena, "%s%s", roles[role].id_prefix, hex);
}

static void add(struct draft *draft, Pb__JobRole role, const char *table)
{
    struct planned_job *job = &draft->plan.jobs[draft->plan.njobs++];

    *job = (struct planned_job){
        .id = make_id(role, draft->arena),
        .role = role,
        .step = roles[role].step,
        .table = table,
    };
    job->state = job->step == draft->plan.jobs[0].step ? PB__JOB_STATE__JOB_STATE_READY
                                                       : PB__JOB_STATE__JOB_STATE_WAITING;
}

static void add_for_tables(struct draft *draft, Pb__JobRole role, const struct table_names *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        add(draft, role, tables->entries[i].text);
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
    struct draft draft = begin(MAX_JOBS_A_TABLE, arena);
    const char *table = name_table(spec, arena);

    add(&draft, PB__JOB_ROLE__JOB_ROLE_SCHEMA, table);
    add(&draft, PB__JOB_ROLE__JOB_ROLE_FULL, table);
    *ret = draft.plan;
}

void job_plan_make_migration(const struct migration_spec *spec, struct arena *arena,
                             struct job_plan *ret)
{
    struct draft draft = begin(spec->tables.count * MAX_JOBS_A_TABLE, arena);

    draft.plan.max_bytes_s_per_thread = spec->max_bytes_s_per_thread;
    if (spec->tables.has_pattern) {
        add(&draft, PB__JOB_ROLE__JOB_ROLE_PLAN, "");
    } else {
        if (spec->mode != MIGRATION_VERIFY_ONLY) {
            add_for_tables(&draft, PB__JOB_ROLE__JOB_ROLE_SCHEMA, &spec->tables);
            add_for_tables(&draft, PB__JOB_ROLE__JOB_ROLE_FULL, &spec->tables);
            if (spec->has_to_load)
                add_for_tables(&draft, PB__JOB_ROLE__JOB_ROLE_BULKLOAD, &spec->tables);
        }
        if (spec->verify != MIGRATION_VERIFY_NONE)
            add_for_tables(&draft, PB__JOB_ROLE__JOB_ROLE_CHECK, &spec->tables);
    }
    *ret = draft.plan;
}

/* A comma is in no table's name. */
static const char *join_tables(const struct table_names *tables, struct arena *arena)
{
    struct buf list = {0};

    for (size_t i = 0; i < tables->count; i++)
        buf_printf(&list, "%s%s", i == 0 ? "" : ",", tables->entries[i].text);
    const char *joined = arena_copy_str(arena, buf_get(&list));
    buf_deinit(&list);
    return joined;
}

void job_plan_make_sync(const struct sync_spec *spec, struct arena *arena, struct job_plan *ret)
{
    struct draft draft = begin(spec->tables.count * MAX_JOBS_A_TABLE, arena);

    draft.plan.max_bytes_s_per_thread = spec->max_bytes_s_per_thread;
    if (spec->tables.has_pattern) {
        add(&draft, PB__JOB_ROLE__JOB_ROLE_PLAN, "");
    } else {
        const char *all_tables = join_tables(&spec->tables, arena);

        if (spec->has_to_create)
            add_for_tables(&draft, PB__JOB_ROLE__JOB_ROLE_SCHEMA, &spec->tables);
        if (spec->is_full) {
            add(&draft, PB__JOB_ROLE__JOB_ROLE_PEER, all_tables);
            add_for_tables(&draft, PB__JOB_ROLE__JOB_ROLE_FULL, &spec->tables);
        }
        add(&draft, PB__JOB_ROLE__JOB_ROLE_INCR, all_tables);
    }
    *ret = draft.plan;
}
