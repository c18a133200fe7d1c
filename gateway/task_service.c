/*
 * gateway/task_service.c - sluice.v1.TaskService: answers from table task. CreateTask, UpdateTask,
 * ListTasks, the lists of what belongs to a task and the reply of GetTask have files of their own.
 *
 * A method is two functions: the one with its name starts the query; the one above it,
 * which ends in _done, turns the rows into the reply. An id that is none of ours is
 * NOT_FOUND without a query (gateway/task_id.h).
 */
#include <assert.h>

#include "gateway/access.h"
#include "gateway/enum_text.h"
#include "gateway/fault.h"
#include "gateway/gateway.h"
#include "gateway/lease_desk.h"
#include "gateway/op.h"
#include "gateway/services.h"
#include "gateway/task_create.h"
#include "gateway/task_explain.h"
#include "gateway/task_get.h"
#include "gateway/task_id.h"
#include "gateway/task_list.h"
#include "gateway/task_mask.h"
#include "gateway/task_parts.h"
#include "gateway/task_update.h"
#include "gateway/task_watch.h"
#include "gateway/watch_hub.h"
#include "rpc/call.h"
#include "rpc/origin.h"
#include "sluice/v1/task_service.pb-c.h"
#include "spec/task_state.h"
#include "store/row.h"
#include "store/task_store.h"

/* Whether id may be that of a task; if not, the call has been ended. */
static bool check_id(struct rpc_call *call, const char *id)
{
    rpc_origin_set_task(call, id);
    if (task_id_is_valid(str_from(id)))
        return true;
    fault_end(call, FAULT_TASK_NOT_FOUND, id);
    return false;
}

static void get_task(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__GetTaskRequest *request = (const Pb__GetTaskRequest *)message;

    struct violations violations = {0};

    (void)enum_text_get(&pb__task_view__descriptor, (int)request->view, "view", &violations);
    if (violations.count > 0)
        fault_end_violations(call, &violations);
    else if (check_id(call, request->id))
        task_get_submit(op_create(call, request->id),
                        request->view != PB__TASK_VIEW__TASK_VIEW_BASIC);
}

/* AbortTask, RetryTask and DeleteTask: what each does in which state is spec/task_state.h's. */

struct change_task {
    struct op op;
    enum task_verb verb;
};

/*
 * Whether a verb's query went well and did what it is for, or found it done. If not, the
 * call has been ended.
 */
static bool check_change(const struct change_task *change, struct status st,
                         const struct pg_result *rows)
{
    const struct op *op = &change->op;
    int state;

    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return false;
    }
    if (row_get_int(rows, 0, "note/is_stale") != 0) {
        fault_end(op->call, FAULT_TASK_CHANGED, op->name);
        return false;
    }
    if (row_is_null(rows, 0, "note/old_state")) {
        fault_end(op->call, FAULT_TASK_NOT_FOUND, op->name);
        return false;
    }
    struct str old = row_get_text(rows, 0, "note/old_state");
    bool is_known = enum_text_read(&pb__task_state__descriptor, old, &state);
    assert(is_known); /* the table has a constraint */
    if (task_rule_get(change->verb, (Pb__TaskState)state)->effect == TASK_REFUSED) {
        fault_end_with(op->call, FAULT_TASK_STATE, op->name,
                       task_verb_refuse(change->verb, op->name, old));
        return false;
    }
    return true;
}

static void change_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    struct change_task *change = container_of(op, struct change_task, op);
    struct gateway *gateway = rpc_call_get_self(op->call);
    struct arena *arena = rpc_call_get_arena(op->call);
    Pb__Task task = PB__TASK__INIT;

    if (!check_change(change, st, rows))
        return;
    st = row_read(rows, 0, "", arena, &task.base);
    if (st.code == STATUS_OK && change->verb == TASK_RETRY && task.delete_time) {
        fault_end_with(op->call, FAULT_TASK_STATE, op->name, task_refuse_deleted(op->name));
        return;
    }
    if (st.code == STATUS_OK)
        task_mask(&task, arena);
    rpc_call_end(op->call, st, &task.base);
    watch_hub_wake(gateway->watches);
    lease_desk_wake(gateway->desk); /* a retry has jobs, and an abort may leave one */
}

