#include "gateway/task_update.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_out.h"
#include "gateway/access.h"
#include "gateway/fault.h"
#include "gateway/gateway.h"
#include "gateway/lease_desk.h"
#include "gateway/op.h"
#include "gateway/plan_params.h"
#include "gateway/task_id.h"
#include "gateway/task_kind.h"
#include "gateway/task_mask.h"
#include "gateway/watch_hub.h"
#include "rpc/call.h"
#include "rpc/origin.h"
#include "sluice/v1/task_service.pb-c.h"
#include "spec/extra_attrs.h"
#include "spec/job_plan.h"
#include "spec/task_marks.h"
#include "spec/task_state.h"
#include "spec/violations.h"
#include "store/plan_store.h"
#include "store/row.h"

/* Which fields are to change. */
struct wanted {
    bool has_display_name;
    bool has_labels;
    bool has_tables;
    bool has_attrs; /* extra_attrs_json of the request's spec */
};

struct update_task {
    struct op op;
    const Pb__Task *task; /* the request's */
    struct wanted wanted;
};

/* The field of the spec's settings; NULL: it has none. */
static const char *const attrs_fields[] = {
    [PB__TASK__SPEC_FULL_MIGRATION] = "task.full_migration.extra_attrs_json",
    [PB__TASK__SPEC_INCREMENTAL_SYNC] = "task.incremental_sync.extra_attrs_json",
};

/* Another spec, as it was worked out from a version of the task. */
struct new_spec {
    int64_t version;
    bool has_tables; /* other ones */
    bool has_attrs;
    struct str packed; /* set if it has one of these */
    struct job_plan plan;
};

const char *task_labels_write(const Pb__Task *task, struct arena *arena)
{
    struct buf json = {0};
    struct json_out out = json_out_make(&json);

    json_out_begin_object(&out);
    for (size_t i = 0; i < task->n_labels; i++) {
        json_out_key(&out, task->labels[i]->key);
        json_out_text(&out, task->labels[i]->value);
    }
    json_out_end_object(&out);

    const char *made = arena_copy_str(arena, buf_get(&json));
    buf_deinit(&json);
    return made;
}

static void submit_base(struct update_task *update);

static void update_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct update_task *update = container_of(op_of(query), struct update_task, op);
    struct rpc_call *call = update->op.call;
    struct gateway *gateway = rpc_call_get_self(call);
    struct arena *arena = rpc_call_get_arena(call);
    Pb__Task task = PB__TASK__INIT; /* its strings are borrowed from rows */
    struct str outcome =
        st.code == STATUS_OK ? row_get_text(rows, 0, "note/outcome") : str_from("");

    if (str_is(outcome, "NOT_FOUND")) {
        fault_end(call, FAULT_TASK_NOT_FOUND, update->op.name);
        return;
    }
    if (str_is(outcome, "CHANGED")) {
        fault_end(call, FAULT_TASK_CHANGED, update->op.name);
        return;
    }
    if (str_is(outcome, "DELETING")) {
        fault_end_with(call, FAULT_TASK_STATE, update->op.name,
                       task_refuse_deleted(update->op.name));
        return;
    }
    if (str_is(outcome, "RACED")) {
        submit_base(update);
        return;
    }
    if (st.code == STATUS_OK)
        st = row_read(rows, 0, "", arena, &task.base);
    if (st.code != STATUS_OK) {
        fault_end_store(call, st);
        return;
    }
    bool is_ready = row_get_int(rows, 0, "note/ready") != 0;
    task_mask(&task, arena);
    rpc_call_end(call, st, &task.base);
    watch_hub_wake(gateway->watches);
    if (is_ready)
        lease_desk_wake(gateway->desk);
}

/* spec: NULL if nothing is said of it. */
static void submit_update(struct update_task *update, const struct new_spec *spec)
{
    const Pb__Task *task = update->task;
    struct arena *arena = rpc_call_get_arena(update->op.call);
    struct query query = {
        .statement = &task_update,
        .params = {param_text(task->id), param_text(task->etag), param_null(), param_null(),
                   param_text(access_get_actor(update->op.call)), [11] = param_null()},
        .on_done = update_done,
    };

    if (update->wanted.has_display_name)
        query.params[2] = param_text(task->display_name);
    if (update->wanted.has_labels)
        query.params[3] = param_text(task_labels_write(task, arena));
    if (spec) {
        query.params[5] = param_int(spec->version);
        query.params[6] = param_str(spec->packed);
        if (spec->has_tables)
            plan_params_set(&spec->plan, arena, &query.params[7]);
        if (spec->has_attrs)
            query.params[11] = param_int(spec->plan.max_bytes_s_per_thread);
    }
    op_submit(&update->op, &query);
}

