/*
 * gateway/job_fields.h - what workers say of a job in more than one method: checked, and as the store takes it.
 */
#ifndef GATEWAY_JOB_FIELDS_H
#define GATEWAY_JOB_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/v1/task.pb-c.h"

struct arena;
struct violations;

enum { JOB_MESSAGE_MAX_BYTES = 1024 };

/* The fields id and lease_token. */
void job_fields_validate_lease(const char *id, int64_t token, struct violations *violations);

/* The field progress. */
void job_fields_validate_progress(const Pb__Progress *progress, struct violations *violations);

/* A text that may be empty. */
void job_fields_validate_text(const char *text, size_t max_bytes, const char *field,
                              struct violations *violations);

/* A text for users without the passwords that it may quote; from arena. */
char *job_fields_redact(const char *text, struct arena *arena);

/* A progress as the statements take it: a JSON object, from arena. NULL keeps all as it is stored. */
const char *job_fields_write_progress(const Pb__Progress *progress, struct arena *arena);

#endif
