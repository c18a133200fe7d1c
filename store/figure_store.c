#include "store/figure_store.h"

/* Which capabilities there are is found by steps through the index, one for each. */
const struct statement figure_jobs = {
    .name = "figure_jobs",
    .lane = LANE_READ,
    .sql = "WITH RECURSIVE q AS ("
           "    SELECT max_jobs, ord"
           "      FROM unnest($1::bigint[]) WITH ORDINALITY AS q(max_jobs, ord)),"
           " c AS ("
           "    (SELECT capability FROM job WHERE state IN ('READY', 'RUNNING')"
           "      ORDER BY capability LIMIT 1)"
           "    UNION ALL"
           "    SELECT (SELECT j.capability FROM job j"
           "             WHERE j.state IN ('READY', 'RUNNING') AND j.capability > c.capability"
           "             ORDER BY j.capability LIMIT 1)"
           "      FROM c"
           "     WHERE c.capability IS NOT NULL)"
           " SELECT q.ord, c.capability AS \"note/capability\", g.role AS \"note/role\","
           "        g.ready AS \"note/ready\", g.delayed AS \"note/delayed\","
           "        g.leased AS \"note/leased\", g.expired AS \"note/expired\","
           "        g.oldest_ms AS \"note/oldest_ms\""
           "   FROM q"
           "  JOIN c ON c.capability IS NOT NULL"
           "  CROSS JOIN LATERAL ("
           "    SELECT role, count(*) FILTER (WHERE state = 'READY' AND is_due) AS ready,"
           "           count(*) FILTER (WHERE state = 'READY' AND NOT is_due) AS delayed,"
           "           count(*) FILTER (WHERE state = 'RUNNING' AND NOT is_due) AS leased,"
           "           count(*) FILTER (WHERE state = 'RUNNING' AND is_due) AS expired,"
           "           coalesce(max((extract(epoch FROM now() - lease_end_time) * 1000)::bigint)"
           "                        FILTER (WHERE is_due), 0) AS oldest_ms"
           "      FROM (SELECT role, state, lease_end_time, lease_end_time <= now() AS is_due"
           "              FROM job"
           "             WHERE state IN ('READY', 'RUNNING') AND capability = c.capability"
           "             ORDER BY lease_end_time, id"
           "             LIMIT q.max_jobs) j"
           "     GROUP BY role) g"
           "  ORDER BY q.ord, 2, 3",
    .nparams = 1,
    .types = {PARAM_INT8},
};

/* Rows of a table of changes that are visible now and were not at the earlier look, as task_changes has it. */
#define CHANGES(COLUMNS, TABLE) \
    "(SELECT " COLUMNS " FROM " TABLE " c" \
    "  WHERE c.xid >= pg_snapshot_xmax(q.earlier) AND c.xid < pg_snapshot_xmax(q.now)" \
    "    AND pg_visible_in_snapshot(c.xid, q.now)" \
    " UNION ALL" \
    " SELECT " COLUMNS " FROM " TABLE " c" \
    "  WHERE c.xid = ANY (ARRAY(SELECT pg_snapshot_xip(q.earlier)))" \
    "    AND pg_visible_in_snapshot(c.xid, q.now))"

/*
 * A task that has ended may be told of again, by what lets go of its source. Of one that is deleted only its last state is left, so
 * that its end is new is known only if all of it is. Why a job was given up is in the message alone (migrations/0001_init.sql).
 */
const struct statement figure_ends = {
    .name = "figure_ends",
    .lane = LANE_READ,
    .sql =
        "WITH q AS MATERIALIZED ("
        "    SELECT q.ord, q.earlier::pg_snapshot AS earlier, time_from_us(q.since_us) AS since,"
        "           task_change_snapshot() AS now,"
        "           (extract(epoch FROM now()) * 1000000)::bigint AS time_us"
        "      FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS q(earlier, since_us, ord))"
        " SELECT q.ord, q.now::text AS \"note/snapshot\", q.time_us AS \"note/time\","
        "        ends.kind AS \"note/kind\", ends.state AS \"note/state\","
        "        ends.n AS \"note/count\", ends.lost AS \"note/lost\""
        "   FROM q"
        "   LEFT JOIN LATERAL ("
        "    SELECT e.kind, e.state, count(*) AS n, count(*) FILTER (WHERE e.is_lost) AS lost"
        "      FROM (SELECT t.kind, c.state,"
        "                   c.message LIKE 'given up: lost by its workers %' AS is_lost"
        "              FROM " CHANGES(
            "c.task_id, c.seq, c.state, c.message",
            "task_event") " c"
                          "              JOIN task t ON t.id = c.task_id"
                          "             WHERE c.state IN ('SUCCEEDED', 'FAILED', 'KILLED')"
                          "               AND task_state_before(c.task_id, c.seq) IS DISTINCT FROM c.state"
                          "            UNION ALL"
                          "            SELECT d.kind, CASE WHEN d.state IN ('PENDING', 'RUNNING') THEN 'KILLED'"
                          "                                ELSE d.state END, false"
                          "              FROM " CHANGES(
                              "c.kind, c.state, c.create_time",
                              "task_tombstone") " d"
                                                "             WHERE d.state IN ('PENDING', 'RUNNING') OR d.create_time >= q.since) e"
                                                "     GROUP BY e.kind, e.state) ends ON true"
                                                "  ORDER BY q.ord, 4, 5",
    .nparams = 2,
    .types = {PARAM_TEXT, PARAM_INT8},
    .max_batch = 1,
};
