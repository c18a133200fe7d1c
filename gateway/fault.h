/*
 * gateway/fault.h - what can go wrong for a client, and how each is told: one table.
 *
 * A client decides by the code; where one code has several causes it decides by the reason
 * in google.rpc.ErrorInfo (domain "sluice"). Reasons are part of the contract: they are
 * added, never changed.
 */
#ifndef GATEWAY_FAULT_H
#define GATEWAY_FAULT_H

#include "base/status.h"

struct rpc_call;
struct violations;

enum fault {
    FAULT_TASK_NOT_FOUND,
    FAULT_TASK_STATE,
    FAULT_TASK_CHANGED,
    FAULT_TASK_KIND,
    FAULT_REQUEST_ID_REUSED,
    FAULT_DATA_SOURCE_NOT_FOUND,
    FAULT_DATA_SOURCE_EXISTS,
    FAULT_DATA_SOURCE_IN_USE,
    FAULT_ETAG_MISMATCH,
    FAULT_LEASE_LOST,
    FAULT_CHECK_LOST,
    FAULT_CHECK_LATE,
    FAULT_NO_WORKER,
    FAULT_INVALID_FIELD,
    FAULT_PAGE_TOKEN,
    FAULT_CURSOR_EXPIRED,
    FAULT_WATCH_TOO_SLOW,
    FAULT_DATABASE_UNAVAILABLE,
    FAULT_OUTCOME_UNKNOWN,
    FAULT_OVERLOADED,
    FAULT_STOPPING,
    FAULT_TOKEN_MISSING,
    FAULT_TOKEN_INVALID,
    FAULT_SCOPE_MISSING,
    FAULT_CLIENT_LIMIT,
    FAULT_NFAULTS,
};

struct fault_row {
    const char *reason;
    enum status_code code;
    const char *subject;  /* what the name names, for the text; NULL: there is no name */
    const char *key;      /* the name's key in ErrorInfo's metadata, where there is a subject */
    const char *resource; /* the type in ResourceInfo; NULL: none is given */
    const char *text;     /* what is said of the subject */
    unsigned retry_ms;    /* in RetryInfo; 0: none is given */
};

/* The row of a fault; never freed. */
const struct fault_row *fault_get(enum fault fault);

/*
 * The error of a fault: "task 'x' does not exist". name is NULL where the row has no
 * subject, and is cut if it is long.
 */
struct status fault_make_status(enum fault fault, const char *name) MUST_CHECK;

/* That error, whose details the call has from here on: for who does not end it. */
struct status fault_set(struct rpc_call *call, enum fault fault, const char *name) MUST_CHECK;

/* Ends call with that error and its details. */
void fault_end(struct rpc_call *call, enum fault fault, const char *name);

/* As fault_end, with a text of its own: st has the code of the row. */
void fault_end_with(struct rpc_call *call, enum fault fault, const char *name, struct status st);

/* Ends call with INVALID_ARGUMENT and each violation; there is at least one. */
void fault_end_violations(struct rpc_call *call, const struct violations *violations);

/*
 * Ends call with what the store said, which is not OK: the fault that its code stands for,
 * or st as it is.
 */
void fault_end_store(struct rpc_call *call, struct status st);

#endif
