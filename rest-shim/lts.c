#include "rest-shim/lts.h"

#include <string.h>

#include "base/compiler.h"
#include "sluice/v1/task.pb-c.h"

/* Names of enum values as LTS has them. */

enum { NAME_BYTES = 32 }; /* of a name without its prefix; ours are shorter, longer ones are cut */

/* The name of value without the prefix, which is the same for all names of the enum. */
static const char *get_name(const ProtobufCEnumDescriptor *type, int value, const char *prefix)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);

    return known && str_has_prefix(str_from(known->name), prefix) ? known->name + strlen(prefix)
                                                                  : "UNKNOWN";
}

/* Scripts poll for the end, so a task that waits for a worker is running to them. */
static const char *get_task_state(const Pb__Task *task)
{
    if (task->state == PB__TASK_STATE__TASK_STATE_PENDING)
        return "RUNNING";
    return get_name(&pb__task_state__descriptor, (int)task->state, "TASK_STATE_");
}

static const char *get_job_state(const Pb__Job *job)
{
    if (job->state == PB__JOB_STATE__JOB_STATE_READY)
        return "WAITING";
    return get_name(&pb__job_state__descriptor, (int)job->state, "JOB_STATE_");
}

static const char *get_file_type(Pb__FileType type)
{
    return type == PB__FILE_TYPE__FILE_TYPE_PARQUET
               ? "Parquet"
               : get_name(&pb__file_type__descriptor, (int)type, "FILE_TYPE_");
}

static void write_driver_spec(const Pb__BulkloadSpec *spec, struct json_out *out)
{
    const char *name =
        get_name(&pb__driver_spec__descriptor, (int)spec->driver_spec, "DRIVER_SPEC_");
    char lower[NAME_BYTES];
    size_t len = 0;

    for (; name[len] != '\0' && len < sizeof(lower) - 1; len++)
        lower[len] =
            (char)(name[len] >= 'A' && name[len] <= 'Z' ? name[len] - 'A' + 'a' : name[len]);
    json_out_string(out, (struct str){.data = lower, .len = len});
}

/* Members. */

static void write_text(const char *key, const char *value, struct json_out *out)
{
    json_out_key(out, key);
    json_out_text(out, value);
}

static void write_int(const char *key, int64_t value, struct json_out *out)
{
    json_out_key(out, key);
    json_out_int(out, value);
}

/* Milliseconds since 1970; null when there is no such time. */
static void write_time(const char *key, const Google__Protobuf__Timestamp *time,
                       struct json_out *out)
{
    json_out_key(out, key);
    if (time)
        json_out_int(out, time->seconds * 1000 + time->nanos / 1000000);
    else
        json_out_null(out);
}

static void write_success(struct json_out *out)
{
    write_text("success", "true", out);
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
    write_text("src", task->source, out);
    write_text("dst", task->destination, out);
    if (spec) {
        write_raw("readerConfig", spec->reader_config_json, out);
        write_raw("writerConfig", spec->writer_config_json, out);
        json_out_key(out, "driverSpec");
        write_driver_spec(spec, out);
        write_int("instances", spec->instances, out);
        if (spec->file_type != PB__FILE_TYPE__FILE_TYPE_UNSPECIFIED)
            write_text("fileType", get_file_type(spec->file_type), out);
        if (*spec->spark_additional_params)
            write_text("sparkAdditionalParams", spec->spark_additional_params, out);
    }
    json_out_end_object(out);
}

static void write_job(const Pb__Job *job, struct json_out *out)
{
    static const Pb__Progress none = PB__PROGRESS__INIT;
    const Pb__Progress *progress = job->progress ? job->progress : &none;

    json_out_begin_object(out);
    write_text("jobName", job->id, out);
    write_text("state", get_job_state(job), out);
    write_text("table", job->table, out);
    write_int("attempt", job->attempt, out);
    write_int("rowsRead", progress->rows_read, out);
    write_int("rowsWritten", progress->rows_written, out);
    write_int("bytesRead", progress->bytes_read, out);
    json_out_key(out, "progress");
    json_out_real(out, progress->fraction);
    write_time("startTime", job->start_time, out);
    write_time("endTime", job->end_time, out);
    write_text("message", job->message, out);
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

int lts_write_info(const ProtobufCMessage *reply, struct json_out *out)
{
    const Pb__Task *task = (const Pb__Task *)reply;

    json_out_begin_object(out);
    json_out_key(out, "data");
    json_out_begin_object(out);
    write_jobs("checkJobs", task, out);
    write_text("procId", task->id, out);
    write_jobs("incrJobs", task, out);
    write_config(task, out);
    write_text("stage", get_name(&pb__task_stage__descriptor, (int)task->stage, "TASK_STAGE_"),
               out);
    write_jobs("fullJobs", task, out);
    write_jobs("mergeJobs", task, out);
    write_text("srcDS", task->source, out);
    write_text("sinkDS", task->destination, out);
    write_text("state", get_task_state(task), out);
    write_schema_job(task, out);
    write_text("procType", "SPARK_BULKLOAD", out);
    json_out_end_object(out);
    write_success(out);
    json_out_end_object(out);
    return 200;
}

static int write_message(const char *message, struct json_out *out)
{
    json_out_begin_object(out);
    write_success(out);
    write_text("message", message, out);
    json_out_end_object(out);
    return 200;
}

int lts_write_created(const ProtobufCMessage *reply, struct json_out *out)
{
    return write_message(((const Pb__Task *)reply)->id, out);
}

int lts_write_ok(const ProtobufCMessage *reply, struct json_out *out)
{
    (void)reply;
    return write_message("ok", out);
}

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
