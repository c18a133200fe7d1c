#include "gateway/task_rows.h"

#include "base/arena.h"
#include "gateway/task_mask.h"
#include "gateway/task_progress.h"
#include "store/row.h"

/* The row behind those of a task that begins in row: the first one is the task, which has an id, the others are its jobs. */
static size_t find_end(const struct pg_result *rows, size_t row)
{
    do
        row++;
    while (row < rows_get_count(rows) && row_is_null(rows, row, "id"));
    return row;
}

static struct status read_jobs(const struct pg_result *rows, size_t begin, size_t end,
                               struct arena *arena, Pb__Task *task)
{
    if (begin == end)
        return status_ok();
    task->jobs = arena_alloc(arena, (end - begin) * sizeof(*task->jobs));
    for (size_t i = begin; i < end; i++) {
        Pb__Job *job = arena_alloc(arena, sizeof(*job));
        pb__job__init(job);
        struct status st = row_read(rows, i, "job/", arena, &job->base);
        if (st.code != STATUS_OK)
            return st;
        task->jobs[task->n_jobs++] = job;
    }
    return status_ok();
}

struct status task_rows_read(const struct pg_result *rows, size_t *row, struct arena *arena,
                             Pb__Task **ret)
{
    Pb__Task *task = arena_alloc(arena, sizeof(*task));
    size_t end = find_end(rows, *row);

    pb__task__init(task);
    struct status st = row_read(rows, *row, "", arena, &task->base);
    if (st.code == STATUS_OK)
        st = read_jobs(rows, *row + 1, end, arena, task);
    if (st.code != STATUS_OK)
        return st;
    if (!task->progress)
        task_progress_sum(task, arena);
    task_mask(task, arena);
    *row = end;
    *ret = task;
    return st;
}
