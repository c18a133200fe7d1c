/*
 * gateway/job_finish.c - FinishJob and ExchangeJob.
 *
 * One query, but for a job of role PLAN that has found tables. What follows from them is planned here, where all plans
 * are made, and so the task's spec is read first. Nothing is locked between the two: the second query is under the
 * lease's token, which grows when the tables of the task are changed or it begins anew.
 */
#include "gateway/job_finish.h"

#include "base/arena.h"
#include "gateway/enum_text.h"
#include "gateway/fault.h"
#include "gateway/gateway.h"
#include "gateway/gateway_status.h"
#include "gateway/job_fields.h"
#include "gateway/lease_desk.h"
#include "gateway/lease_wish.h"
#include "gateway/op.h"
#include "gateway/plan_params.h"
#include "gateway/task_kind.h"
#include "gateway/watch_hub.h"
#include "rpc/call.h"
#include "sluice/worker/v1/worker_service.pb-c.h"
#include "spec/job_plan.h"
#include "spec/table_names.h"
#include "spec/violations.h"
#include "store/job_store.h"
#include "store/plan_store.h"
#include "store/row.h"

enum {
    FIRST_BACKOFF_MS = 1000, /* of a job that failed for a passing reason; the store doubles it */
};

struct finish_job {
    struct op op;
    const Pb__FinishJobRequest *request;
    const struct lease_wish *wish; /* for the next job; NULL: none is asked for */
};

static void end_violation(struct rpc_call *call, const char *field, const char *text)
{
    struct violations violations = {0};

    violations_add(&violations, field, "%s", text);
    fault_end_violations(call, &violations);
}

/* The end is stored. */
static void end_done(const struct finish_job *finish)
{
    struct rpc_call *call = finish->op.call;
    const struct gateway *gateway = rpc_call_get_self(call);
    Google__Protobuf__Empty reply = GOOGLE__PROTOBUF__EMPTY__INIT;

    if (finish->wish)
        lease_desk_ask(gateway->desk, call, finish->wish);
    else
        rpc_call_end(call, status_ok(), &reply.base);
}

static void finish_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    const struct finish_job *finish = container_of(op, struct finish_job, op);
    struct gateway *gateway = rpc_call_get_self(op->call);

    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return;
    }
    bool is_ready = row_get_int(rows, 0, "note/ready") != 0;
    struct str outcome = row_get_text(rows, 0, "note/outcome");
    if (str_is(outcome, "DONE"))
        gateway_status_count_end(
            gateway->metrics,
            enum_text_find(&pb__job_outcome__descriptor, (int)finish->request->outcome),
            row_get_int(rows, 0, "note/given_up") != 0);
    if (str_is(outcome, "DONE"))
        end_done(finish);
    else if (str_is(outcome, "UNPLANNED"))
        end_violation(
            op->call, "table_names",
            "a job of role PLAN names the tables that it found; it fails if there are none");
    else
        fault_end(op->call, FAULT_LEASE_LOST, op->name);
    watch_hub_wake(gateway->watches);
    if (is_ready)
        lease_desk_wake(gateway->desk);
}

/* plan: the jobs that follow, or NULL. */
static void submit_finish(struct finish_job *finish, const struct job_plan *plan)
{
    const Pb__FinishJobRequest *request = finish->request;
    const char *outcome = enum_text_find(&pb__job_outcome__descriptor, (int)request->outcome);
    struct arena *arena = rpc_call_get_arena(finish->op.call);
    struct query query = {
        .statement = &job_finish,
        .params = {param_text(request->id), param_int(request->lease_token), param_text(outcome),
                   param_text(job_fields_redact(request->message, arena)),
                   param_text(job_fields_write_progress(request->progress, arena)),
                   param_int(FIRST_BACKOFF_MS), param_int(JOB_MAX_TRIES)},
        .on_done = finish_done,
    };

    if (plan)
        plan_params_set(plan, arena, &query.params[7]);
    op_submit(&finish->op, &query);
}

