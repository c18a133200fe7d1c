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
