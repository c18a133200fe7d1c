#include "rest-shim/lts.h"

#include <string.h>

#include "base/compiler.h"
#include "rest-shim/lts_task.h"

/* Names of enum values as LTS has them. */

enum { NAME_BYTES = 32 }; /* of a name without its prefix; ours are shorter, longer ones are cut */

static const char *get_file_type(Pb__FileType type)
{
    return type == PB__FILE_TYPE__FILE_TYPE_PARQUET
               ? "Parquet"
               : lts_get_name(&pb__file_type__descriptor, (int)type, "FILE_TYPE_");
}

static void write_driver_spec(const Pb__BulkloadSpec *spec, struct json_out *out)
{
    const char *name =
        lts_get_name(&pb__driver_spec__descriptor, (int)spec->driver_spec, "DRIVER_SPEC_");
    char lower[NAME_BYTES];
    size_t len = 0;

    for (; name[len] != '\0' && len < sizeof(lower) - 1; len++)
        lower[len] =
            (char)(name[len] >= 'A' && name[len] <= 'Z' ? name[len] - 'A' + 'a' : name[len]);
    json_out_string(out, (struct str){.data = lower, .len = len});
}

/* A text that the gateway took as JSON, as it was sent. */
static void write_raw(const char *key, const char *json, struct json_out *out)
{
    json_out_key(out, key);
    if (*json)
        json_out_raw(out, str_from(json));
    else
        json_out_null(out);
}

/* What was submitted: fields that were left out are left out. */
static void write_config(const Pb__Task *task, struct json_out *out)
{
    const Pb__BulkloadSpec *spec =
        task->spec_case == PB__TASK__SPEC_BULKLOAD ? task->bulkload : NULL;

    json_out_key(out, "procConfig");
    json_out_begin_object(out);
    lts_write_text("src", task->source, out);
    lts_write_text("dst", task->destination, out);
    if (spec) {
        write_raw("readerConfig", spec->reader_config_json, out);
        write_raw("writerConfig", spec->writer_config_json, out);
        json_out_key(out, "driverSpec");
        write_driver_spec(spec, out);
        lts_write_int("instances", spec->instances, out);
        if (spec->file_type != PB__FILE_TYPE__FILE_TYPE_UNSPECIFIED)
            lts_write_text("fileType", get_file_type(spec->file_type), out);
        if (*spec->spark_additional_params)
            lts_write_text("sparkAdditionalParams", spec->spark_additional_params, out);
    }
    json_out_end_object(out);
}

static void write_job(const Pb__Job *job, struct json_out *out)
{
    json_out_begin_object(out);
    lts_write_text("jobName", job->id, out);
    lts_write_text("state", lts_get_job_state(job), out);
    lts_write_text("table", job->table, out);
    lts_write_job_progress(job, out);
    json_out_end_object(out);
}

/* Which list of /info a job is in. Loading files counts as a full copy. */
static const char *const lists[] = {
    [PB__JOB_ROLE__JOB_ROLE_UNSPECIFIED] = "",    [PB__JOB_ROLE__JOB_ROLE_SCHEMA] = "schemaJob",
    [PB__JOB_ROLE__JOB_ROLE_FULL] = "fullJobs",   [PB__JOB_ROLE__JOB_ROLE_BULKLOAD] = "fullJobs",
    [PB__JOB_ROLE__JOB_ROLE_MERGE] = "mergeJobs", [PB__JOB_ROLE__JOB_ROLE_INCR] = "incrJobs",
    [PB__JOB_ROLE__JOB_ROLE_CHECK] = "checkJobs",
};

static bool is_in_list(const Pb__Job *job, const char *key)
{
    return (size_t)job->role < ARRAY_LEN(lists) && strcmp(lists[job->role], key) == 0;
}

static void write_jobs(const char *key, const Pb__Task *task, struct json_out *out)
{
    json_out_key(out, key);
    json_out_begin_array(out);
    for (size_t i = 0; i < task->n_jobs; i++) {
        if (is_in_list(task->jobs[i], key))
            write_job(task->jobs[i], out);
    }
    json_out_end_array(out);
}

static void write_schema_job(const Pb__Task *task, struct json_out *out)
{
    json_out_key(out, "schemaJob");
    for (size_t i = 0; i < task->n_jobs; i++) {
        if (is_in_list(task->jobs[i], "schemaJob")) {
            write_job(task->jobs[i], out);
            return;
        }
    }
    json_out_null(out);
}

int lts_write_info(const ProtobufCMessage *reply, const struct lts_settings *settings,
                   struct json_out *out)
{
    const Pb__Task *task = (const Pb__Task *)reply;

    (void)settings;
    json_out_begin_object(out);
    json_out_key(out, "data");
    json_out_begin_object(out);
    write_jobs("checkJobs", task, out);
    lts_write_text("procId", task->id, out);
    write_jobs("incrJobs", task, out);
    write_config(task, out);
    lts_write_text("stage",
                   lts_get_name(&pb__task_stage__descriptor, (int)task->stage, "TASK_STAGE_"), out);
    write_jobs("fullJobs", task, out);
    write_jobs("mergeJobs", task, out);
    lts_write_text("srcDS", task->source, out);
    lts_write_text("sinkDS", task->destination, out);
    lts_write_text("state", lts_get_task_state(task), out);
    write_schema_job(task, out);
    lts_write_text("procType", "SPARK_BULKLOAD", out);
    json_out_end_object(out);
    lts_write_success(NULL, out);
    json_out_end_object(out);
    return 200;
}

int lts_write_created(const ProtobufCMessage *reply, const struct lts_settings *settings,
                      struct json_out *out)
{
    (void)settings;
    json_out_begin_object(out);
    lts_write_success(((const Pb__Task *)reply)->id, out);
    json_out_end_object(out);
    return 200;
}

int lts_write_ok(const ProtobufCMessage *reply, const struct lts_settings *settings,
                 struct json_out *out)
{
    (void)reply;
    (void)settings;
    json_out_begin_object(out);
    lts_write_success("ok", out);
    json_out_end_object(out);
    return 200;
}

struct status lts_kind_check(const struct lts_kind *kind, const char *id)
{
    static const struct lts_kind *const kinds[] = {&lts_bulk_import, &lts_full_migration,
                                                   &lts_incremental_sync};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i] != kind && str_has_prefix(str_from(id), kinds[i]->id_prefix))
            return status_error(STATUS_NOT_FOUND, "'%.80s' is the id of %s, not of %s", id,
                                kinds[i]->name, kind->name);
    }
    return status_ok();
}

const struct lts_kind lts_bulk_import = {"proc-", "a bulk import"};
const struct lts_kind lts_full_migration = {"workflow-", "a full migration"};
const struct lts_kind lts_incremental_sync = {"wal-", "an incremental sync"};

static const struct lts_field bulkload_fields[] = {
    {"src", "task.source", true, NULL},
    {"dst", "task.destination", true, NULL},
    {"readerConfig", "task.bulkload.reader_config_json", true, NULL},
    {"writerConfig", "task.bulkload.writer_config_json", true, NULL},
    {"driverSpec", "task.bulkload.driver_spec", true, "one of small, medium, large, xlarge"},
    {"instances", "task.bulkload.instances", true, "a whole number"},
    /* The gateway knows whether the source keeps files. */
    {"fileType", "task.bulkload.file_type", false, "CSV or Parquet"},
    {"sparkAdditionalParams", "task.bulkload.spark_additional_params", false, NULL},
};

const struct lts_form lts_bulkload_form = {bulkload_fields, ARRAY_LEN(bulkload_fields)};
