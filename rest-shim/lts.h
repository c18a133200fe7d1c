/*
 * rest-shim/lts.h - the shapes of the LTS task API: its form fields and its replies.
 *
 * The shapes follow "Submit a data import task using an API operation" of Lindorm's documentation; where it is silent,
 * docs/bulk-import.md says what Sluice does. Keys have the order of that text's examples.
 */
#ifndef REST_SHIM_LTS_H
#define REST_SHIM_LTS_H

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "base/json_out.h"

/* A field of a form and the field of the request that it sets. */
struct lts_field {
    const char *name; /* "readerConfig" */
    const char *path; /* "task.bulkload.reader_config_json" */
    bool is_required;
    const char *expected; /* "'x' is not <expected>"; NULL: any text */
};

struct lts_form {
    const struct lts_field *fields;
    size_t nfields;
};

/* POST /pro/proc/bulkload/create. */
extern const struct lts_form lts_bulkload_form;

/* Writers of replies; each returns the HTTP status. */
int lts_write_created(const ProtobufCMessage *task, struct json_out *out);
int lts_write_ok(const ProtobufCMessage *reply, struct json_out *out);
int lts_write_info(const ProtobufCMessage *task, struct json_out *out);

#endif
