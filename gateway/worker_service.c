/*
 * gateway/worker_service.c - sluice.worker.v1.WorkerService: jobs out, what becomes of them
 * in.
 *
 * Leases are the lease desk's; FinishJob, ExchangeJob and ReportDifferences have files of their own. Each of the other methods is
 * one query under the lease's token, which the database compares: a report under an older token
 * changes nothing and ends as LEASE_LOST.
 */
#include "base/compiler.h"
#include "gateway/enum_text.h"
#include "gateway/fault.h"
#include "gateway/gateway.h"
#include "gateway/job_differences.h"
#include "gateway/job_fields.h"
#include "gateway/job_finish.h"
#include "gateway/job_rows.h"
#include "gateway/lease_desk.h"
#include "gateway/lease_wish.h"
#include "gateway/op.h"
#include "gateway/services.h"
#include "gateway/source_check.h"
#include "gateway/watch_hub.h"
#include "rpc/call.h"
#include "sluice/worker/v1/worker_service.pb-c.h"
#include "spec/violations.h"
#include "store/bad_row_store.h"
#include "store/job_store.h"
#include "store/row.h"

enum {
    MAX_CHECKPOINT_BYTES = 512 * 1024,
    MAX_BAD_ROWS = 256, /* a call */
    MAX_FILE_BYTES = 2048,
    MAX_COLUMN_BYTES = 512,
    MAX_REASON_BYTES = 1024,
    MAX_RAW_BYTES = 1024,
};

/* LeaseJob. */

static void lease_job(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__LeaseJobRequest *request = (const Pb__LeaseJobRequest *)message;
    struct gateway *gateway = rpc_call_get_self(call);
    struct violations violations = {0};
    struct lease_wish *wish = rpc_call_alloc(call, sizeof(*wish));

    lease_wish_read(request, rpc_call_get_arena(call), &violations, wish);
    if (violations.count > 0)
        fault_end_violations(call, &violations);
    else
        lease_desk_ask(gateway->desk, call, wish);
}

/* ReportJob. */

static void report_job_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    struct gateway *gateway = rpc_call_get_self(op->call);
    Pb__ReportJobResponse reply = PB__REPORT_JOB_RESPONSE__INIT;

    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return;
    }
    struct str outcome = row_get_text(rows, 0, "note/outcome");
    if (str_is(outcome, "LOST")) {
        fault_end(op->call, FAULT_LEASE_LOST, op->name);
        return;
    }
    bool is_said = row_get_int(rows, 0, "note/is_said") != 0;
    reply.directive =
        str_is(outcome, "STOP") ? PB__DIRECTIVE__DIRECTIVE_STOP : PB__DIRECTIVE__DIRECTIVE_CONTINUE;
    reply.bytes_per_second = row_get_int(rows, 0, "note/bytes_per_second");
    rpc_call_end(op->call, st, &reply.base);
    if (is_said)
        watch_hub_wake(gateway->watches);
}

static void report_job(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__ReportJobRequest *request = (const Pb__ReportJobRequest *)message;
    const struct gateway *gateway = rpc_call_get_self(call);
    const Pb__Checkpoint *checkpoint = request->checkpoint;
    struct arena *arena = rpc_call_get_arena(call);
    struct violations violations = {0};

    job_fields_validate_lease(request->id, request->lease_token, &violations);
    if (request->progress)
        job_fields_validate_progress(request->progress, &violations);
    else
        violations_add(&violations, "progress", "progress is missing");
    if (checkpoint && checkpoint->data.len > MAX_CHECKPOINT_BYTES)
        violations_add(&violations, "checkpoint.data",
                       "the checkpoint has %zu bytes; at most %d are taken", checkpoint->data.len,
                       MAX_CHECKPOINT_BYTES);
    job_fields_validate_text(request->message, JOB_MESSAGE_MAX_BYTES, "message", &violations);
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    struct query query = {
        .statement = &job_report,
        .params = {param_text(request->id), param_int(request->lease_token),
                   param_int(gateway->lease_ms),
                   param_text(job_fields_write_progress(request->progress, arena)),
                   checkpoint
                       ? param_str(str_from_bytes(checkpoint->data.data, checkpoint->data.len))
                       : param_null(),
                   param_text(job_fields_redact(request->message, arena))},
        .on_done = report_job_done,
    };
    op_submit(op_create(call, request->id), &query);
}

/* ReportBadRows. */

static void validate_bad_row(const Pb__BadRow *row, struct violations *violations)
{
    job_fields_validate_text(row->file, MAX_FILE_BYTES, "bad_rows.file", violations);
    job_fields_validate_text(row->column, MAX_COLUMN_BYTES, "bad_rows.column", violations);
    job_fields_validate_text(row->reason, MAX_REASON_BYTES, "bad_rows.reason", violations);
    if (row->row < 0 || row->byte_offset < 0)
        violations_add(violations, "bad_rows", "a bad row's place is negative");
    if (row->raw.len > MAX_RAW_BYTES)
        violations_add(violations, "bad_rows.raw", "raw has %zu bytes; at most %d are taken",
                       row->raw.len, MAX_RAW_BYTES);
}

static void set_bad_row(const ProtobufCMessage *message, size_t row, struct param *params)
{
    const Pb__ReportBadRowsRequest *request = (const Pb__ReportBadRowsRequest *)message;
    const Pb__BadRow *bad_row = request->bad_rows[row];

    params[0] = param_text(request->id);
    params[1] = param_int(request->lease_token);
    params[2] = param_text(bad_row->file);
    params[3] = param_int(bad_row->row);
    params[4] = param_int(bad_row->byte_offset);
    params[5] = param_text(bad_row->column);
    params[6] = param_text(bad_row->reason);
    params[7] = param_str(str_from_bytes(bad_row->raw.data, bad_row->raw.len));
}

static void report_bad_rows(struct rpc_call *call, const ProtobufCMessage *message)
{
    static const struct job_rows kind = {.statement = &bad_row_add, .set = set_bad_row};
    const Pb__ReportBadRowsRequest *request = (const Pb__ReportBadRowsRequest *)message;
    struct violations violations = {0};
    size_t nrows = request->n_bad_rows;

    job_fields_validate_lease(request->id, request->lease_token, &violations);
    if (nrows > MAX_BAD_ROWS)
        violations_add(&violations, "bad_rows", "there are %zu bad rows; at most %d are taken",
                       nrows, MAX_BAD_ROWS);
    for (size_t i = 0; i < nrows && violations.count < VIOLATIONS_MAX; i++)
        validate_bad_row(request->bad_rows[i], &violations);
    if (violations.count > 0)
        fault_end_violations(call, &violations);
    else
        job_rows_store(call, &kind, request->id, message, nrows);
}

static const struct rpc_method methods[] = {
    {"LeaseJob", RPC_UNARY, lease_job},
    {"ReportJob", RPC_UNARY, report_job},
    {"ReportBadRows", RPC_UNARY, report_bad_rows},
    {"ReportDifferences", RPC_UNARY, job_differences_report_start},
    {"FinishJob", RPC_UNARY, job_finish_start},
    {"ExchangeJob", RPC_UNARY, job_exchange_start},
    {"FinishCheck", RPC_UNARY, source_check_finish},
};

const struct rpc_service worker_service = {
    .descriptor = &pb__worker_service__descriptor,
    .methods = methods,
    .nmethods = ARRAY_LEN(methods),
};
