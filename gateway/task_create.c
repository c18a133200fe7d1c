/*
 * gateway/task_create.c - CreateTask.
 *
 * The spec is read as a worker will read it, so that what cannot work is refused here, with
 * all that is wrong at once. What is stored is the spec as it was sent, and the plan of its
 * jobs. Whether the data sources exist and are of a type that fits is for the statement to
 * say: it is one query, but for a request that comes again: that needs a second one to read
 * the task which is there.
 */
#include "gateway/task_create.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/id.h"
#include "gateway/access.h"
#include "gateway/enum_text.h"
#include "gateway/fault.h"
#include "gateway/gateway.h"
#include "gateway/lease_desk.h"
#include "gateway/op.h"
#include "gateway/plan_params.h"
#include "gateway/task_get.h"
#include "gateway/task_kind.h"
#include "gateway/task_mask.h"
#include "gateway/task_update.h"
#include "gateway/text_array.h"
#include "gateway/watch_hub.h"
#include "rpc/call.h"
#include "rpc/origin.h"
#include "sluice/v1/task_service.pb-c.h"
#include "spec/data_source_spec.h"
#include "spec/job_plan.h"
#include "spec/task_marks.h"
#include "store/row.h"
#include "store/task_store.h"

struct create_task {
    struct op op;
    const struct task_kind *kind;
    const Pb__Task *wanted; /* the request's */
    const char *request_id; /* in lower case; empty: there is none */
    bool is_second_try;     /* a data source was deleted under the first one */
    struct job_plan plan;
};

/* One of the two data sources that a task names. */
struct named_source {
    const char *field;
    const char *name;
    const Pb__DataSourceType *types; /* TASK_KIND_MAX_TYPES; those that it may have */
    const char *note; /* the column that has its type; NULL: there is no such data source */
};

static const char *get_type_name(Pb__DataSourceType type)
{
    return enum_text_find(&pb__data_source_type__descriptor, (int)type);
}

static bool has_type(const Pb__DataSourceType *types, struct str name)
{
    for (size_t i = 0; i < TASK_KIND_MAX_TYPES && types[i] != 0; i++)
        if (str_is(name, get_type_name(types[i])))
            return true;
    return false;
}

/* "FILE, HDFS or S3" */
static const char *write_choices(const Pb__DataSourceType *types, struct arena *arena)
{
    const char *text = get_type_name(types[0]);

    for (size_t i = 1; i < TASK_KIND_MAX_TYPES && types[i] != 0; i++) {
        bool is_last = i + 1 == TASK_KIND_MAX_TYPES || types[i + 1] == 0;

        text =
            arena_printf(arena, "%s%s%s", text, is_last ? " or " : ", ", get_type_name(types[i]));
    }
    return text;
}

/* Ends a call whose task was not stored. */
static void refuse(const struct create_task *create, const struct pg_result *rows)
{
    struct arena *arena = rpc_call_get_arena(create->op.call);
    const struct named_source sources[] = {
        {"task.source", create->wanted->source, create->kind->source_types, "note/source_type"},
        {"task.destination", create->wanted->destination, create->kind->destination_types,
         "note/destination_type"},
    };
    struct violations violations = {0};

    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        const struct named_source *source = &sources[i];
        struct str type = row_get_text(rows, 0, source->note);

        if (row_is_null(rows, 0, source->note)) {
            fault_end(create->op.call, FAULT_DATA_SOURCE_NOT_FOUND, source->name);
            return;
        }
        if (!has_type(source->types, type))
            violations_add(&violations, source->field,
                           "data source '%s' is of type %.*s; %s is expected", source->name,
                           (int)type.len, type.data, write_choices(source->types, arena));
    }
    fault_end_violations(create->op.call, &violations);
}

/* The jobs as they were planned, for the reply. */
static void add_jobs(const struct job_plan *plan, struct arena *arena, Pb__Task *task)
{
    task->jobs = arena_alloc(arena, plan->njobs * sizeof(*task->jobs));
    for (size_t i = 0; i < plan->njobs; i++) {
        Pb__Job *job = arena_alloc(arena, sizeof(*job));

        pb__job__init(job);
        job->id = (char *)plan->jobs[i].id;
        job->role = plan->jobs[i].role;
        job->state = plan->jobs[i].state;
        job->table = (char *)plan->jobs[i].table;
        task->jobs[task->n_jobs++] = job;
    }
}

/* The reply to validate_only: what would be stored. The row has what is not in the request. */
static void end_valid(const struct create_task *create, const struct pg_result *rows)
{
    const Pb__Task *wanted = create->wanted;
    struct arena *arena = rpc_call_get_arena(create->op.call);
    Pb__Task made = PB__TASK__INIT;
    struct status st = row_read(rows, 0, "", arena, &made.base);

    if (st.code != STATUS_OK) {
        fault_end_store(create->op.call, st);
        return;
    }
    made.kind = create->kind->kind;
    made.source = wanted->source;
    made.destination = wanted->destination;
    made.display_name = wanted->display_name;
    made.labels = wanted->labels;
    made.n_labels = wanted->n_labels;
    made.state = PB__TASK_STATE__TASK_STATE_PENDING;
    made.stage = PB__TASK_STAGE__TASK_STAGE_WAIT_FOR_START;
    made.spec_case = wanted->spec_case;
    made.bulkload = wanted->bulkload; /* whichever arm it is */
    add_jobs(&create->plan, arena, &made);
    for (size_t i = 0; i < made.n_jobs; i++)
        made.jobs[i]->id = "";
    task_mask(&made, arena);
    rpc_call_end(create->op.call, st, &made.base);
}

