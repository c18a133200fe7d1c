/*
 * gateway/watch_change.h - messages of a watch, and whom they are for.
 *
 * A message is made and packed once, however many get it. What filters look at is kept beside it.
 */
#ifndef GATEWAY_WATCH_CHANGE_H
#define GATEWAY_WATCH_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "sluice/v1/task.pb-c.h"

struct arena;
struct filter;
struct pg_result;
struct rpc_packed;
struct watch_point;

struct watch_change {
    struct rpc_packed *packed; /* owned by who has the change */
    uint64_t key;              /* hash_make of the task's id */
    Pb__TaskChangeType type;
    Pb__TaskState state_before; /* not set: the task had none */
    uint64_t progress_key;      /* PROGRESS: differs from one progress to another, nearly always */
    Pb__Task task; /* what filters look at, and the id, as it is after the change; in an arena */
};

/* Which changes a watch is about. */
struct watch_scope {
    const char *task_id; /* NULL: of all tasks */
    uint64_t key;
    const struct filter *filter; /* that it takes; NULL: all */
};

bool watch_scope_takes(const struct watch_scope *scope, const struct watch_change *change);

/*
 * Makes the message for a row of task_watch_changes, whose cursor is point. Packs it and copies into arena what is to
 * last, and borrows nothing from rows. INTERNAL: as row_read.
 */
struct status watch_change_read(const struct pg_result *rows, size_t row,
                                const struct watch_point *point, struct arena *arena,
                                struct watch_change *ret) MUST_CHECK;

/*
 * The same for a row of task_watch_current: CURRENT, without a cursor if point is NULL, or PROGRESS.
 */
struct status watch_change_read_task(const struct pg_result *rows, size_t row,
                                     Pb__TaskChangeType type, const struct watch_point *point,
                                     struct arena *arena, struct watch_change *ret) MUST_CHECK;

/* The message SYNCED. Owned by the caller. */
struct rpc_packed *watch_change_make_synced(const struct watch_point *point) MUST_CHECK;

#endif
