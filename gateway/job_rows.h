/*
 * gateway/job_rows.h - rows that a worker reports of a job, many in a call: ReportBadRows, ReportDifferences.
 *
 * A query for each row, all of one statement, so that the store sends them as one. They end one after another on the
 * thread of the lane for writes; the last one ends the call.
 */
#ifndef GATEWAY_JOB_ROWS_H
#define GATEWAY_JOB_ROWS_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "store/query.h"

struct rpc_call;

/* Sets the parameters of the row of this number in a request. */
typedef void job_rows_set_fn(const ProtobufCMessage *request, size_t row, struct param *params);

/*
 * Stores nrows rows and ends call: OK, LEASE_LOST for the job of that id, or what the store says. The statement says
 * "note/outcome": DONE, STOP, LOST, or MISPLACED, which is a violation of field with that text.
 */
struct job_rows {
    const struct statement *statement;
    job_rows_set_fn *set;
    const char *field;
    const char *misplaced_text; /* NULL: no row is ever misplaced */
};

void job_rows_store(struct rpc_call *call, const struct job_rows *kind, const char *job_id,
                    const ProtobufCMessage *request, size_t nrows);

#endif