static void end_created(const struct create_task *create, const struct pg_result *rows)
{
    struct rpc_call *call = create->op.call;
    struct gateway *gateway = rpc_call_get_self(call);
    struct arena *arena = rpc_call_get_arena(call);
    Pb__Task task = PB__TASK__INIT; /* its strings are borrowed from rows */
    struct status st = row_read(rows, 0, "", arena, &task.base);

    if (st.code != STATUS_OK) {
        fault_end_store(call, st);
        return;
    }
    add_jobs(&create->plan, arena, &task);
    task_mask(&task, arena);
    rpc_origin_set_task(call, task.id);
    rpc_call_end(call, st, &task.base);
    lease_desk_wake(gateway->desk);
    watch_hub_wake(gateway->watches);
}

static void create_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    struct create_task *create = container_of(op, struct create_task, op);
    struct query again = *query;

    /* The foreign key has failed: the next look at the data sources tells which one is gone. */
    if (st.code == STATUS_FAILED_PRECONDITION && !create->is_second_try) {
        create->is_second_try = true;
        op_submit(op, &again);
        return;
    }
    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return;
    }
    struct str outcome = row_get_text(rows, 0, "note/outcome");
    if (str_is(outcome, "CREATED")) {
        end_created(create, rows);
    } else if (str_is(outcome, "REPEATED")) {
        struct str id = row_get_text(rows, 0, "note/prior_id");
        op->name = arena_copy_str(rpc_call_get_arena(op->call), id);
        task_get_submit(op, true);
    } else if (str_is(outcome, "RACED")) {
        op_submit(op, &again);
    } else if (str_is(outcome, "REUSED")) {
        fault_end(op->call, FAULT_REQUEST_ID_REUSED, create->request_id);
    } else if (str_is(outcome, "VALID")) {
        end_valid(create, rows);
    } else {
        refuse(create, rows);
    }
}

/* Checks a task and plans it; the kind, or NULL. Adds to violations what is wrong. */
static const struct task_kind *validate(const Pb__Task *task, struct arena *arena,
                                        struct violations *violations, struct job_plan *ret)
{
    if (!task) {
        violations_add(violations, "task", "task is missing");
        return NULL;
    }
    const struct task_kind *kind = task_kind_find(task);
    task_marks_validate_display_name(task, violations);
    task_marks_validate_labels(task, violations);
    data_source_validate_name(task->source, "task.source", violations);
    data_source_validate_name(task->destination, "task.destination", violations);
    if (kind)
        kind->plan(task, arena, violations, ret);
    else
        violations_add(violations, "task.spec",
                       "the task's spec is missing: bulkload, full_migration or incremental_sync"
                       " is expected");
    return kind;
}

/* The request's id in lower case; empty: there is none. Adds to violations if it is no UUID. */
static const char *read_request_id(const char *text, struct arena *arena,
                                   struct violations *violations)
{
    char uuid[ID_UUID_BYTES] = "";

    if (text[0] != '\0' && !id_read_uuid(str_from(text), uuid))
        violations_add(violations, "request_id", "'%.60s' is not a UUID", text);
    return arena_copy_str(arena, str_from(uuid));
}

static struct param type_array(const Pb__DataSourceType *types, struct arena *arena)
{
    struct buf array = {0};

    for (size_t i = 0; i < TASK_KIND_MAX_TYPES && types[i] != 0; i++)
        text_array_add(&array, get_type_name(types[i]));
    struct param param = param_text(arena_copy_str(arena, buf_get(&array)));
    buf_deinit(&array);
    return param;
}

/* The trace that the task is to be part of; "": none. */
static const char *write_traceparent(struct rpc_call *call, struct arena *arena)
{
    char *text = arena_alloc(arena, TRACE_PARENT_TEXT_BYTES);

    trace_context_write(&rpc_origin_get_span(call)->context, text);
    return text;
}

void task_create_start(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__CreateTaskRequest *request = (const Pb__CreateTaskRequest *)message;
    const Pb__Task *task = request->task;
    struct arena *arena = rpc_call_get_arena(call);
    struct create_task *create = rpc_call_alloc(call, sizeof(*create));
    struct violations violations = {0};
    char hex[ID_HEX_BYTES];

    create->kind = validate(task, arena, &violations, &create->plan);
    create->request_id = read_request_id(request->request_id, arena, &violations);
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    create->op.call = call;
    create->wanted = task;
    id_make_ordered_hex(hex);
    struct query query = {
        .statement = &task_create,
        .params = {param_text(arena_copy_str(arena, str_from(hex))),
                   param_text(enum_text_find(&pb__task_kind__descriptor, (int)create->kind->kind)),
                   param_text(task->source), param_text(task->destination),
                   param_str(task_kind_pack_spec(task, arena)),
                   type_array(create->kind->source_types, arena),
                   type_array(create->kind->destination_types, arena),
                   param_text(create->kind->id_prefix), [12] = param_text(access_get_actor(call)),
                   create->request_id[0] ? param_text(create->request_id) : param_null(),
                   param_int(request->validate_only), param_text(task->display_name),
                   param_text(task_labels_write(task, arena)),
                   param_int(create->plan.max_bytes_s_per_thread),
                   param_text(write_traceparent(call, arena)),
                   param_str(rpc_origin_get_trace_state(call))},
        .on_done = create_done,
    };
    plan_params_set(&create->plan, arena, &query.params[8]);
    op_submit(&create->op, &query);
}
