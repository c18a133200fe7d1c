#include "gateway/task_mask.h"

#include "base/arena.h"
#include "spec/spark_params.h"

void task_mask(Pb__Task *task, struct arena *arena)
{
    struct buf masked = {0};

    if (task->spec_case != PB__TASK__SPEC_BULKLOAD ||
        task->bulkload->spark_additional_params[0] == '\0')
        return;
    Pb__BulkloadSpec *shown = arena_alloc(arena, sizeof(*shown));
    *shown = *task->bulkload;
    spark_params_write_masked(str_from(task->bulkload->spark_additional_params), &masked);
    shown->spark_additional_params = arena_copy_str(arena, buf_get(&masked));
    task->bulkload = shown;
    buf_deinit(&masked);
}
