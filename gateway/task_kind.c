#include "gateway/task_kind.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "spec/import_spec.h"
#include "spec/job_plan.h"
#include "spec/migration_spec.h"
#include "spec/sync_spec.h"
#include "spec/violations.h"

static bool is_one_source(const Pb__Task *task)
{
    return strcmp(task->source, task->destination) == 0;
}

static void plan_bulkload(const Pb__Task *task, struct arena *arena, struct violations *violations,
                          struct job_plan *ret)
{
    struct import_spec *spec = NULL;
    struct status st = import_spec_read(task->bulkload, violations, &spec);

    if (st.code == STATUS_OK)
        job_plan_make_bulkload(spec, arena, ret);
    import_spec_destroy(spec);
}

static void plan_migration(const Pb__Task *task, struct arena *arena, struct violations *violations,
                           struct job_plan *ret)
{
    struct migration_spec spec;

    migration_spec_read(task->full_migration, is_one_source(task), arena, violations, &spec);
    if (violations->count == 0)
        job_plan_make_migration(&spec, arena, ret);
}

static void plan_sync(const Pb__Task *task, struct arena *arena, struct violations *violations,
                      struct job_plan *ret)
{
    struct sync_spec spec;

    sync_spec_read(task->incremental_sync, is_one_source(task), arena, violations, &spec);
    if (violations->count == 0)
        job_plan_make_sync(&spec, arena, ret);
}

#define TYPE(name) PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_##name

static const struct task_kind kinds[] = {
    {
        .kind = PB__TASK_KIND__TASK_KIND_BULKLOAD,
        .spec_case = PB__TASK__SPEC_BULKLOAD,
        .id_prefix = "proc-",
        .source_types = {TYPE(FILE), TYPE(HDFS), TYPE(S3)},
        .destination_types = {TYPE(POSTGRES), TYPE(HBASE), TYPE(LINDORM)},
        .plan = plan_bulkload,
    },
    {
        .kind = PB__TASK_KIND__TASK_KIND_FULL_MIGRATION,
        .spec_case = PB__TASK__SPEC_FULL_MIGRATION,
        .id_prefix = "workflow-",
        .source_types = {TYPE(HBASE), TYPE(LINDORM)},
        .destination_types = {TYPE(HBASE), TYPE(LINDORM)},
        .plan = plan_migration,
    },
    {
        .kind = PB__TASK_KIND__TASK_KIND_INCREMENTAL_SYNC,
        .spec_case = PB__TASK__SPEC_INCREMENTAL_SYNC,
        .id_prefix = "wal-",
        .source_types = {TYPE(HBASE), TYPE(LINDORM)},
        .destination_types = {TYPE(HBASE), TYPE(LINDORM)},
        .plan = plan_sync,
    },
};

const struct task_kind *task_kind_find(const Pb__Task *task)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].spec_case == task->spec_case)
            return &kinds[i];
    return NULL;
}

/* The spec of a task of a kind. */
static const ProtobufCMessage *get_spec(const Pb__Task *task)
{
    switch (task->spec_case) {
    case PB__TASK__SPEC_BULKLOAD:
        return &task->bulkload->base;
    case PB__TASK__SPEC_FULL_MIGRATION:
        return &task->full_migration->base;
    default:
        assert(task->spec_case == PB__TASK__SPEC_INCREMENTAL_SYNC);
        return &task->incremental_sync->base;
    }
}

struct str task_kind_pack_spec(const Pb__Task *task, struct arena *arena)
{
    const ProtobufCMessage *spec = get_spec(task);
    size_t size = protobuf_c_message_get_packed_size(spec);
    uint8_t *bytes = arena_alloc(arena, size + 1);

    return str_from_bytes(bytes, protobuf_c_message_pack(spec, bytes));
}

/* A copy of a task between clusters with a copy of its spec, which may be changed. */
static Pb__Task *copy_with_spec(const Pb__Task *task, struct arena *arena)
{
    Pb__Task *copy = arena_alloc(arena, sizeof(*copy));

    *copy = *task;
    if (task->spec_case == PB__TASK__SPEC_FULL_MIGRATION) {
        copy->full_migration = arena_alloc(arena, sizeof(*copy->full_migration));
        *copy->full_migration = *task->full_migration;
    } else {
        assert(task->spec_case == PB__TASK__SPEC_INCREMENTAL_SYNC);
        copy->incremental_sync = arena_alloc(arena, sizeof(*copy->incremental_sync));
        *copy->incremental_sync = *task->incremental_sync;
    }
    return copy;
}

Pb__Task *task_kind_replace_tables(const Pb__Task *task, char **names, size_t count,
                                   struct arena *arena)
{
    Pb__Task *copy = copy_with_spec(task, arena);

    if (task->spec_case == PB__TASK__SPEC_FULL_MIGRATION) {
        copy->full_migration->table_names = names;
        copy->full_migration->n_table_names = count;
    } else {
        copy->incremental_sync->table_names = names;
        copy->incremental_sync->n_table_names = count;
    }
    return copy;
}

const char *task_kind_get_attrs(const Pb__Task *task)
{
    if (task->spec_case == PB__TASK__SPEC_FULL_MIGRATION)
        return task->full_migration->extra_attrs_json;
    assert(task->spec_case == PB__TASK__SPEC_INCREMENTAL_SYNC);
    return task->incremental_sync->extra_attrs_json;
}

Pb__Task *task_kind_replace_attrs(const Pb__Task *task, char *attrs, struct arena *arena)
{
    Pb__Task *copy = copy_with_spec(task, arena);

    if (task->spec_case == PB__TASK__SPEC_FULL_MIGRATION)
        copy->full_migration->extra_attrs_json = attrs;
    else
        copy->incremental_sync->extra_attrs_json = attrs;
    return copy;
}
