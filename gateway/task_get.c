#include "gateway/task_get.h"

#include "gateway/fault.h"
#include "gateway/op.h"
#include "gateway/task_rows.h"
#include "rpc/call.h"
#include "store/row.h"
#include "store/task_store.h"

static void get_task_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    Pb__Task *task = NULL;
    size_t row = 0;

    if (st.code == STATUS_OK && rows_get_count(rows) == 0) {
        fault_end(op->call, FAULT_TASK_NOT_FOUND, op->name);
        return;
    }
    if (st.code == STATUS_OK)
        st = task_rows_read(rows, &row, rpc_call_get_arena(op->call), &task);
    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return;
    }
    rpc_call_end(op->call, st, &task->base);
}

void task_get_submit(struct op *op, bool with_jobs)
{
    op_submit(op, &(struct query){
                      .statement = &task_get,
                      .params = {param_text(op->name), param_int(with_jobs)},
                      .on_done = get_task_done,
                  });
}
