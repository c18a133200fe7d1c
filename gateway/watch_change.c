#include "gateway/watch_change.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "gateway/task_mask.h"
#include "gateway/watch_cursor.h"
#include "rpc/packed.h"
#include "spec/filter.h"
#include "store/row.h"

/* A change is also for those who saw the task in the state that it leaves. */
bool watch_scope_takes(const struct watch_scope *scope, const struct watch_change *change)
{
    if (scope->task_id)
        return scope->key == change->key && strcmp(scope->task_id, change->task.id) == 0;
    if (!scope->filter || filter_matches(scope->filter, &change->task))
        return true;
    return change->state_before != PB__TASK_STATE__TASK_STATE_UNSPECIFIED &&
           filter_matches_in_state(scope->filter, &change->task, change->state_before);
}

/* What filters look at, and the id. */
static void copy_task(const Pb__Task *task, struct arena *arena, Pb__Task *ret)
{
    pb__task__init(ret);
    ret->id = arena_copy_str(arena, str_from(task->id));
    ret->kind = task->kind;
    ret->state = task->state;
    ret->source = arena_copy_str(arena, str_from(task->source));
    ret->destination = arena_copy_str(arena, str_from(task->destination));
    ret->display_name = arena_copy_str(arena, str_from(task->display_name));
    if (task->create_time) {
        ret->create_time = arena_alloc(arena, sizeof(*ret->create_time));
        *ret->create_time = *task->create_time;
    }
    ret->n_labels = task->n_labels;
    ret->labels = arena_alloc(arena, (task->n_labels + 1) * sizeof(*ret->labels));
    for (size_t i = 0; i < task->n_labels; i++) {
        ret->labels[i] = arena_alloc(arena, sizeof(**ret->labels));
        pb__task__labels_entry__init(ret->labels[i]);
        ret->labels[i]->key = arena_copy_str(arena, str_from(task->labels[i]->key));
        ret->labels[i]->value = arena_copy_str(arena, str_from(task->labels[i]->value));
    }
}

static struct rpc_packed *pack(Pb__TaskChange *message, const struct watch_point *point)
{
    struct buf cursor = {0};

    if (point)
        watch_cursor_write(point, &cursor);
    message->cursor = (char *)(uintptr_t)buf_get_text(&cursor); /* packing does not write to it */
    struct rpc_packed *packed = rpc_packed_create(&message->base);
    buf_deinit(&cursor);
    return packed;
}

/* Tells what a row's message has besides its task: it is of that type, with event if there is one. */
static void finish(Pb__TaskChangeType type, Pb__Task *task, Pb__TaskEvent *event,
                   const struct watch_point *point, struct watch_change *ret)
{
    Pb__TaskChange message = PB__TASK_CHANGE__INIT;

    message.type = type;
    message.task = task;
    message.event = event;
    ret->type = type;
    ret->key = hash_make(str_from(ret->task.id));
    ret->packed = pack(&message, point);
}

static struct status read_deleted(const struct pg_result *rows, size_t row,
                                  const struct watch_point *point, struct arena *arena,
                                  struct watch_change *ret)
{
    Pb__Task task = PB__TASK__INIT, shown = PB__TASK__INIT;
    struct status st = row_read(rows, row, "", arena, &task.base);

    if (st.code != STATUS_OK)
        return st;
    copy_task(&task, arena, &ret->task);
    shown.id = task.id;
    finish(PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_DELETED, &shown, NULL, point, ret);
    return st;
}

/* The task may have gone on meanwhile; what filters look at is what this change made of it. */
struct status watch_change_read(const struct pg_result *rows, size_t row,
                                const struct watch_point *point, struct arena *arena,
                                struct watch_change *ret)
{
    Pb__Task task = PB__TASK__INIT; /* its strings are borrowed from rows */
    Pb__TaskEvent event = PB__TASK_EVENT__INIT;

    ret->state_before = PB__TASK_STATE__TASK_STATE_UNSPECIFIED;
    if (row_get_int(rows, row, "note/is_deleted") != 0)
        return read_deleted(rows, row, point, arena, ret);
    struct status st = row_read(rows, row, "", arena, &task.base);
    if (st.code == STATUS_OK)
        st = row_read(rows, row, "event/", arena, &event.base);
    if (st.code != STATUS_OK)
        return st;
    task_mask(&task, arena);
    copy_task(&task, arena, &ret->task);
    ret->task.state = event.state;
    ret->state_before = event.previous_state;
    finish(PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_CHANGED, &task, &event, point, ret);
    return st;
}

static uint64_t make_progress_key(const Pb__Progress *progress, struct arena *arena)
{
    if (!progress)
        return 0;
    size_t len = pb__progress__get_packed_size(progress);
    uint8_t *packed = arena_alloc(arena, len + 1);
    (void)pb__progress__pack(progress, packed);
    return hash_make(str_from_bytes(packed, len));
}

struct status watch_change_read_task(const struct pg_result *rows, size_t row,
                                     Pb__TaskChangeType type, const struct watch_point *point,
                                     struct arena *arena, struct watch_change *ret)
{
    Pb__Task task = PB__TASK__INIT;
    struct status st = row_read(rows, row, "", arena, &task.base);

    if (st.code != STATUS_OK)
        return st;
    task_mask(&task, arena);
    copy_task(&task, arena, &ret->task);
    ret->state_before = PB__TASK_STATE__TASK_STATE_UNSPECIFIED;
    finish(type, &task, NULL, point, ret);
    ret->progress_key = make_progress_key(task.progress, arena);
    return st;
}

struct rpc_packed *watch_change_make_synced(const struct watch_point *point)
{
    Pb__TaskChange message = PB__TASK_CHANGE__INIT;

    message.type = PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_SYNCED;
    return pack(&message, point);
}