/* The task of a job that names tables. */
static void plan_base_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct finish_job *finish = container_of(op_of(query), struct finish_job, op);
    struct rpc_call *call = finish->op.call;
    struct arena *arena = rpc_call_get_arena(call);
    Pb__Task task = PB__TASK__INIT; /* its strings are borrowed from rows */
    struct violations violations = {0};
    struct job_plan plan;

    if (!op_take_row(&finish->op, st, rows, FAULT_LEASE_LOST, &task.base))
        return;
    if (!str_is(row_get_text(rows, 0, "note/role"), "PLAN")) {
        end_violation(call, "table_names", "only a job of role PLAN names tables");
        return;
    }
    const Pb__Task *planned = task_kind_replace_tables(&task, finish->request->table_names,
                                                       finish->request->n_table_names, arena);
    task_kind_find(planned)->plan(planned, arena, &violations, &plan);
    if (violations.count > 0)
        fault_end_violations(call, &violations);
    else
        submit_finish(finish, &plan);
}

static void validate(const Pb__FinishJobRequest *request, struct arena *arena,
                     struct violations *violations)
{
    static const struct table_names_rules rules = {.field = "table_names"};
    int outcome = (int)request->outcome;
    struct table_names tables;

    job_fields_validate_lease(request->id, request->lease_token, violations);
    if (outcome == 0 || !enum_text_find(&pb__job_outcome__descriptor, outcome))
        violations_add(violations, "outcome", "outcome: %d is none", outcome);
    job_fields_validate_text(request->message, JOB_MESSAGE_MAX_BYTES, "message", violations);
    if (request->message[0] == '\0' && outcome != PB__JOB_OUTCOME__JOB_OUTCOME_SUCCEEDED &&
        outcome != PB__JOB_OUTCOME__JOB_OUTCOME_RELEASED)
        violations_add(violations, "message", "message is missing: why did the job not succeed?");
    if (request->progress)
        job_fields_validate_progress(request->progress, violations);
    if (request->n_table_names > 0 && outcome != PB__JOB_OUTCOME__JOB_OUTCOME_SUCCEEDED)
        violations_add(violations, "table_names", "only a job that succeeded names tables");
    else if (request->n_table_names > 0)
        table_names_read(request->table_names, request->n_table_names, &rules, arena, violations,
                         &tables);
}

/* What is wrong with a wish is in violations already. */
static void start(struct rpc_call *call, const Pb__FinishJobRequest *request,
                  const struct lease_wish *wish, struct violations *violations)
{
    validate(request, rpc_call_get_arena(call), violations);
    if (violations->count > 0) {
        fault_end_violations(call, violations);
        return;
    }
    struct finish_job *finish = rpc_call_alloc(call, sizeof(*finish));
    finish->op.call = call;
    finish->op.name = request->id;
    finish->request = request;
    finish->wish = wish;
    if (request->n_table_names == 0)
        submit_finish(finish, NULL);
    else
        op_submit(&finish->op, &(struct query){
                                   .statement = &plan_base_get,
                                   .params = {param_null(), param_text(request->id)},
                                   .on_done = plan_base_done,
                               });
}

void job_finish_start(struct rpc_call *call, const ProtobufCMessage *message)
{
    struct violations violations = {0};

    start(call, (const Pb__FinishJobRequest *)message, NULL, &violations);
}

void job_exchange_start(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__ExchangeJobRequest *request = (const Pb__ExchangeJobRequest *)message;
    Pb__FinishJobRequest *finish = rpc_call_alloc(call, sizeof(*finish));
    Pb__LeaseJobRequest lease = PB__LEASE_JOB_REQUEST__INIT;
    struct lease_wish *wish = rpc_call_alloc(call, sizeof(*wish));
    struct violations violations = {0};

    pb__finish_job_request__init(finish);
    finish->id = request->id;
    finish->lease_token = request->lease_token;
    finish->outcome = request->outcome;
    finish->message = request->message;
    finish->progress = request->progress;
    finish->n_table_names = request->n_table_names;
    finish->table_names = request->table_names;
    lease.worker_id = request->worker_id;
    lease.wait_duration = request->wait_duration;
    lease.n_capabilities = request->n_capabilities;
    lease.capabilities = request->capabilities;
    lease_wish_read(&lease, rpc_call_get_arena(call), &violations, wish);
    start(call, finish, wish, &violations);
}
