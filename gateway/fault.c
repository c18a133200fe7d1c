#include "gateway/fault.h"

#include <assert.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/utf8.h"
#include "rpc/call.h"
#include "spec/violations.h"

enum {
    MAX_NAME_BYTES = 128, /* of a name that is shown; what is longer is cut */
    RETRY_MS = 1000,
};

static const struct fault_row rows[] = {
    [FAULT_TASK_NOT_FOUND] = {"TASK_NOT_FOUND", STATUS_NOT_FOUND, "task", "task", "sluice.v1.Task",
                              "does not exist", 0},
    [FAULT_TASK_STATE] = {"TASK_STATE", STATUS_FAILED_PRECONDITION, "task", "task", NULL,
                          "is in another state", 0},
    [FAULT_TASK_CHANGED] = {"ETAG_MISMATCH", STATUS_ABORTED, "task", "task", NULL,
                            "was changed meanwhile: its etag is another one", 0},
    [FAULT_TASK_KIND] = {"TASK_KIND", STATUS_FAILED_PRECONDITION, "task", "task", NULL,
                         "is of another kind", 0},
    [FAULT_REQUEST_ID_REUSED] = {"REQUEST_ID_REUSED", STATUS_ALREADY_EXISTS, "request id",
                                 "request_id", NULL, "was used for another request", 0},
    [FAULT_DATA_SOURCE_NOT_FOUND] = {"DATA_SOURCE_NOT_FOUND", STATUS_NOT_FOUND, "data source",
                                     "data_source", "sluice.v1.DataSource", "does not exist", 0},
    [FAULT_DATA_SOURCE_EXISTS] = {"DATA_SOURCE_EXISTS", STATUS_ALREADY_EXISTS, "data source",
                                  "data_source", "sluice.v1.DataSource", "exists already", 0},
    [FAULT_DATA_SOURCE_IN_USE] = {"DATA_SOURCE_IN_USE", STATUS_FAILED_PRECONDITION, "data source",
                                  "data_source", NULL, "is named by a task", 0},
    [FAULT_ETAG_MISMATCH] = {"ETAG_MISMATCH", STATUS_ABORTED, "data source", "data_source", NULL,
                             "was changed meanwhile: its etag is another one", 0},
    [FAULT_LEASE_LOST] = {"LEASE_LOST", STATUS_ABORTED, "job", "job", NULL,
                          "is not leased under this token", 0},
    [FAULT_CHECK_LOST] = {"LEASE_LOST", STATUS_ABORTED, "check", "check", NULL,
                          "is not leased under this token", 0},
    [FAULT_CHECK_LATE] = {"CHECK_LATE", STATUS_DEADLINE_EXCEEDED, "worker", "worker", NULL,
                          "has not told what its check found", RETRY_MS},
    [FAULT_NO_WORKER] = {"NO_WORKER", STATUS_UNAVAILABLE, "capability", "capability", NULL,
                         "is one that no worker has", RETRY_MS},
    [FAULT_INVALID_FIELD] = {"INVALID_FIELD", STATUS_INVALID_ARGUMENT, NULL, NULL, NULL,
                             "a field is wrong", 0},
    [FAULT_PAGE_TOKEN] = {"PAGE_TOKEN", STATUS_INVALID_ARGUMENT, NULL, NULL, NULL,
                          "page_token is not one that this list gave with these filters", 0},
    [FAULT_CURSOR_EXPIRED] = {"CURSOR_EXPIRED", STATUS_OUT_OF_RANGE, NULL, NULL, NULL,
                              "the cursor is too old, or of another database: begin without one",
                              0},
    [FAULT_WATCH_TOO_SLOW] = {"WATCH_TOO_SLOW", STATUS_UNAVAILABLE, NULL, NULL, NULL,
                              "the watch was not read fast enough: go on from the last cursor",
                              RETRY_MS},
    [FAULT_DATABASE_UNAVAILABLE] = {"DATABASE_UNAVAILABLE", STATUS_UNAVAILABLE, NULL, NULL, NULL,
                                    "the database cannot be reached", RETRY_MS},
    [FAULT_OUTCOME_UNKNOWN] = {"OUTCOME_UNKNOWN", STATUS_UNKNOWN, NULL, NULL, NULL,
                               "the database went away before it said what became of this", 0},
    [FAULT_OVERLOADED] = {"OVERLOADED", STATUS_RESOURCE_EXHAUSTED, NULL, NULL, NULL,
                          "too much is waiting already", RETRY_MS},
    [FAULT_STOPPING] = {"STOPPING", STATUS_UNAVAILABLE, NULL, NULL, NULL, "the gateway is stopping",
                        RETRY_MS},
    [FAULT_TOKEN_MISSING] = {"TOKEN_MISSING", STATUS_UNAUTHENTICATED, NULL, NULL, NULL,
                             "the call has no token: 'authorization: Bearer TOKEN'", 0},
    [FAULT_TOKEN_INVALID] = {"TOKEN_INVALID", STATUS_UNAUTHENTICATED, NULL, NULL, NULL,
                             "the token is unknown, was revoked or has expired", 0},
    [FAULT_SCOPE_MISSING] = {"SCOPE_MISSING", STATUS_PERMISSION_DENIED, "scope", "scope", NULL,
                             "is one that the token does not have", 0},
    [FAULT_CLIENT_LIMIT] = {"CLIENT_LIMIT", STATUS_RESOURCE_EXHAUSTED, NULL, NULL, NULL,
                            "the client makes too many calls", RETRY_MS},
};
static_assert(ARRAY_LEN(rows) == FAULT_NFAULTS, "a row for each fault");

