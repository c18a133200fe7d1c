#include "gateway/task_explain.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/buf.h"
#include "gateway/fault.h"
#include "gateway/gateway.h"
#include "gateway/job_reason.h"
#include "gateway/lease_desk.h"
#include "gateway/op.h"
#include "gateway/task_id.h"
#include "rpc/call.h"
#include "rpc/message_json.h"
#include "rpc/origin.h"
#include "sluice/v1/task_service.pb-c.h"
#include "store/explain_store.h"
#include "store/row.h"

enum { MAX_JOBS = 100 };

/* A task's explanation in the making. */
struct explanation {
    Pb__TaskExplanation *reply;
    const struct pg_result *rows;
    struct arena *arena;
    int64_t nwaiting; /* workers that could do its jobs */
    bool has_more;    /* jobs than are told of */
};

static struct status tell_job(struct explanation *explanation, size_t row)
{
    const struct pg_result *rows = explanation->rows;
    const struct job_facts facts = {
        .state = row_get_text(rows, row, "note/job_state"),
        .message = row_get_text(rows, row, "note/job_message"),
        .worker_id = row_get_text(rows, row, "note/worker_id"),
        .capability = row_get_text(rows, row, "note/capability"),
        .attempt = row_get_int(rows, row, "note/attempt"),
        .left_ms = row_get_int(rows, row, "note/left_ms"),
        .nearlier = row_get_int(rows, row, "note/earlier"),
        .nleasable = row_get_int(rows, row, "note/leasable"),
        .nrunning = row_get_int(rows, row, "note/running"),
        .nwaiting = explanation->nwaiting,
    };
    Pb__JobExplanation *job =
        (Pb__JobExplanation *)message_create(&pb__job_explanation__descriptor, explanation->arena);
    struct buf text = {0};

    job->reason = job_reason_tell(&facts, &text);
    job->text = arena_copy_str(explanation->arena, buf_get(&text));
    buf_deinit(&text);
    explanation->reply->jobs[explanation->reply->n_jobs++] = job;
    return row_read(rows, row, "told/", explanation->arena, &job->base);
}

static struct status tell_jobs(struct explanation *explanation)
{
    size_t nrows = rows_get_count(explanation->rows);
    struct status st = status_ok();

    explanation->has_more = nrows > MAX_JOBS;
    explanation->reply->jobs =
        arena_alloc(explanation->arena, MAX_JOBS * sizeof(Pb__JobExplanation *));
    if (row_is_null(explanation->rows, 0, "told/id"))
        return st;
    for (size_t i = 0; i < nrows && i < MAX_JOBS && st.code == STATUS_OK; i++)
        st = tell_job(explanation, i);
    return st;
}

/* In front of what there is to say of its jobs. */
static const char *tell_state(const struct explanation *explanation)
{
    bool is_deleted = row_get_int(explanation->rows, 0, "note/is_deleted") != 0;

    if (is_deleted)
        return "is deleted, and goes when its replication peer is removed from the source";
    switch (explanation->reply->state) {
    case PB__TASK_STATE__TASK_STATE_PENDING:
        return "waits to begin";
    case PB__TASK_STATE__TASK_STATE_RUNNING:
        return "runs";
    case PB__TASK_STATE__TASK_STATE_SUCCEEDED:
        return "is done";
    case PB__TASK_STATE__TASK_STATE_FAILED:
        return "failed, and stays so until RetryTask takes it up again";
    default:
        return "was aborted, and stays so until RetryTask takes it up again";
    }
}

static void tell_task(struct explanation *explanation)
{
    const Pb__TaskExplanation *reply = explanation->reply;
    struct str message = row_get_text(explanation->rows, 0, "note/message");
    struct buf text = {0};

    buf_printf(&text, "The task %s", tell_state(explanation));
    if (message.len > 0) {
        buf_append_text(&text, ": ");
        buf_append_str(&text, message);
    }
    /* What stands at the front decides what the others wait for. */
    if (reply->n_jobs > 0) {
        const Pb__JobExplanation *job = reply->jobs[0];
        buf_printf(&text, ". Job %s %s", job->id, job->text);
    }
    if (reply->n_jobs > 1)
        buf_printf(&text, ". %s%zu more jobs are not done",
                   explanation->has_more ? "At least " : "", reply->n_jobs - 1);
    buf_append_char(&text, '.');
    explanation->reply->text = arena_copy_str(explanation->arena, buf_get(&text));
    buf_deinit(&text);
}

static void explain_done(struct query *query, struct status st, const struct pg_result *rows)
{
    const struct op *op = op_of(query);
    const struct gateway *gateway = rpc_call_get_self(op->call);
    Pb__TaskExplanation reply = PB__TASK_EXPLANATION__INIT;

    if (st.code == STATUS_OK && rows_get_count(rows) == 0) {
        fault_end(op->call, FAULT_TASK_NOT_FOUND, op->name);
        return;
    }
    if (st.code == STATUS_OK)
        st = row_read(rows, 0, "", rpc_call_get_arena(op->call), &reply.base);
    if (st.code == STATUS_OK) {
        struct explanation explanation = {
            .reply = &reply,
            .rows = rows,
            .arena = rpc_call_get_arena(op->call),
            .nwaiting =
                (int64_t)lease_desk_count(gateway->desk, row_get_text(rows, 0, "note/capability")),
        };
        st = tell_jobs(&explanation);
        tell_task(&explanation);
    }
    if (st.code != STATUS_OK)
        fault_end_store(op->call, st);
    else
        rpc_call_end(op->call, st, &reply.base);
}

void task_explain_start(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__ExplainTaskRequest *request = (const Pb__ExplainTaskRequest *)message;

    if (!task_id_is_valid(str_from(request->id))) {
        fault_end(call, FAULT_TASK_NOT_FOUND, request->id);
        return;
    }
    rpc_origin_set_task(call, request->id);
    op_submit(op_create(call, request->id),
              &(struct query){
                  .statement = &task_explain,
                  .params = {param_text(request->id), param_int(MAX_JOBS + 1)},
                  .on_done = explain_done,
              });
}
