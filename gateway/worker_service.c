/*
 * gateway/worker_service.c - sluice.worker.v1.WorkerService: jobs out, what becomes of them
 * in.
 *
 * Leases are the lease desk's, and FinishJob has a file of its own. Each of the other methods is
 * one query under the lease's token, which the database compares: a report under an older token
 * changes nothing and ends as LEASE_LOST.
 */
#include "base/compiler.h"
#include "gateway/capability_set.h"
#include "gateway/enum_text.h"
#include "gateway/fault.h"
#include "gateway/gateway.h"
#include "gateway/job_fields.h"
#include "gateway/job_finish.h"
#include "gateway/lease_desk.h"
#include "gateway/op.h"
#include "gateway/services.h"
#include "gateway/source_check.h"
#include "gateway/worker_id.h"
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

/* A duration in milliseconds, from 0 to LEASE_MAX_WAIT_MS; what is not whole is cut. */
static int64_t read_wait(const Google__Protobuf__Duration *wait, struct violations *violations)
{
    if (!wait)
        return 0;
    bool is_right = wait->seconds >= 0 && wait->seconds <= LEASE_MAX_WAIT_MS / 1000 &&
                    wait->nanos >= 0 && wait->nanos <= 999999999;
    int64_t wait_ms = is_right ? wait->seconds * 1000 + wait->nanos / 1000000 : 0;

    if (!is_right || wait_ms > LEASE_MAX_WAIT_MS)
        violations_add(violations, "wait_duration", "wait_duration is not from 0 to %d s",
                       LEASE_MAX_WAIT_MS / 1000);
    return wait_ms;
}

static void lease_job(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__LeaseJobRequest *request = (const Pb__LeaseJobRequest *)message;
    struct gateway *gateway = rpc_call_get_self(call);
    struct violations violations = {0};
    struct capability_set *capabilities = rpc_call_alloc(call, sizeof(*capabilities));
    int64_t wait_ms = read_wait(request->wait_duration, &violations);

    worker_id_validate(request->worker_id, &violations);
    capability_set_read(request->capabilities, request->n_capabilities, rpc_call_get_arena(call),
                        &violations, capabilities);
    if (violations.count > 0)
        fault_end_violations(call, &violations);
    else
        lease_desk_ask(gateway->desk, call, request->worker_id, capabilities, wait_ms);
}

/* ReportJob. */

static void report_job_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
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
    reply.directive =
        str_is(outcome, "STOP") ? PB__DIRECTIVE__DIRECTIVE_STOP : PB__DIRECTIVE__DIRECTIVE_CONTINUE;
    rpc_call_end(op->call, st, &reply.base);
}

static void report_job(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__ReportJobRequest *request = (const Pb__ReportJobRequest *)message;
    const struct gateway *gateway = rpc_call_get_self(call);
    const Pb__Checkpoint *checkpoint = request->checkpoint;
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
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    struct query query = {
        .statement = &job_report,
        .params = {param_text(request->id), param_int(request->lease_token),
                   param_int(gateway->lease_ms)},
        .on_done = report_job_done,
    };
    job_fields_set_progress(request->progress, &query.params[3], &query.params[10]);
    query.params[9] = checkpoint
                          ? param_str(str_from_bytes(checkpoint->data.data, checkpoint->data.len))
                          : param_null();
    op_submit(op_create(call, request->id), &query);
}

/*
 * ReportBadRows: a query for each row, all of one statement, so that the store sends them
 * as one. They end one after another on the thread of the lane for writes; the last one
 * ends the call.
 */

struct report_bad_rows {
    struct rpc_call *call;
    const char *id;
    size_t nleft;     /* queries that have not come back */
    struct status st; /* the first failure */
    bool is_lost;
    struct bad_row_op {
        struct op op;
        struct report_bad_rows *report;
    } rows[];
};

static void add_bad_row_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct bad_row_op *row = container_of(op_of(query), struct bad_row_op, op);
    struct report_bad_rows *report = row->report;
    Google__Protobuf__Empty reply = GOOGLE__PROTOBUF__EMPTY__INIT;

    if (st.code == STATUS_OK && !str_is(row_get_text(rows, 0, "note/outcome"), "DONE"))
        report->is_lost = true;
    if (st.code != STATUS_OK && report->st.code == STATUS_OK)
        report->st = st;
    if (--report->nleft > 0)
        return;
    if (report->is_lost)
        fault_end(report->call, FAULT_LEASE_LOST, report->id);
    else if (report->st.code != STATUS_OK)
        fault_end_store(report->call, report->st);
    else
        rpc_call_end(report->call, status_ok(), &reply.base);
}

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

static void submit_bad_row(struct bad_row_op *op, const Pb__ReportBadRowsRequest *request,
                           const Pb__BadRow *row)
{
    op_submit(&op->op, &(struct query){
                           .statement = &bad_row_add,
                           .params = {param_text(request->id), param_int(request->lease_token),
                                      param_text(row->file), param_int(row->row),
                                      param_int(row->byte_offset), param_text(row->column),
                                      param_text(row->reason),
                                      param_str(str_from_bytes(row->raw.data, row->raw.len))},
                           .on_done = add_bad_row_done,
                       });
}

static void report_bad_rows(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__ReportBadRowsRequest *request = (const Pb__ReportBadRowsRequest *)message;
    Google__Protobuf__Empty nothing = GOOGLE__PROTOBUF__EMPTY__INIT;
    struct violations violations = {0};
    size_t nrows = request->n_bad_rows;

    job_fields_validate_lease(request->id, request->lease_token, &violations);
    if (nrows > MAX_BAD_ROWS)
        violations_add(&violations, "bad_rows", "there are %zu bad rows; at most %d are taken",
                       nrows, MAX_BAD_ROWS);
    for (size_t i = 0; i < nrows && violations.count < VIOLATIONS_MAX; i++)
        validate_bad_row(request->bad_rows[i], &violations);
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    if (nrows == 0) {
        rpc_call_end(call, status_ok(), &nothing.base);
        return;
    }
    struct report_bad_rows *report =
        rpc_call_alloc(call, sizeof(*report) + nrows * sizeof(report->rows[0]));
    report->call = call;
    report->id = request->id;
    report->nleft = nrows; /* before the first can come back */
    for (size_t i = 0; i < nrows; i++) {
        report->rows[i] = (struct bad_row_op){.op.call = call, .report = report};
        submit_bad_row(&report->rows[i], request, request->bad_rows[i]);
    }
}

static const struct rpc_method methods[] = {
    {"LeaseJob", RPC_UNARY, lease_job},
    {"ReportJob", RPC_UNARY, report_job},
    {"ReportBadRows", RPC_UNARY, report_bad_rows},
    {"FinishJob", RPC_UNARY, job_finish_start},
    {"FinishCheck", RPC_UNARY, source_check_finish},
};

const struct rpc_service worker_service = {
    .descriptor = &pb__worker_service__descriptor,
    .methods = methods,
    .nmethods = ARRAY_LEN(methods),
};
