#include "gateway/job_fields.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/json_out.h"
#include "spec/redact.h"
#include "spec/violations.h"

enum { MAX_JOB_ID_BYTES = 63 };

/* 2^53, so that the sums over the jobs of a task stay within 64 bits, and JSON has them exactly. */
static const int64_t max_count = INT64_C(9007199254740992);

static const int64_t max_seconds = INT64_C(253402300799); /* 9999-12-31T23:59:59Z */

/* A count of a message; behind the last dot it is called as the column of table job. */
struct count {
    const char *field;
    size_t place;
};

#define PLACE(name) offsetof(Pb__Progress, name)

static const struct count counts[] = {
    {"progress.rows_read", PLACE(rows_read)},
    {"progress.rows_written", PLACE(rows_written)},
    {"progress.bad_rows", PLACE(bad_rows)},
    {"progress.bytes_read", PLACE(bytes_read)},
    {"progress.bytes_total", PLACE(bytes_total)},
    {"progress.regions_done", PLACE(regions_done)},
    {"progress.regions_total", PLACE(regions_total)},
    {"progress.queued_logs", PLACE(queued_logs)},
};

#define PLACE_IN_COMPARISON(name) offsetof(Pb__Comparison, name)

static const struct count comparison_counts[] = {
    {"progress.comparison.cells", PLACE_IN_COMPARISON(cells)},
    {"progress.comparison.missing", PLACE_IN_COMPARISON(missing)},
    {"progress.comparison.extra", PLACE_IN_COMPARISON(extra)},
    {"progress.comparison.changed_values", PLACE_IN_COMPARISON(changed_values)},
    {"progress.comparison.changed_timestamps", PLACE_IN_COMPARISON(changed_timestamps)},
    {"progress.comparison.repaired", PLACE_IN_COMPARISON(repaired)},
};

static int64_t get_count(const struct count *count, const void *message)
{
    int64_t number;

    memcpy(&number, (const char *)message + count->place, sizeof(number));
    return number;
}

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

/* As a column holds it: no longer than that of a time. */
static void validate_lag(const Google__Protobuf__Duration *lag, struct violations *violations)
{
    if (lag && (lag->seconds < 0 || lag->seconds > max_seconds || lag->nanos < 0 ||
                lag->nanos > 999999999))
        violations_add(violations, "progress.lag", "progress.lag is not from 0 to %" PRId64 " s",
                       max_seconds);
}

static void validate_counts(const struct count *all, size_t ncounts, const void *message,
                            struct violations *violations)
{
    for (size_t i = 0; i < ncounts; i++) {
        int64_t number = get_count(&all[i], message);

        if (number < 0 || number > max_count)
            violations_add(violations, all[i].field, "%s is not from 0 to %" PRId64, all[i].field,
                           max_count);
    }
}

void job_fields_validate_progress(const Pb__Progress *progress, struct violations *violations)
{
    validate_counts(counts, ARRAY_LEN(counts), progress, violations);
    if (progress->comparison)
        validate_counts(comparison_counts, ARRAY_LEN(comparison_counts), progress->comparison,
                        violations);
    if (!isfinite(progress->fraction) || progress->fraction < 0 || progress->fraction > 1)
        violations_add(violations, "progress.fraction", "progress.fraction is not from 0 to 1");
    validate_time(progress->checkpoint_time, "progress.checkpoint_time", violations);
    validate_time(progress->sync_time, "progress.sync_time", violations);
    validate_lag(progress->lag, violations);
}

void job_fields_validate_text(const char *text, size_t max_bytes, const char *field,
                              struct violations *violations)
{
    size_t len = str_from(text).len;

    if (len > max_bytes)
        violations_add(violations, field, "%s has %zu bytes; at most %zu are taken", field, len,
                       max_bytes);
}

char *job_fields_redact(const char *text, struct arena *arena)
{
    struct buf redacted = {0};

    redact_passwords(str_from(text), &redacted);
    char *copy = arena_copy_str(arena, buf_get(&redacted));
    buf_deinit(&redacted);
    return copy;
}

static void write_counts(const struct count *all, size_t ncounts, const void *message,
                         struct json_out *out)
{
    for (size_t i = 0; i < ncounts; i++) {
        json_out_key(out, strrchr(all[i].field, '.') + 1);
        json_out_int(out, get_count(&all[i], message));
    }
}

static void write_time(const char *key, const Google__Protobuf__Timestamp *time,
                       struct json_out *out)
{
    char text[CLOCK_TEXT_BYTES];

    if (!time)
        return;
    clock_write_text(time->seconds * 1000000 + time->nanos / 1000, text);
    json_out_key(out, key);
    json_out_text(out, text);
}

static void write_lag(const Google__Protobuf__Duration *lag, struct json_out *out)
{
    struct buf text = {0};

    if (!lag)
        return;
    buf_printf(&text, "%" PRId64 ".%06d seconds", lag->seconds, (int)(lag->nanos / 1000));
    json_out_key(out, "lag");
    json_out_string(out, buf_get(&text));
    buf_deinit(&text);
}

const char *job_fields_write_progress(const Pb__Progress *progress, struct arena *arena)
{
    struct buf json = {0};
    struct json_out out = json_out_make(&json);

    json_out_begin_object(&out);
    if (progress) {
        write_counts(counts, ARRAY_LEN(counts), progress, &out);
        if (progress->comparison)
            write_counts(comparison_counts, ARRAY_LEN(comparison_counts), progress->comparison,
                         &out);
        json_out_key(&out, "fraction");
        json_out_real(&out, progress->fraction);
        write_time("checkpoint_time", progress->checkpoint_time, &out);
        write_time("sync_time", progress->sync_time, &out);
        write_lag(progress->lag, &out);
    }
    json_out_end_object(&out);

    const char *made = arena_copy_str(arena, buf_get(&json));
    buf_deinit(&json);
    return made;
}
