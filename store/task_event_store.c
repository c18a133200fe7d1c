#include "store/task_event_store.h"

/* A task's events are made under its lock, so their order is that of its changes and none comes late. */
const struct statement task_event_list = {
    .name = "task_event_list",
    .lane = LANE_READ,
    .sql = "WITH q AS ("
           "    SELECT task_id, n, coalesce(after_seq, 0) AS after_seq, ord"
           "      FROM unnest($1::text[], $2::bigint[], $3::bigint[])"
           "           WITH ORDINALITY AS q(task_id, n, after_seq, ord))"
           " SELECT q.ord, e.seq AS \"sequence\", e.time, e.actor, e.state, e.stage, e.message,"
           "        task_state_before(q.task_id, e.seq) AS previous_state"
           "   FROM q"
           "   JOIN task ON task.id = q.task_id"
           "   LEFT JOIN LATERAL ("
           "        SELECT seq, time, actor, state, stage, message"
           "          FROM task_event"
           "         WHERE task_event.task_id = q.task_id AND seq > q.after_seq"
           "         ORDER BY seq"
           "         LIMIT q.n) e ON true"
           "  ORDER BY q.ord, e.seq",
    .nparams = 3,
    .types = {PARAM_TEXT, PARAM_INT8, PARAM_INT8},
    .max_batch = 8,
};
