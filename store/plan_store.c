#include "store/plan_store.h"

#include "store/task_columns.h"

const struct statement plan_base_get = {
    .name = "plan_base_get",
    .lane = LANE_READ,
    .sql = "WITH q AS ("
           "    SELECT task_id, job_id, ord FROM unnest($1::text[], $2::text[])"
           "           WITH ORDINALITY AS q(task_id, job_id, ord))"
           " SELECT q.ord," COLUMNS_OF_T "," SPEC_OF_T ","
           "        t.version AS \"note/version\", j.role AS \"note/role\""
           "   FROM q"
           "   LEFT JOIN job j ON j.id = q.job_id"
           "   JOIN task t ON t.id = coalesce(q.task_id, j.task_id)",
    .nparams = 2,
    .types = {PARAM_TEXT, PARAM_TEXT},
    .max_batch = 32,
};

/* One task after another by their ids: that is the order of locks. */
const struct statement task_update = {
    .name = "task_update",
    .lane = LANE_WRITE,
    .sql =
        "WITH q AS MATERIALIZED ("
        "    SELECT id, etag, display_name, labels::jsonb AS labels, actor, version,"
        "           nullif(spec, '') AS spec, nullif(job_ids, '')::text[] AS job_ids,"
        "           nullif(roles, '')::text[] AS roles, nullif(steps, '')::integer[] AS steps,"
        "           nullif(tables, '')::text[] AS tables, bytes_per_second, ord"
        "      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],"
        "                  $6::bigint[], $7::bytea[], $8::text[], $9::text[], $10::text[],"
        "                  $11::text[], $12::bigint[])"
        "           WITH ORDINALITY"
        "           AS q(id, etag, display_name, labels, actor, version, spec, job_ids, roles,"
        "                steps, tables, bytes_per_second, ord)"
        "     ORDER BY id, ord)"
        " SELECT q.ord, f.outcome AS \"note/outcome\", f.is_ready AS \"note/ready\"," COLUMNS_OF_T
        "," COLUMNS_OF_P "," REST_OF_T "   FROM q"
        "  CROSS JOIN LATERAL task_update(q.id, q.etag, q.display_name, q.labels, q.actor,"
        "                                 q.version, q.spec, q.job_ids, q.roles, q.steps,"
        "                                 q.tables, q.bytes_per_second)"
        "       AS f(outcome, is_ready, task)"
        "  CROSS JOIN LATERAL (SELECT (f.task).*) t"
        "   LEFT JOIN LATERAL task_progress(t.id, t.state) p ON true",
    .nparams = 12,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_INT8, PARAM_BYTES,
              PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_INT8},
    .is_keyed = true,
};