/*
 * What the codes of the store stand for. Others are told as they are; the runtime hides
 * INTERNAL.
 */
static const struct {
    enum status_code code;
    enum fault fault;
} from_store[] = {
    {STATUS_UNAVAILABLE, FAULT_DATABASE_UNAVAILABLE},
    {STATUS_UNKNOWN, FAULT_OUTCOME_UNKNOWN},
    {STATUS_RESOURCE_EXHAUSTED, FAULT_OVERLOADED},
};

const struct fault_row *fault_get(enum fault fault)
{
    return &rows[fault];
}

/* How much of a name is shown: details travel in headers, whose size has a limit. */
static struct str cut(const char *name)
{
    return str_from_bytes(name, utf8_fit(str_from(name), MAX_NAME_BYTES));
}

struct status fault_make_status(enum fault fault, const char *name)
{
    const struct fault_row *row = &rows[fault];
    struct str shown = cut(name);

    if (!row->subject)
        return status_error(row->code, "%s", row->text);
    return status_error(row->code, "%s '%.*s' %s", row->subject, (int)shown.len, shown.data,
                        row->text);
}

static void set_details(struct rpc_call *call, enum fault fault, const char *name)
{
    const struct fault_row *row = &rows[fault];
    const char *shown = arena_copy_str(rpc_call_get_arena(call), cut(name));

    rpc_call_set_reason(call, row->reason, row->key, row->key ? shown : NULL);
    if (row->resource)
        rpc_call_set_resource(call, row->resource, shown);
    if (row->retry_ms != 0)
        rpc_call_set_retry_ms(call, row->retry_ms);
    /* Another gateway can do what a stopping one does not; of the rest nothing is better within a policy's pauses. */
    if (fault != FAULT_STOPPING)
        rpc_call_set_lasting(call);
}

struct status fault_set(struct rpc_call *call, enum fault fault, const char *name)
{
    set_details(call, fault, name);
    return fault_make_status(fault, name);
}

void fault_end_with(struct rpc_call *call, enum fault fault, const char *name, struct status st)
{
    assert(st.code == rows[fault].code);
    set_details(call, fault, name);
    rpc_call_end(call, st, NULL);
}

void fault_end(struct rpc_call *call, enum fault fault, const char *name)
{
    fault_end_with(call, fault, name, fault_make_status(fault, name));
}

void fault_end_violations(struct rpc_call *call, const struct violations *violations)
{
    for (unsigned i = 0; i < violations->count; i++)
        rpc_call_add_violation(call, violations->items[i].field, violations->items[i].text);
    fault_end_with(call, FAULT_INVALID_FIELD, NULL, violations_get_status(violations));
}

void fault_end_store(struct rpc_call *call, struct status st)
{
    for (size_t i = 0; i < ARRAY_LEN(from_store); i++)
        if (from_store[i].code == st.code) {
            log_debug("a call failed in the store", log_code(st), log_str("error", st.text));
            fault_end(call, from_store[i].fault, NULL);
            return;
        }
    rpc_call_end(call, st, NULL);
}