/*
 * Other tables mean other jobs, and settings depend on each other, so the task is read first and planned anew. Nothing
 * is locked between the two queries: the second one is for the version that the first one found, and both are done again
 * if it is another one by then.
 */

static bool has_tables(const Pb__IncrementalSyncSpec *spec, char *const *names, size_t count)
{
    if (spec->n_table_names != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(spec->table_names[i], names[i]) != 0)
            return false;
    return true;
}

/* Whether the spec of a stored task can be changed as it is wanted. If not, the call has been ended. */
static bool check_base(const struct update_task *update, const Pb__Task *stored)
{
    struct rpc_call *call = update->op.call;
    const char *id = stored->id;

    if (update->task->etag[0] != '\0' && strcmp(update->task->etag, stored->etag) != 0) {
        fault_end(call, FAULT_TASK_CHANGED, id);
        return false;
    }
    if (stored->spec_case != update->task->spec_case) {
        fault_end_with(call, FAULT_TASK_KIND, id,
                       status_error(STATUS_FAILED_PRECONDITION, "task '%s' is no %s", id,
                                    update->task->spec_case == PB__TASK__SPEC_INCREMENTAL_SYNC
                                        ? "incremental sync; only its tables can change"
                                        : "full migration"));
        return false;
    }
    if (stored->delete_time) {
        fault_end_with(call, FAULT_TASK_STATE, id, task_refuse_deleted(id));
        return false;
    }
    if (stored->state == PB__TASK_STATE__TASK_STATE_SUCCEEDED) {
        fault_end_with(call, FAULT_TASK_STATE, id,
                       status_error(STATUS_FAILED_PRECONDITION,
                                    "task '%s' is SUCCEEDED; its tables and settings can change"
                                    " while it is PENDING, RUNNING, FAILED or KILLED",
                                    id));
        return false;
    }
    return true;
}

/* The spec that a stored task is to have; adds to violations what is wrong with it. */
static void make_spec(const struct update_task *update, const Pb__Task *stored, struct arena *arena,
                      struct violations *violations, struct new_spec *spec)
{
    const Pb__Task *task = update->task;
    const Pb__IncrementalSyncSpec *sync = task->incremental_sync; /* if there are tables */
    const Pb__Task *planned = stored;

    spec->has_tables =
        update->wanted.has_tables &&
        !has_tables(stored->incremental_sync, sync->table_names, sync->n_table_names);
    spec->has_attrs = update->wanted.has_attrs &&
                      strcmp(task_kind_get_attrs(stored), task_kind_get_attrs(task)) != 0;
    if (!spec->has_tables && !spec->has_attrs)
        return;
    if (spec->has_tables)
        planned = task_kind_replace_tables(planned, sync->table_names, sync->n_table_names, arena);
    if (spec->has_attrs) {
        char *attrs = (char *)task_kind_get_attrs(task);

        extra_attrs_refuse_changes(attrs_fields[task->spec_case], task_kind_get_attrs(stored),
                                   attrs, violations);
        planned = task_kind_replace_attrs(planned, attrs, arena);
    }
    if (violations->count == 0)
        task_kind_find(planned)->plan(planned, arena, violations, &spec->plan);
    spec->packed = task_kind_pack_spec(planned, arena);
}

static void base_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct update_task *update = container_of(op_of(query), struct update_task, op);
    struct rpc_call *call = update->op.call;
    Pb__Task stored = PB__TASK__INIT; /* its strings are borrowed from rows */
    struct violations violations = {0};
    struct new_spec spec = {0};

    if (!op_take_row(&update->op, st, rows, FAULT_TASK_NOT_FOUND, &stored.base) ||
        !check_base(update, &stored))
        return;
    spec.version = row_get_int(rows, 0, "note/version");
    make_spec(update, &stored, rpc_call_get_arena(call), &violations, &spec);
    if (violations.count > 0)
        fault_end_violations(call, &violations);
    else
        submit_update(update, &spec);
}

