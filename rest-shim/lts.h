/*
 * rest-shim/lts.h - the shapes of the LTS task API: its form fields and its replies.
 *
 * The shapes follow Lindorm's documentation, "Submit a data import task using an API operation" and the pages on full
 * migration and incremental synchronization of HBase; where it is silent, docs/rest-api.md says what Sluice does. Keys
 * have the order of these texts' examples, and are spelt as there.
 */
#ifndef REST_SHIM_LTS_H
#define REST_SHIM_LTS_H

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "base/json_out.h"
#include "base/status.h"
#include "base/str.h"

struct Pb__Task;

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

extern const struct lts_form lts_bulkload_form;    /* POST /pro/proc/bulkload/create */
extern const struct lts_form lts_full_create_form; /* POST /hbase/fulldata/create */
extern const struct lts_form lts_incr_create_form; /* POST /hbase/incr/create */
extern const struct lts_form lts_incr_update_form; /* POST /hbase/incr/update */

/* A kind of tasks. */
struct lts_kind {
    const char *id_prefix; /* "proc-" */
    const char *name;      /* "a bulk import" */
};
extern const struct lts_kind lts_bulk_import;
extern const struct lts_kind lts_full_migration;
extern const struct lts_kind lts_incremental_sync;

/* NOT_FOUND: id is one of another kind. Ids of no kind are left to the gateway. */
struct status lts_kind_check(const struct lts_kind *kind, const char *id) MUST_CHECK;

/* What the operator decides about the shapes. */
struct lts_settings {
    int sync_date_offset_s; /* of syncDate's zone from UTC */
};

/* Reads "+08:00". INVALID_ARGUMENT: it is no such text, or beyond 14 hours. */
struct status lts_read_zone(struct str text, int *ret_offset_s) MUST_CHECK;

/* Writers of replies; each returns the HTTP status. */
int lts_write_created(const ProtobufCMessage *task, const struct lts_settings *settings,
                      struct json_out *out);
int lts_write_ok(const ProtobufCMessage *reply, const struct lts_settings *settings,
                 struct json_out *out);
int lts_write_info(const ProtobufCMessage *task, const struct lts_settings *settings,
                   struct json_out *out);
int lts_write_full_detail(const ProtobufCMessage *task, const struct lts_settings *settings,
                          struct json_out *out);
int lts_write_incr_detail(const ProtobufCMessage *task, const struct lts_settings *settings,
                          struct json_out *out);

/* A list of tasks. */
struct lts_list {
    void (*write_item)(const struct Pb__Task *task, const struct lts_settings *settings,
                       struct json_out *out);
};
extern const struct lts_list lts_full_list;
extern const struct lts_list lts_incr_list;

/* What is around the items. next_page_token NULL: the list is whole. */
void lts_begin_list(struct json_out *out);
void lts_end_list(const char *next_page_token, struct json_out *out);

/* One page of it as a whole reply: a ListTasksResponse. Returns the HTTP status. */
int lts_write_page(const struct lts_list *list, const ProtobufCMessage *reply,
                   const struct lts_settings *settings, struct json_out *out);

#endif
