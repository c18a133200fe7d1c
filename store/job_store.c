#include "store/job_store.h"

#include "store/spec_columns.h"

#define SPEC_OF_L SPEC_COLUMNS("task.", "l.kind", "l.spec")

/*
 * For several workers at once, an array of which is one parameter; two questions never go together, for the function would find
 * for the second what it has locked for the first.
 */
const struct statement job_lease = {
    .name = "job_lease",
    .lane = LANE_WRITE,
    .sql =
        "WITH q AS ("
        "    SELECT workers::text[] AS workers, lease_ms, capabilities::text[] AS capabilities,"
        "           time_from_us(place_us) AS place, place_id, ord"
        "      FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::text[])"
        "           WITH ORDINALITY"
        "           AS q(workers, lease_ms, capabilities, place_us, place_id, ord))"
        " SELECT q.ord, l.n AS \"note/worker\","
        "        (extract(epoch FROM l.place) * 1000000)::bigint AS \"note/place_us\","
        "        l.was_running AS \"note/taken_over\", l.id, l.task_id, l.role,"
        "        l.table_name AS \"table\", l.attempt, l.lease_token,"
        "        l.first_token AS first_lease_token, l.checkpoint,"
        "        l.task_id AS \"task.id\", l.kind AS \"task.kind\","
        "        l.source AS \"task.source\", l.destination AS \"task.destination\","
        "        l.create_time AS \"task.create_time\","
        "        l.delete_time AS \"task.delete_time\","
        "        l.state AS \"task.state\"," SPEC_OF_L ","
        "        l.trace_id AS \"task.trace_id\","
        "        CASE WHEN l.trace_id <> ''"
        "             THEN concat_ws('-', '00', l.trace_id, l.trace_caller) END AS traceparent,"
        "        nullif(l.trace_state, '') AS tracestate,"
        "        s.name AS \"source.name\", s.type AS \"source.type\","
        "        s.parameters_json AS \"source.parameters_json\","
        "        d.name AS \"destination.name\", d.type AS \"destination.type\","
        "        d.parameters_json AS \"destination.parameters_json\""
        "   FROM q"
        "  CROSS JOIN LATERAL job_lease(q.workers, q.lease_ms, q.capabilities, q.place, q.place_id) l"
        "   JOIN data_source s ON s.name = l.source"
        "   JOIN data_source d ON d.name = l.destination"
        "  ORDER BY l.n",
    .nparams = 5,
    .types = {PARAM_TEXT, PARAM_INT8, PARAM_TEXT, PARAM_INT8, PARAM_TEXT},
    .max_batch = 1,
};

/*
 * One task after another by their ids: that is the order of locks. A task is locked, before its jobs, if one of these says
 * something new. Keyed, so that no report in a batch is lost behind another one of the same job.
 */
const struct statement job_report = {
    .name = "job_report",
    .lane = LANE_WRITE,
    .sql =
        "WITH q AS ("
        "    SELECT id, lease_token, lease_ms, progress::jsonb AS progress, checkpoint, message, ord"
        "      FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bytea[],"
        "                  $6::text[])"
        "           WITH ORDINALITY"
        "           AS q(id, lease_token, lease_ms, progress, checkpoint, message, ord)),"
        " todo AS MATERIALIZED ("
        "    SELECT q.*, coalesce(bool_or(job.message <> q.message)"
        "                         OVER (PARTITION BY job.task_id), false) AS may_speak"
        "      FROM q"
        "      LEFT JOIN job ON job.id = q.id"
        "     ORDER BY job.task_id, job.step, job.id)"
        " SELECT todo.ord, f.outcome AS \"note/outcome\","
        "        f.bytes_per_second AS \"note/bytes_per_second\", f.is_said AS \"note/is_said\""
        "   FROM todo"
        "  CROSS JOIN LATERAL job_report(todo.id, todo.lease_token, todo.lease_ms, todo.progress,"
        "                                todo.checkpoint, todo.message, todo.may_speak)"
        "       AS f(outcome, bytes_per_second, is_said)",
    .nparams = 6,
    .types = {PARAM_TEXT, PARAM_INT8, PARAM_INT8, PARAM_TEXT, PARAM_BYTES, PARAM_TEXT},
    .is_keyed = true,
};

/* What the job was is read as of the statement's beginning, before job_end. */
const struct statement job_finish = {
    .name = "job_finish",
    .lane = LANE_WRITE,
    .sql = "SELECT f.ord, f.outcome AS \"note/outcome\", f.is_ready AS \"note/ready\","
           "       CASE WHEN f.outcome = 'DONE' AND ($3::text[])[f.ord] = 'RETRY' THEN"
           "            (SELECT was.state = 'RUNNING' AND was.role <> 'RELEASE'"
           "                     AND was.tries >= ($7::bigint[])[f.ord]"
           "               FROM job was WHERE was.id = ($1::text[])[f.ord]) END"
           "           AS \"note/given_up\""
           "  FROM job_end($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[],"
           "               $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::text[],"
           "               $11::text[]) f",
    .nparams = 11,
    .types = {PARAM_TEXT, PARAM_INT8, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_INT8, PARAM_INT8,
              PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT},
};
