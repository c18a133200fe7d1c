#include "store/retention_store.h"

const struct statement retention_hold = {
    .name = "retention_hold",
    .lane = LANE_WRITE,
    .sql = "WITH q AS (SELECT * FROM unnest($1::text[], $2::bigint[])"
           "           WITH ORDINALITY AS q(holder, hold_ms, ord)),"
           " held AS ("
           "    UPDATE retention r"
           "       SET holder = q.holder, hold_end_time = now() + q.hold_ms * interval '1 ms'"
           "      FROM q"
           "     WHERE r.holder = q.holder OR r.hold_end_time < now()"
           "    RETURNING q.ord)"
           " SELECT q.ord, EXISTS (SELECT FROM held) AS \"note/is_held\","
           "        to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS \"note/date\""
           "   FROM q",
    .nparams = 2,
    .types = {PARAM_TEXT, PARAM_INT8},
    .max_batch = 1,
};

const struct statement retention_task_find = {
    .name = "retention_task_find",
    .lane = LANE_READ,
    .sql = "WITH q AS (SELECT * FROM unnest($1::bigint[], $2::bigint[])"
           "           WITH ORDINALITY AS q(days, n, ord))"
           " SELECT q.ord, t.id AS \"note/id\", t.version AS \"note/version\""
           "   FROM q CROSS JOIN LATERAL retention_tasks(q.days, q.n) t",
    .nparams = 2,
    .types = {PARAM_INT8, PARAM_INT8},
    .max_batch = 1,
};

const struct statement retention_task_remove = {
    .name = "retention_task_remove",
    .lane = LANE_WRITE,
    .sql = "WITH q AS (SELECT * FROM unnest($1::text[], $2::text[])"
           "           WITH ORDINALITY AS q(ids, versions, ord))"
           " SELECT q.ord, retention_remove(q.ids::text[], q.versions::bigint[]) AS \"note/count\""
           "   FROM q",
    .nparams = 2,
    .types = {PARAM_TEXT, PARAM_TEXT},
    .max_batch = 1,
};

const struct statement retention_event_find = {
    .name = "retention_event_find",
    .lane = LANE_READ,
    .sql = "WITH q AS (SELECT * FROM unnest($1::bigint[], $2::bigint[])"
           "           WITH ORDINALITY AS q(days, n, ord))"
           " SELECT q.ord, o.seq AS \"note/seq\", o.task_id AS \"note/task_id\","
           "        o.goes AS \"note/goes\", e.seq AS \"event/sequence\", e.time AS \"event/time\","
           "        e.actor AS \"event/actor\", e.state AS \"event/state\","
           "        e.stage AS \"event/stage\", e.message AS \"event/message\","
           "        CASE WHEN o.goes THEN task_state_before(o.task_id, o.seq) END"
           "            AS \"event/previous_state\""
           "   FROM q CROSS JOIN LATERAL retention_events(q.days, q.n) o"
           "   LEFT JOIN task_event e ON o.goes AND e.task_id = o.task_id AND e.seq = o.seq"
           "  ORDER BY q.ord, o.seq",
    .nparams = 2,
    .types = {PARAM_INT8, PARAM_INT8},
    .max_batch = 1,
};

const struct statement retention_event_remove = {
    .name = "retention_event_remove",
    .lane = LANE_WRITE,
    .sql = "WITH q AS (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])"
           "           WITH ORDINALITY AS q(task_ids, seqs, looked_at, ord)),"
           " gone AS ("
           "    DELETE FROM task_event e"
           "     USING q, unnest(q.task_ids::text[], q.seqs::bigint[]) AS given(task_id, seq)"
           "     WHERE e.task_id = given.task_id AND e.seq = given.seq"
           "    RETURNING e.seq),"
           " noted AS ("
           "    UPDATE retention r SET event_seq = q.looked_at"
           "      FROM q WHERE r.event_seq < q.looked_at)"
           " SELECT q.ord, (SELECT count(*) FROM gone) AS \"note/count\" FROM q",
    .nparams = 3,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_INT8},
    .max_batch = 1,
};
