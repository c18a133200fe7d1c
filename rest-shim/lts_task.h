/*
 * rest-shim/lts_task.h - what the LTS task API shows of tasks and jobs, whatever their kind.
 */
#ifndef REST_SHIM_LTS_TASK_H
#define REST_SHIM_LTS_TASK_H

#include "base/json_out.h"
#include "sluice/v1/task.pb-c.h"

/* Members. */
void lts_write_text(const char *key, const char *value, struct json_out *out);
void lts_write_int(const char *key, int64_t value, struct json_out *out);

/* "success":"true" and, if that is not NULL, a message. */
void lts_write_success(const char *message, struct json_out *out);

/* The name of an enum's value without the prefix, which is the same for all names of the enum. */
const char *lts_get_name(const ProtobufCEnumDescriptor *type, int value, const char *prefix);

/* RUNNING, SUCCEEDED, FAILED or KILLED. */
const char *lts_get_task_state(const Pb__Task *task);

/* WAITING, or one of these, or SKIPPED. */
const char *lts_get_job_state(const Pb__Job *job);

/* The members attempt to message of a job: how it goes. */
void lts_write_job_progress(const Pb__Job *job, struct json_out *out);

#endif
