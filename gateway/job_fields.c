#include "gateway/job_fields.h"

#include <inttypes.h>
#include <math.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "spec/redact.h"
#include "spec/violations.h"

enum {
    MAX_JOB_ID_BYTES = 63,
    NCOUNTS = 6,
};

/* 2^53, so that the sums over the jobs of a task stay within 64 bits, and JSON has them exactly. */
static const int64_t max_count = INT64_C(9007199254740992);

static const int64_t max_seconds = INT64_C(253402300799); /* 9999-12-31T23:59:59Z */

void job_fields_validate_lease(const char *id, int64_t token, struct violations *violations)
{
    size_t len = str_from(id).len;

    if (len == 0 || len > MAX_JOB_ID_BYTES)
        violations_add(violations, "id", "a job's id has 1 to %d bytes, not %zu", MAX_JOB_ID_BYTES,
                       len);
    if (token <= 0)
        violations_add(violations, "lease_token", "%" PRId64 " is no lease's token", token);
}

static void validate_time(const Google__Protobuf__Timestamp *time, const char *field,
                          struct violations *violations)
{
    if (time && (time->seconds < 0 || time->seconds > max_seconds || time->nanos < 0 ||
                 time->nanos > 999999999))
        violations_add(violations, field, "%s is not from 1970 to 9999", field);
}

void job_fields_validate_progress(const Pb__Progress *progress, struct violations *violations)
{
    const struct {
        const char *field;
        int64_t count;
    } counts[] = {
        {"progress.rows_read", progress->rows_read},
        {"progress.rows_written", progress->rows_written},
        {"progress.bad_rows", progress->bad_rows},
        {"progress.bytes_read", progress->bytes_read},
        {"progress.bytes_total", progress->bytes_total},
    };

    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        if (counts[i].count < 0 || counts[i].count > max_count)
            violations_add(violations, counts[i].field, "%s is not from 0 to %" PRId64,
                           counts[i].field, max_count);
    if (!isfinite(progress->fraction) || progress->fraction < 0 || progress->fraction > 1)
        violations_add(violations, "progress.fraction", "progress.fraction is not from 0 to 1");
    validate_time(progress->checkpoint_time, "progress.checkpoint_time", violations);
    validate_time(progress->sync_time, "progress.sync_time", violations);
}

void job_fields_validate_text(const char *text, size_t max_bytes, const char *field,
                              struct violations *violations)
{
    size_t len = str_from(text).len;

    if (len > max_bytes)
        violations_add(violations, field, "%s has %zu bytes; at most %zu are taken", field, len,
                       max_bytes);
}

/* Microseconds since 1970; 0 is what is not set. */
static struct param time_param(const Google__Protobuf__Timestamp *time)
{
    return param_int(time ? time->seconds * 1000000 + time->nanos / 1000 : 0);
}

char *job_fields_redact(const char *text, struct arena *arena)
{
    struct buf redacted = {0};

    redact_passwords(str_from(text), &redacted);
    char *copy = arena_copy_str(arena, buf_get(&redacted));
    buf_deinit(&redacted);
    return copy;
}

void job_fields_set_progress(const Pb__Progress *progress, struct param *counts,
                             struct param *times)
{
    for (size_t i = 0; i < NCOUNTS; i++)
        counts[i] = param_null();
    times[0] = time_param(progress ? progress->checkpoint_time : NULL);
    times[1] = time_param(progress ? progress->sync_time : NULL);
    if (!progress)
        return;
    counts[0] = param_int(progress->rows_read);
    counts[1] = param_int(progress->rows_written);
    counts[2] = param_int(progress->bad_rows);
    counts[3] = param_int(progress->bytes_read);
    counts[4] = param_int(progress->bytes_total);
    counts[5] = param_real(progress->fraction);
}
