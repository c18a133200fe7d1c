#include "gateway/job_differences.h"

#include "base/compiler.h"
#include "gateway/enum_text.h"
#include "gateway/fault.h"
#include "gateway/job_fields.h"
#include "gateway/job_rows.h"
#include "rpc/call.h"
#include "sluice/worker/v1/worker_service.pb-c.h"
#include "spec/violations.h"
#include "store/difference_store.h"

enum {
    MAX_DIFFERENCES = 256,        /* a call */
    MAX_TOTAL_BYTES = 512 * 1024, /* of these together */
    MAX_NUMBER = 1000,            /* those behind it are counted only */
    MAX_ROW_BYTES = 32767,        /* of a row key in HBase */
    MAX_FAMILY_BYTES = 255,       /* its length is one byte in HBase */
    MAX_QUALIFIER_BYTES = 1024,
    MAX_VALUE_BYTES = 256,
};

#define MEMBER(name) offsetof(Pb__Difference, name)

/* The fields that are bytes, and how many they may have. */
static const struct {
    const char *field;
    size_t place;
    size_t max_bytes;
} limits[] = {
    {"differences.row", MEMBER(row), MAX_ROW_BYTES},
    {"differences.family", MEMBER(family), MAX_FAMILY_BYTES},
    {"differences.qualifier", MEMBER(qualifier), MAX_QUALIFIER_BYTES},
    {"differences.source_value", MEMBER(source_value), MAX_VALUE_BYTES},
    {"differences.destination_value", MEMBER(destination_value), MAX_VALUE_BYTES},
};

static const char *get_type(const Pb__Difference *difference)
{
    int type = (int)difference->type;

    return type == 0 ? NULL : enum_text_find(&pb__difference_type__descriptor, type);
}

/* Returns how many bytes it has. */
static size_t validate_difference(const Pb__Difference *difference, struct violations *violations)
{
    size_t nbytes = 0;

    if (difference->number < 1 || difference->number > MAX_NUMBER)
        violations_add(violations, "differences.number", "a difference's number is from 1 to %d",
                       MAX_NUMBER);
    if (!get_type(difference))
        violations_add(violations, "differences.type", "differences.type: %d is none",
                       (int)difference->type);
    if (difference->source_timestamp < 0 || difference->destination_timestamp < 0)
        violations_add(violations, "differences", "a difference's timestamp is negative");
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        const ProtobufCBinaryData *bytes =
            (const ProtobufCBinaryData *)(const void *)((const char *)difference + limits[i].place);

        nbytes += bytes->len;
        if (bytes->len > limits[i].max_bytes)
            violations_add(violations, limits[i].field, "%s has %zu bytes; at most %zu are taken",
                           limits[i].field, bytes->len, limits[i].max_bytes);
    }
    return nbytes;
}

static struct param bytes_param(ProtobufCBinaryData bytes)
{
    return param_str(str_from_bytes(bytes.data, bytes.len));
}

static void set_difference(const ProtobufCMessage *message, size_t row, struct param *params)
{
    const Pb__ReportDifferencesRequest *request = (const Pb__ReportDifferencesRequest *)message;
    const Pb__Difference *difference = request->differences[row];

    params[0] = param_text(request->id);
    params[1] = param_int(request->lease_token);
    params[2] = param_int(difference->number);
    params[3] = param_text(get_type(difference));
    params[4] = bytes_param(difference->row);
    params[5] = bytes_param(difference->family);
    params[6] = bytes_param(difference->qualifier);
    params[7] = param_int(difference->source_timestamp);
    params[8] = param_int(difference->destination_timestamp);
    params[9] = bytes_param(difference->source_value);
    params[10] = bytes_param(difference->destination_value);
    params[11] = param_int(difference->is_repaired);
}

void job_differences_report_start(struct rpc_call *call, const ProtobufCMessage *message)
{
    static const struct job_rows kind = {
        .statement = &difference_add,
        .set = set_difference,
        .field = "id",
        .misplaced_text = "only a job of role CHECK has differences",
    };
    const Pb__ReportDifferencesRequest *request = (const Pb__ReportDifferencesRequest *)message;
    struct violations violations = {0};
    size_t nrows = request->n_differences;
    size_t nbytes = 0;

    job_fields_validate_lease(request->id, request->lease_token, &violations);
    if (nrows > MAX_DIFFERENCES)
        violations_add(&violations, "differences",
                       "there are %zu differences; at most %d are taken", nrows, MAX_DIFFERENCES);
    for (size_t i = 0; i < nrows && violations.count < VIOLATIONS_MAX; i++)
        nbytes += validate_difference(request->differences[i], &violations);
    if (nbytes > MAX_TOTAL_BYTES)
        violations_add(&violations, "differences",
                       "the differences have %zu bytes together; at most %d are taken", nbytes,
                       MAX_TOTAL_BYTES);
    if (violations.count > 0)
        fault_end_violations(call, &violations);
    else
        job_rows_store(call, &kind, request->id, message, nrows);
}
