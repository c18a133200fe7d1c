/*
 * gateway/watch_cursor.h - points in the history of all tasks, and the cursors that clients keep of them.
 *
 * A point is what a watch has told: all that was done in one snapshot, and of what a later one adds the changes up to a
 * number. It has nothing to do with a gateway or a filter, so a watch may go on from it anywhere. migrations/0006_watch
 * tells of snapshots.
 *
 * Cursors are no secrets and prove nothing: what they hold is checked as input. The digest in them finds what was cut or
 * mistyped.
 */
#ifndef GATEWAY_WATCH_CURSOR_H
#define GATEWAY_WATCH_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "store/task_watch_store.h"

enum { WATCH_CURSOR_MAX_BYTES = 8192 };

/* Which transactions were done: those below end but the open ones. {0} is none. */
struct watch_snapshot {
    int64_t start; /* all below are done */
    int64_t end;
    unsigned nopen;
    int64_t open[TASK_WATCH_MAX_OPEN]; /* ascending, from start to below end */
};

struct watch_point {
    int64_t origin;  /* of the database */
    int64_t time_us; /* when the snapshot was taken, or before; since 1970 */
    struct watch_snapshot told;
    bool is_between; /* and of what next adds, the changes up to seq */
    struct watch_snapshot next;
    int64_t next_time_us; /* not in cursors: there it is time_us */
    int64_t seq;
};

/*
 * Reads a snapshot as PostgreSQL writes it: "10:20:10,14,15". INVALID_ARGUMENT: it is none, or has more than
 * TASK_WATCH_MAX_OPEN open transactions.
 */
struct status watch_snapshot_read(struct str text, struct watch_snapshot *ret) MUST_CHECK;

/* Appends a snapshot as PostgreSQL reads it. */
void watch_snapshot_write(const struct watch_snapshot *snapshot, struct buf *buf);

/* INVALID_ARGUMENT: text is not what watch_cursor_write made. */
struct status watch_cursor_read(const char *text, struct watch_point *ret) MUST_CHECK;

/* Appends a text of at most WATCH_CURSOR_MAX_BYTES: base64url without padding (RFC 4648, section 5). */
void watch_cursor_write(const struct watch_point *point, struct buf *buf);

#endif
