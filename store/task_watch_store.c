#include "store/task_watch_store.h"

#include "store/task_columns.h"

/* As COLUMNS_TO_LIST, of a task that was deleted. */
#define TOMBSTONE_COLUMNS \
    " task_id, NULL, kind, source, destination, NULL, state, NULL, NULL, NULL, create_time," \
    " NULL, NULL, NULL, display_name, labels, NULL, NULL"

/*
 * The state before a change is that of the change before: all changes of a task are made under its lock, so their
 * numbers are in their order, and none is missing below one that is visible.
 */
const struct statement task_watch_changes = {
    .name = "task_watch_changes",
    .lane = LANE_READ,
    .sql =
        "WITH now AS MATERIALIZED ("
        "    SELECT task_change_snapshot() AS snapshot, task_change_origin() AS origin,"
        "       (extract(epoch FROM now()) * 1000000)::bigint AS time),"
        " q AS MATERIALIZED ("
        "    SELECT q.ord, q.task_id, q.after_seq, q.n, q.max_bytes, now.time, now.origin,"
        "       coalesce(q.earlier::pg_snapshot, now.snapshot) AS earlier,"
        "       coalesce(q.later::pg_snapshot, now.snapshot) AS later,"
        "       task_changes_are_lost(now.snapshot, now.origin, q.earlier::pg_snapshot,"
        "           q.later::pg_snapshot, q.origin, q.since_us, interval '" TASK_WATCH_KEPT "')"
        "           AS is_expired"
        "      FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[],"
        "              $6::bigint[], $7::bigint[], $8::bigint[])"
        "       WITH ORDINALITY"
        "       AS q(task_id, earlier, later, after_seq, n, max_bytes, since_us, origin, ord)"
        "     CROSS JOIN now)"
        " SELECT q.ord, q.later::text AS \"note/snapshot\", q.time AS \"note/time\","
        "    q.origin AS \"note/origin\", q.is_expired AS \"note/is_expired\","
        "    coalesce(count(*) OVER (PARTITION BY q.ord) = page.nrows AND page.nrows < q.n, true)"
        "        AS \"note/is_last\","
        "    q.task_id IS NULL OR task_was_there(q.task_id, q.earlier) AS \"note/is_there\","
        "    page.seq AS \"note/seq\", page.is_tombstone AS \"note/is_deleted\","
        "    e.seq AS \"event/sequence\", e.time AS \"event/time\", e.actor AS \"event/actor\","
        "    e.state AS \"event/state\", e.stage AS \"event/stage\","
        "    e.message AS \"event/message\","
        "    task_state_before(page.task_id, e.seq) AS \"event/previous_state\"," COLUMNS_OF_T
        "," COLUMNS_OF_P "," REST_OF_T "   FROM q"
        "   LEFT JOIN LATERAL ("
        "    SELECT c.seq, c.task_id, c.is_tombstone, count(*) OVER () AS nrows,"
        "           coalesce(sum(octet_length(task.spec) + octet_length(task.labels::text))"
        "               OVER (ORDER BY c.seq ROWS BETWEEN UNBOUNDED PRECEDING"
        "                                             AND 1 PRECEDING), 0) AS size_before"
        "      FROM task_changes(q.task_id, q.earlier,"
        "               CASE WHEN q.is_expired THEN q.earlier ELSE q.later END, q.after_seq, q.n) c"
        "      LEFT JOIN task ON task.id = c.task_id AND NOT c.is_tombstone) page"
        "     ON page.size_before < q.max_bytes"
        "   LEFT JOIN LATERAL ("
        "    SELECT" COLUMNS_TO_LIST " FROM task"
        "     WHERE id = page.task_id AND NOT page.is_tombstone"
        "    UNION ALL"
        "    SELECT" TOMBSTONE_COLUMNS " FROM task_tombstone"
        "     WHERE task_tombstone.seq = page.seq AND page.is_tombstone) t ON true"
        "   LEFT JOIN task_event e ON e.task_id = page.task_id AND e.seq = page.seq"
        "   LEFT JOIN LATERAL task_progress(t.id, t.state) p ON NOT page.is_tombstone"
        "  ORDER BY q.ord, page.seq",
    .nparams = 8,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_INT8, PARAM_INT8, PARAM_INT8, PARAM_INT8,
              PARAM_INT8},
    .max_batch = 8,
};

