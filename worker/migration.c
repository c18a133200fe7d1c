#include "worker/migration.h"

#include "base/arena.h"
#include "connectors/hbase/hbase_source.h"
#include "hbase/cluster.h"
#include "spec/sync_spec.h"
#include "spec/violations.h"
#include "worker/job_context.h"

static const char job_field[] = "job.table";

/* What a sync copies: all that there is. */
static struct migration_spec make_spec_of_sync(const struct sync_spec *sync)
{
    return (struct migration_spec){
        .tables = sync->tables,
        .has_to_load = sync->folder != NULL,
        .folder = sync->folder,
        .has_to_create = sync->has_to_create,
        .max_bytes_s_per_thread = sync->max_bytes_s_per_thread,
        .end_ms = INT64_MAX,
    };
}

static struct status read_spec(const Pb__LeasedJob *job, struct migration *migration)
{
    struct violations violations = {0};
    bool is_one_source = str_is(str_from(job->task->source), job->task->destination);
    struct sync_spec sync;

    if (job->task->spec_case == PB__TASK__SPEC_FULL_MIGRATION) {
        migration_spec_read(job->task->full_migration, is_one_source, migration->arena, &violations,
                            &migration->spec);
    } else if (job->task->spec_case == PB__TASK__SPEC_INCREMENTAL_SYNC) {
        sync_spec_read(job->task->incremental_sync, is_one_source, migration->arena, &violations,
                       &sync);
        if (violations.count == 0)
            migration->spec = make_spec_of_sync(&sync);
    } else {
        return status_error(STATUS_INVALID_ARGUMENT,
                            "the job has no spec of a task between HBase clusters");
    }
    return violations_get_status(&violations);
}

struct hbase_table_name migration_copy_name(const struct table_name *name, struct arena *arena)
{
    return (struct hbase_table_name){
        .namespace = arena_copy_str(arena, name->namespace),
        .qualifier = arena_copy_str(arena, name->qualifier),
    };
}

/* The job's table is one entry of the task's table_names, word by word. */
static struct status read_table(const Pb__LeasedJob *job, struct migration *migration)
{
    const struct table_names_rules rules = {.field = job_field};
    struct violations violations = {0};
    struct table_names names = {0};

    if (job->table[0] == '\0')
        return status_ok();
    table_names_read(&job->table, 1, &rules, migration->arena, &violations, &names);
    if (violations.count > 0)
        return violations_get_status(&violations);
    migration->source_name = migration_copy_name(&names.entries[0].source, migration->arena);
    migration->destination_name =
        migration_copy_name(&names.entries[0].destination, migration->arena);
    hbase_table_name_write(&migration->source_name, migration->source_text);
    hbase_table_name_write(&migration->destination_name, migration->destination_text);
    return status_ok();
}

struct status migration_open_cluster(struct job_context *context, const Pb__DataSource *data_source,
                                     int64_t patience_ms, struct hbase_cluster **ret)
{
    if (data_source->type != PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HBASE)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "data source '%s' is no HBase cluster; type HBASE is needed",
                            data_source->name);
    struct status st =
        hbase_source_open(data_source->parameters_json, data_source->name,
                          job_context_get_stop(context), job_context_get_metrics(context), ret);
    if (st.code == STATUS_OK)
        hbase_cluster_set_patience(*ret, patience_ms);
    return st;
}

struct status migration_open(struct job_context *context, struct migration *ret)
{
    const Pb__LeasedJob *job = job_context_get_job(context);

    ret->context = context;
    ret->arena = arena_create(MIGRATION_ARENA_BYTES);
    if (!job->task || !job->source || !job->destination)
        return status_error(STATUS_INVALID_ARGUMENT, "the job has no task or no data sources");
    struct status st = read_spec(job, ret);
    if (st.code == STATUS_OK)
        st = read_table(job, ret);
    if (st.code == STATUS_OK)
        st = migration_open_cluster(context, job->source, MIGRATION_PATIENCE_MS, &ret->source);
    if (st.code == STATUS_OK)
        st = migration_open_cluster(context, job->destination, MIGRATION_PATIENCE_MS,
                                    &ret->destination);
    return st;
}

void migration_close(struct migration *migration)
{
    hbase_cluster_destroy(migration->source);
    hbase_cluster_destroy(migration->destination);
    arena_destroy(migration->arena);
    *migration = (struct migration){0};
}

struct status migration_at_source(struct status st)
{
    return st.code == STATUS_OK ? st : status_error(st.code, "source: %s", st.text);
}

struct status migration_at_destination(struct status st)
{
    return st.code == STATUS_OK ? st : status_error(st.code, "destination: %s", st.text);
}
