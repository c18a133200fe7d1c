#include "gateway/watch_page.h"

#include "base/arena.h"
#include "store/row.h"

static struct param write_snapshot(struct buf *buf, const struct watch_snapshot *snapshot)
{
    buf_clear(buf);
    watch_snapshot_write(snapshot, buf);
    return param_str(buf_get(buf));
}

void watch_question_write(struct watch_question *question, const struct watch_point *point,
                          const char *task_id, unsigned max_changes, size_t max_bytes,
                          struct query *query)
{
    bool is_begun = point->told.end > 0;

    *query = (struct query){
        .statement = &task_watch_changes,
        .params = {task_id ? param_text(task_id) : param_null(),
                   is_begun ? write_snapshot(&question->told, &point->told) : param_null(),
                   point->is_between ? write_snapshot(&question->next, &point->next) : param_null(),
                   param_int(point->is_between ? point->seq : 0), param_int(max_changes),
                   param_int((int64_t)max_bytes),
                   is_begun ? param_int(point->time_us) : param_null(),
                   is_begun ? param_int(point->origin) : param_null()},
    };
}

void watch_question_deinit(struct watch_question *question)
{
    buf_deinit(&question->told);
    buf_deinit(&question->next);
}

/* Where the changes of the answer lead to. */
static struct status read_next(const struct pg_result *rows, struct watch_point *point)
{
    if (point->is_between)
        return status_ok();
    struct status st = watch_snapshot_read(row_get_text(rows, 0, "note/snapshot"), &point->next);
    if (st.code != STATUS_OK)
        return status_error(STATUS_INTERNAL, "%s", st.text);
    point->next_time_us = row_get_int(rows, 0, "note/time");
    point->origin = row_get_int(rows, 0, "note/origin");
    point->is_between = true;
    point->seq = 0;
    return st;
}

static void arrive(struct watch_point *point)
{
    point->told = point->next;
    point->time_us = point->next_time_us;
    point->is_between = false;
    point->seq = 0;
}

struct status watch_page_read(const struct pg_result *rows, struct arena *arena,
                              struct watch_point *point, struct watch_page *ret)
{
    size_t nrows = row_is_null(rows, 0, "note/seq") ? 0 : rows_get_count(rows);
    bool is_last = row_get_int(rows, 0, "note/is_last") != 0;

    *ret = (struct watch_page){
        .changes = arena_alloc(arena, (nrows + 1) * sizeof(*ret->changes)),
        .is_expired = row_get_int(rows, 0, "note/is_expired") != 0,
        .is_there = row_get_int(rows, 0, "note/is_there") != 0,
    };
    if (ret->is_expired)
        return status_ok();
    struct status st = read_next(rows, point);
    while (st.code == STATUS_OK && ret->nchanges < nrows) {
        point->seq = row_get_int(rows, ret->nchanges, "note/seq");
        if (is_last && ret->nchanges == nrows - 1)
            arrive(point);
        st = watch_change_read(rows, ret->nchanges, point, arena, &ret->changes[ret->nchanges]);
        if (st.code == STATUS_OK)
            ret->nchanges++;
    }
    if (st.code == STATUS_OK && nrows == 0)
        arrive(point);
    return st;
}
