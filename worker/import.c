#include "worker/import.h"

#include "base/mem.h"
#include "connectors/file/file_root.h"
#include "spec/data_source_spec.h"
#include "worker/job_context.h"

static const struct reader_type *const readers[] = {
    [IMPORT_CSV] = &csv_reader,
    [IMPORT_PARQUET] = &parquet_reader,
};

static const struct {
    Pb__DataSourceType type;
    const struct destination_type *destination;
} destinations[] = {
    {PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HBASE, &hbase_destination},
    {PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_POSTGRES, &postgres_destination},
};

static struct status open_root(const Pb__DataSource *source, struct file_root **ret)
{
    char *path = NULL;

    if (source->type != PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_FILE)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "data source '%s' keeps no files; type FILE is needed", source->name);
    struct status st = data_source_read_parameter(source->parameters_json, "root", &path);
    if (st.code == STATUS_OK && !path)
        st = status_error(STATUS_FAILED_PRECONDITION, "data source '%s' has no root", source->name);
    if (st.code == STATUS_OK)
        st = file_root_open(path, ret);
    mem_free(path);
    return st;
}

static const struct destination_type *find_destination(Pb__DataSourceType type)
{
    for (size_t i = 0; i < ARRAY_LEN(destinations); i++)
        if (destinations[i].type == type)
            return destinations[i].destination;
    return NULL;
}

static struct status open_destination(const Pb__LeasedJob *job, struct import *import)
{
    const Google__Protobuf__Timestamp *created = job->task->create_time;
    struct destination_options options = {
        .name = job->destination->name,
        .parameters_json = job->destination->parameters_json,
        .spec = import->spec,
        .task_id = job->task_id,
        .task_time_ms = created ? created->seconds * 1000 + created->nanos / 1000000 : 0,
        .lease_token = job->lease_token,
        .first_token = job->first_lease_token,
        .stop = job_context_get_stop(import->context),
        .metrics = job_context_get_metrics(import->context),
        .bytes_written = job_context_get_bytes_written(import->context),
    };
    import->writer = find_destination(job->destination->type);
    if (!import->writer)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "data source '%s' takes no imports; type POSTGRES or HBASE is needed",
                            job->destination->name);
    return import->writer->open(&options, &import->destination);
}

static struct status open_parts(const Pb__LeasedJob *job, struct import *import)
{
    struct violations violations = {0};

    if (!job->task || !job->source || !job->destination ||
        job->task->spec_case != PB__TASK__SPEC_BULKLOAD)
        return status_error(STATUS_INVALID_ARGUMENT, "the job has no spec of a bulk import");
    struct status st = import_spec_read(job->task->bulkload, &violations, &import->spec);
    if (st.code == STATUS_OK)
        st = open_root(job->source, &import->root);
    if (st.code == STATUS_OK)
        st = open_destination(job, import);
    if (st.code == STATUS_OK)
        import->reader = readers[import->spec->format];
    return st;
}

struct status import_open(struct job_context *context, struct import *ret)
{
    struct import import = {.context = context};
    struct status st = open_parts(job_context_get_job(context), &import);

    if (st.code == STATUS_OK)
        *ret = import;
    else
        import_close(&import);
    return st;
}

void import_close(struct import *import)
{
    if (import->destination)
        import->writer->close(import->destination);
    file_root_close(import->root);
    import_spec_destroy(import->spec);
    *import = (struct import){0};
}

struct status import_make_plan(struct import *import, struct plan *plan)
{
    struct status st = file_root_list(import->root, import->spec->path, plan);

    if (st.code != STATUS_OK)
        return st;
    return import->reader->plan(import->spec, import->root, job_context_get_stop(import->context),
                                plan);
}
