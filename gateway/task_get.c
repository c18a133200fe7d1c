#include "gateway/task_get.h"

#include "base/arena.h"
#include "gateway/fault.h"
#include "gateway/op.h"
#include "gateway/task_mask.h"
#include "rpc/call.h"
#include "sluice/v1/task.pb-c.h"
#include "store/row.h"
#include "store/task_store.h"

/* A row for each job; the task's columns are in all of them, its spec in the first. */

static struct status read_jobs(const struct pg_result *rows, struct arena *arena, Pb__Task *task)
{
    size_t nrows = rows_get_count(rows);

    if (row_is_null(rows, 0, "job/id"))
        return status_ok();
    task->jobs = arena_alloc(arena, nrows * sizeof(*task->jobs));
    for (size_t i = 0; i < nrows; i++) {
        Pb__Job *job = arena_alloc(arena, sizeof(*job));
        pb__job__init(job);
        struct status st = row_read(rows, i, "job/", arena, &job->base);
        if (st.code != STATUS_OK)
            return st;
        task->jobs[task->n_jobs++] = job;
    }
    return status_ok();
}

static void get_task_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    struct arena *arena = rpc_call_get_arena(op->call);
    Pb__Task task = PB__TASK__INIT; /* its strings are borrowed from rows */

    if (st.code == STATUS_OK && rows_get_count(rows) == 0) {
        fault_end(op->call, FAULT_TASK_NOT_FOUND, op->name);
        return;
    }
    if (st.code == STATUS_OK)
        st = row_read(rows, 0, "", arena, &task.base);
    if (st.code == STATUS_OK)
        st = read_jobs(rows, arena, &task);
    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return;
    }
    task_mask(&task, arena);
    rpc_call_end(op->call, st, &task.base);
}

void task_get_submit(struct op *op)
{
    op_submit(op, &(struct query){
                      .statement = &task_get,
                      .params = {param_text(op->name)},
                      .on_done = get_task_done,
                  });
}
