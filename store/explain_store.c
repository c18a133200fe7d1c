#include "store/explain_store.h"

/* Jobs of the capability that the index job_leasable has on one side of now, up to EXPLAIN_MAX_COUNT. */
#define COUNT_OF(condition) \
    "(SELECT count(*)" \
    "   FROM (SELECT 1 FROM job o" \
    "          WHERE o.capability = c.capability AND o.state IN ('READY', 'RUNNING')" \
    "            AND " condition " LIMIT 1000) o)"

const struct statement task_explain = {
    .name = "task_explain",
    .lane = LANE_READ,
    .sql =
        "WITH q AS ("
        "    SELECT id, n, ord FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS q(id, n, ord))"
        " SELECT q.ord, t.id, t.state, t.message AS \"note/message\","
        "        (t.delete_time IS NOT NULL)::int::int8 AS \"note/is_deleted\","
        "        c.capability AS \"note/capability\","
        "        " COUNT_OF(
            "o.lease_end_time < now()") " AS \"note/leasable\","
                                        "        " COUNT_OF(
                                            "o.lease_end_time >= now() AND o.state = 'RUNNING'") "        AS \"note/running\","
                                                                                                 "        j.id AS \"told/id\", j.role AS \"told/role\", j.table_name AS \"told/table\","
                                                                                                 "        CASE WHEN j.state IN ('READY', 'RUNNING') AND j.lease_end_time >= now()"
                                                                                                 "             THEN j.lease_end_time END AS \"told/next_time\","
                                                                                                 "        j.state AS \"note/job_state\", j.message AS \"note/job_message\","
                                                                                                 "        j.worker_id AS \"note/worker_id\", j.attempt::int8 AS \"note/attempt\","
                                                                                                 "        (extract(epoch FROM j.lease_end_time - now()) * 1000)::int8 AS \"note/left_ms\","
                                                                                                 "        (SELECT count(*) FROM job e"
                                                                                                 "          WHERE e.task_id = t.id AND e.step < j.step"
                                                                                                 "            AND e.state NOT IN ('SUCCEEDED', 'SKIPPED')) AS \"note/earlier\""
                                                                                                 "   FROM q"
                                                                                                 "   JOIN task t ON t.id = q.id"
                                                                                                 "  CROSS JOIN LATERAL ("
                                                                                                 "        SELECT max(job.capability) AS capability FROM job WHERE job.task_id = t.id) c"
                                                                                                 "   LEFT JOIN LATERAL ("
                                                                                                 "        SELECT job.* FROM job"
                                                                                                 "         WHERE job.task_id = t.id"
                                                                                                 "           AND job.state IN ('WAITING', 'READY', 'RUNNING', 'FAILED')"
                                                                                                 "         ORDER BY job.step, job.id"
                                                                                                 "         LIMIT q.n) j ON true"
                                                                                                 "  ORDER BY q.ord, j.step, j.id",
    .nparams = 2,
    .types = {PARAM_TEXT, PARAM_INT8},
    .max_batch = 8,
};
