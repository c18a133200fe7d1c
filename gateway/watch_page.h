/*
 * gateway/watch_page.h - asks for the changes behind a point in the history of all tasks, and reads the answer.
 */
#ifndef GATEWAY_WATCH_PAGE_H
#define GATEWAY_WATCH_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "gateway/watch_change.h"
#include "gateway/watch_cursor.h"
#include "store/query.h"

struct arena;
struct pg_result;

/* What is asked; the texts are parameters of the query until its on_done. {0} is empty. */
struct watch_question {
    struct buf told;
    struct buf next;
};

/*
 * Has query ask for the changes behind point: those up to its next snapshot, or up to now if it is not between two.
 * Behind a point that is {0} there are none. task_id may be NULL. The caller sets timeout_ms and on_done.
 */
void watch_question_write(struct watch_question *question, const struct watch_point *point,
                          const char *task_id, unsigned max_changes, size_t max_bytes,
                          struct query *query);

void watch_question_deinit(struct watch_question *question);

struct watch_page {
    struct watch_change
        *changes; /* changes[0 .. nchanges), in the arena; their messages are owned by the caller */
    size_t nchanges;
    bool is_expired; /* there is no way on from the point */
    bool is_there;   /* the task that was asked about */
};

/*
 * Reads the answer. *point was asked from and is moved behind the last change, or to the next snapshot if no more are
 * before that: then it is not between two. *ret is set, even on failure, and may have changes then. INTERNAL: as row_read, or the database's snapshot cannot be read.
 */
struct status watch_page_read(const struct pg_result *rows, struct arena *arena,
                              struct watch_point *point, struct watch_page *ret) MUST_CHECK;

#endif