static void submit_base(struct update_task *update)
{
    op_submit(&update->op, &(struct query){
                               .statement = &plan_base_get,
                               .params = {param_text(update->task->id), param_null()},
                               .on_done = base_done,
                           });
}

/* What a path of a mask stands for; false: nothing that can change. */
static bool read_path(const char *path, const Pb__Task *task, struct wanted *wanted)
{
    bool is_sync = task->spec_case == PB__TASK__SPEC_INCREMENTAL_SYNC;
    bool has_attrs = attrs_fields[task->spec_case] != NULL;

    if (strcmp(path, "*") == 0)
        *wanted = (struct wanted){true, true, is_sync || wanted->has_tables,
                                  has_attrs || wanted->has_attrs};
    else if (strcmp(path, "display_name") == 0)
        wanted->has_display_name = true;
    else if (strcmp(path, "labels") == 0)
        wanted->has_labels = true;
    else if (strcmp(path, "incremental_sync.table_names") == 0)
        wanted->has_tables = true;
    else if (strcmp(path, "incremental_sync.extra_attrs_json") == 0 ||
             strcmp(path, "full_migration.extra_attrs_json") == 0)
        wanted->has_attrs = true;
    else
        return false;
    return true;
}

/* Without a mask all that is set is meant, as AIP-134 has it. */
static void read_set_fields(const Pb__Task *task, struct wanted *wanted)
{
    wanted->has_display_name = task->display_name[0] != '\0';
    wanted->has_labels = task->n_labels > 0;
    wanted->has_tables = task->spec_case == PB__TASK__SPEC_INCREMENTAL_SYNC &&
                         task->incremental_sync->n_table_names > 0;
    wanted->has_attrs =
        attrs_fields[task->spec_case] != NULL && task_kind_get_attrs(task)[0] != '\0';
}

static struct wanted read_mask(const Pb__UpdateTaskRequest *request, struct violations *violations)
{
    const Google__Protobuf__FieldMask *mask = request->update_mask;
    const Pb__Task *task = request->task;
    struct wanted wanted = {0};

    if (!mask || mask->n_paths == 0)
        read_set_fields(task, &wanted);
    for (size_t i = 0; mask && i < mask->n_paths; i++)
        if (!read_path(mask->paths[i], task, &wanted))
            violations_add(violations, "update_mask",
                           "'%.60s' cannot be updated; display_name, labels,"
                           " incremental_sync.table_names, and extra_attrs_json of both can",
                           mask->paths[i]);
    if (!wanted.has_display_name && !wanted.has_labels && !wanted.has_tables && !wanted.has_attrs &&
        violations->count == 0)
        violations_add(violations, "update_mask", "nothing is to change");
    if (wanted.has_tables && task->spec_case != PB__TASK__SPEC_INCREMENTAL_SYNC)
        violations_add(violations, "task.incremental_sync.table_names", "the tables are missing");
    if (wanted.has_attrs && !attrs_fields[task->spec_case])
        violations_add(violations, "update_mask", "the spec with extra_attrs_json is missing");
    return wanted;
}

void task_update_start(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__UpdateTaskRequest *request = (const Pb__UpdateTaskRequest *)message;
    const Pb__Task *task = request->task;
    struct violations violations = {0};

    if (!task) {
        violations_add(&violations, "task", "task is missing");
        fault_end_violations(call, &violations);
        return;
    }
    if (!task_id_is_valid(str_from(task->id))) {
        fault_end(call, FAULT_TASK_NOT_FOUND, task->id);
        return;
    }
    struct update_task *update = rpc_call_alloc(call, sizeof(*update));
    update->op.call = call;
    update->op.name = task->id;
    rpc_origin_set_task(call, task->id);
    update->task = task;
    update->wanted = read_mask(request, &violations);
    if (update->wanted.has_display_name)
        task_marks_validate_display_name(task, &violations);
    if (update->wanted.has_labels)
        task_marks_validate_labels(task, &violations);
    if (violations.count > 0)
        fault_end_violations(call, &violations);
    else if (update->wanted.has_tables || update->wanted.has_attrs)
        submit_base(update);
    else
        submit_update(update, NULL);
}
