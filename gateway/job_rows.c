#include "gateway/job_rows.h"

#include <assert.h>

#include "base/compiler.h"
#include "gateway/fault.h"
#include "gateway/op.h"
#include "google/protobuf/empty.pb-c.h"
#include "rpc/call.h"
#include "spec/violations.h"
#include "store/row.h"

struct report {
    struct rpc_call *call;
    const struct job_rows *kind;
    const char *job_id;
    size_t nleft;     /* queries that have not come back */
    struct status st; /* the first failure */
    bool is_lost;
    bool is_misplaced;
    struct row_op {
        struct op op;
        struct report *report;
    } rows[];
};

static void end_misplaced(const struct report *report)
{
    struct violations violations = {0};

    assert(report->kind->misplaced_text);
    violations_add(&violations, report->kind->field, "%s", report->kind->misplaced_text);
    fault_end_violations(report->call, &violations);
}

static void row_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct report *report = container_of(op_of(query), struct row_op, op)->report;
    Google__Protobuf__Empty reply = GOOGLE__PROTOBUF__EMPTY__INIT;

    if (st.code == STATUS_OK) {
        struct str outcome = row_get_text(rows, 0, "note/outcome");
        bool is_misplaced = str_is(outcome, "MISPLACED");

        report->is_misplaced = report->is_misplaced || is_misplaced;
        report->is_lost = report->is_lost || (!is_misplaced && !str_is(outcome, "DONE"));
    } else if (report->st.code == STATUS_OK) {
        report->st = st;
    }
    if (--report->nleft > 0)
        return;
    if (report->is_lost)
        fault_end(report->call, FAULT_LEASE_LOST, report->job_id);
    else if (report->st.code != STATUS_OK)
        fault_end_store(report->call, report->st);
    else if (report->is_misplaced)
        end_misplaced(report);
    else
        rpc_call_end(report->call, status_ok(), &reply.base);
}

void job_rows_store(struct rpc_call *call, const struct job_rows *kind, const char *job_id,
                    const ProtobufCMessage *request, size_t nrows)
{
    Google__Protobuf__Empty nothing = GOOGLE__PROTOBUF__EMPTY__INIT;

    if (nrows == 0) {
        rpc_call_end(call, status_ok(), &nothing.base);
        return;
    }
    struct report *report = rpc_call_alloc(call, sizeof(*report) + nrows * sizeof(report->rows[0]));
    report->call = call;
    report->kind = kind;
    report->job_id = job_id;
    report->nleft = nrows; /* before the first can come back */
    for (size_t i = 0; i < nrows; i++) {
        struct query query = {.statement = kind->statement, .on_done = row_done};

        report->rows[i] = (struct row_op){.op.call = call, .report = report};
        kind->set(request, i, query.params);
        op_submit(&report->rows[i].op, &query);
    }
}
