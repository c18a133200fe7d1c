#include "gateway/task_update.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_out.h"
#include "gateway/access.h"
#include "gateway/fault.h"
#include "gateway/op.h"
#include "gateway/task_id.h"
#include "rpc/call.h"
#include "sluice/v1/task_service.pb-c.h"
#include "spec/task_marks.h"
#include "store/row.h"
#include "store/task_store.h"

/* Which fields are to change. */
struct wanted {
    bool has_display_name;
    bool has_labels;
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

static void update_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    Pb__Task task = PB__TASK__INIT; /* its strings are borrowed from rows */
    struct str outcome =
        st.code == STATUS_OK ? row_get_text(rows, 0, "note/outcome") : str_from("");

    if (str_is(outcome, "NOT_FOUND")) {
        fault_end(op->call, FAULT_TASK_NOT_FOUND, op->name);
        return;
    }
    if (str_is(outcome, "CHANGED")) {
        fault_end(op->call, FAULT_TASK_CHANGED, op->name);
        return;
    }
    if (st.code == STATUS_OK)
        st = row_read(rows, 0, "", rpc_call_get_arena(op->call), &task.base);
    if (st.code == STATUS_OK)
        rpc_call_end(op->call, st, &task.base);
    else
        fault_end_store(op->call, st);
}

/* Without a mask all that is set is meant, as AIP-134 has it. */
static struct wanted read_mask(const Pb__UpdateTaskRequest *request, struct violations *violations)
{
    const Google__Protobuf__FieldMask *mask = request->update_mask;
    struct wanted wanted = {0};

    if (!mask || mask->n_paths == 0) {
        wanted.has_display_name = request->task->display_name[0] != '\0';
        wanted.has_labels = request->task->n_labels > 0;
    }
    for (size_t i = 0; mask && i < mask->n_paths; i++) {
        const char *path = mask->paths[i];
        bool is_all = strcmp(path, "*") == 0;
        bool is_display_name = strcmp(path, "display_name") == 0;
        bool is_labels = strcmp(path, "labels") == 0;

        if (!is_all && !is_display_name && !is_labels)
            violations_add(violations, "update_mask",
                           "'%.60s' cannot be updated; display_name and labels can", path);
        wanted.has_display_name = wanted.has_display_name || is_all || is_display_name;
        wanted.has_labels = wanted.has_labels || is_all || is_labels;
    }
    if (!wanted.has_display_name && !wanted.has_labels && violations->count == 0)
        violations_add(violations, "update_mask", "nothing is to change");
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
    struct wanted wanted = read_mask(request, &violations);
    if (wanted.has_display_name)
        task_marks_validate_display_name(task, &violations);
    if (wanted.has_labels)
        task_marks_validate_labels(task, &violations);
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    const char *labels = wanted.has_labels ? task_labels_write(task, rpc_call_get_arena(call)) : "";
    const char *name = wanted.has_display_name ? task->display_name : "";
    op_submit(op_create(call, task->id),
              &(struct query){
                  .statement = &task_update,
                  .params = {param_text(task->id), param_text(task->etag),
                             wanted.has_display_name ? param_text(name) : param_null(),
                             wanted.has_labels ? param_text(labels) : param_null(),
                             param_text(access_get_actor(call))},
                  .on_done = update_done,
              });
}
