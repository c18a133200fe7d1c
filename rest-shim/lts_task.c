#include "rest-shim/lts_task.h"

#include <string.h>

const char *lts_get_name(const ProtobufCEnumDescriptor *type, int value, const char *prefix)
{
    const ProtobufCEnumValue *known = protobuf_c_enum_descriptor_get_value(type, value);

    return known && str_has_prefix(str_from(known->name), prefix) ? known->name + strlen(prefix)
                                                                  : "UNKNOWN";
}

/* Scripts poll for the end, so a task that waits for a worker is running to them. */
const char *lts_get_task_state(const Pb__Task *task)
{
    if (task->state == PB__TASK_STATE__TASK_STATE_PENDING)
        return "RUNNING";
    return lts_get_name(&pb__task_state__descriptor, (int)task->state, "TASK_STATE_");
}

const char *lts_get_job_state(const Pb__Job *job)
{
    if (job->state == PB__JOB_STATE__JOB_STATE_READY)
        return "WAITING";
    return lts_get_name(&pb__job_state__descriptor, (int)job->state, "JOB_STATE_");
}

void lts_write_text(const char *key, const char *value, struct json_out *out)
{
    json_out_key(out, key);
    json_out_text(out, value);
}

void lts_write_int(const char *key, int64_t value, struct json_out *out)
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

void lts_write_success(const char *message, struct json_out *out)
{
    lts_write_text("success", "true", out);
    if (message)
        lts_write_text("message", message, out);
}

void lts_write_job_progress(const Pb__Job *job, struct json_out *out)
{
    static const Pb__Progress none = PB__PROGRESS__INIT;
    const Pb__Progress *progress = job->progress ? job->progress : &none;

    lts_write_int("attempt", job->attempt, out);
    lts_write_int("rowsRead", progress->rows_read, out);
    lts_write_int("rowsWritten", progress->rows_written, out);
    lts_write_int("bytesRead", progress->bytes_read, out);
    json_out_key(out, "progress");
    json_out_real(out, progress->fraction);
    write_time("startTime", job->start_time, out);
    write_time("endTime", job->end_time, out);
    lts_write_text("message", job->message, out);
}