/* As in task_list, one of the parts has rows, and the others are not begun. */
#define PART(WHERE) \
    " (SELECT" COLUMNS_TO_LIST " FROM task WHERE " WHERE \
    " AND seq > q.after_seq ORDER BY seq LIMIT q.n)"
#define PARTS \
    PART("q.ids IS NULL AND NOT q.is_running") \
    " UNION ALL" PART("q.ids IS NULL AND q.is_running AND state = 'RUNNING'") " UNION ALL" PART( \
        "id = ANY (q.ids) AND (NOT q.is_running OR state = 'RUNNING')")

const struct statement task_watch_current = {
    .name = "task_watch_current",
    .lane = LANE_READ,
    .sql =
        "WITH q AS ("
        "    SELECT ids::text[] AS ids, is_running, after_seq, n, max_bytes, ord"
        "      FROM unnest($1::text[], $2::boolean[], $3::bigint[], $4::bigint[], $5::bigint[])"
        "           WITH ORDINALITY AS q(ids, is_running, after_seq, n, max_bytes, ord))"
        " SELECT q.ord, t.seq AS \"note/seq\","
        "        count(*) OVER (PARTITION BY q.ord) = t.nrows AND t.nrows < q.n"
        "            AS \"note/is_last\"," COLUMNS_OF_T "," COLUMNS_OF_P "," REST_OF_T "   FROM q"
        "  CROSS JOIN LATERAL ("
        "        SELECT" COLUMNS_TO_LIST ", count(*) OVER () AS nrows,"
        "               coalesce(sum(octet_length(spec) + octet_length(labels::text))"
        "                   OVER (ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING"
        "                                               AND 1 PRECEDING), 0) AS size_before"
        "          FROM (" PARTS ") page) t"
        "  CROSS JOIN LATERAL task_progress(t.id, t.state) p"
        "  WHERE t.size_before < q.max_bytes"
        "  ORDER BY q.ord, t.seq",
    .nparams = 5,
    .types = {PARAM_TEXT, PARAM_BOOL, PARAM_INT8, PARAM_INT8, PARAM_INT8},
    .max_batch = 8,
};

/* What is visible has an id below the snapshot's end, unless another cluster gave it. */
const struct statement task_watch_sweep = {
    .name = "task_watch_sweep",
    .lane = LANE_WRITE,
    .sql = "WITH q AS MATERIALIZED (SELECT n, ord FROM unnest($1::bigint[])"
           "           WITH ORDINALITY AS q(n, ord)),"
           " old AS ("
           "    DELETE FROM task_tombstone"
           "     WHERE seq IN (SELECT seq FROM task_tombstone"
           "                    WHERE time < now() - interval '" TASK_WATCH_KEPT
           "' - interval '1 hour'"
           "                    ORDER BY time LIMIT (SELECT max(n) FROM q)"
           "                      FOR UPDATE SKIP LOCKED)"
           "    RETURNING seq),"
           " foreign_tombstone AS ("
           "    DELETE FROM task_tombstone"
           "     WHERE seq IN (SELECT seq FROM task_tombstone"
           "                    WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())"
           "                    LIMIT (SELECT max(n) FROM q) FOR UPDATE SKIP LOCKED)"
           "       AND seq NOT IN (SELECT seq FROM old)"
           "    RETURNING seq),"
           " foreign_event AS ("
           "    UPDATE task_event SET xid = '3'"
           "     WHERE (task_id, seq) IN (SELECT task_id, seq FROM task_event"
           "                               WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())"
           "                               LIMIT (SELECT max(n) FROM q) FOR UPDATE SKIP LOCKED)"
           "    RETURNING seq)"
           " SELECT q.ord, (SELECT count(*) FROM old) + (SELECT count(*) FROM foreign_tombstone)"
           "        + (SELECT count(*) FROM foreign_event) AS \"note/count\""
           "   FROM q",
    .nparams = 1,
    .types = {PARAM_INT8},
};