static void delete_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    struct change_task *change = container_of(op, struct change_task, op);
    struct gateway *gateway = rpc_call_get_self(op->call);
    Google__Protobuf__Empty reply = GOOGLE__PROTOBUF__EMPTY__INIT;

    if (!check_change(change, st, rows))
        return;
    rpc_call_end(op->call, st, &reply.base);
    watch_hub_wake(gateway->watches);
    lease_desk_wake(gateway->desk); /* it may leave a job */
}

static struct change_task *make_change(struct rpc_call *call, enum task_verb verb, const char *id)
{
    struct change_task *change = rpc_call_alloc(call, sizeof(*change));

    change->op.call = call;
    change->op.name = id;
    change->verb = verb;
    return change;
}

static void abort_task(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__AbortTaskRequest *request = (const Pb__AbortTaskRequest *)message;

    if (!check_id(call, request->id))
        return;
    op_submit(&make_change(call, TASK_ABORT, request->id)->op,
              &(struct query){
                  .statement = &task_abort,
                  .params = {param_text(request->id),
                             param_text(task_verb_get_states(TASK_ABORT, TASK_MOVES)),
                             param_text(task_verb_get_states(TASK_ABORT, TASK_STAYS)),
                             param_text(task_verb_get_target(TASK_ABORT)),
                             param_text(access_get_actor(call)), param_text(""),
                             param_text(request->etag)},
                  .on_done = change_done,
              });
}

static void retry_task(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__RetryTaskRequest *request = (const Pb__RetryTaskRequest *)message;

    if (!check_id(call, request->id))
        return;
    op_submit(&make_change(call, TASK_RETRY, request->id)->op,
              &(struct query){
                  .statement = &task_retry,
                  .params = {param_text(request->id),
                             param_text(task_verb_get_states(TASK_RETRY, TASK_MOVES)),
                             param_text(task_verb_get_states(TASK_RETRY, TASK_STAYS)),
                             param_text(task_verb_get_target(TASK_RETRY)),
                             param_text(access_get_actor(call)),
                             param_int(request->from_start ? 1 : 0), param_text(request->etag)},
                  .on_done = change_done,
              });
}

static void delete_task(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__DeleteTaskRequest *request = (const Pb__DeleteTaskRequest *)message;

    if (!check_id(call, request->id))
        return;
    op_submit(&make_change(call, TASK_DELETE, request->id)->op,
              &(struct query){
                  .statement = &task_delete,
                  .params = {param_text(request->id),
                             param_text(task_verb_get_states(TASK_DELETE, TASK_REMOVED)),
                             param_text(access_get_actor(call)), param_text(request->etag)},
                  .on_done = delete_done,
              });
}

static const struct rpc_method methods[] = {
    {"CreateTask", RPC_UNARY, task_create_start},
    {"GetTask", RPC_UNARY, get_task},
    {"ListTasks", RPC_UNARY, task_list_start},
    {"AbortTask", RPC_UNARY, abort_task},
    {"RetryTask", RPC_UNARY, retry_task},
    {"DeleteTask", RPC_UNARY, delete_task},
    {"ListBadRows", RPC_UNARY, task_parts_list_bad_rows},
    {"ListDifferences", RPC_UNARY, task_parts_list_differences},
    {"UpdateTask", RPC_UNARY, task_update_start},
    {"ExplainTask", RPC_UNARY, task_explain_start},
    {"ListTaskEvents", RPC_UNARY, task_parts_list_events},
    {"WatchTask", RPC_SERVER_STREAM, task_watch_start},
    {"WatchTasks", RPC_SERVER_STREAM, task_watch_all_start},
};

const struct rpc_service task_service = {
    .descriptor = &pb__task_service__descriptor,
    .methods = methods,
    .nmethods = ARRAY_LEN(methods),
    .begins_traces = true,
};
