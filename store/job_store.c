#include "store/job_store.h"

#include "store/spec_columns.h"

/* The spec of a leased job's task. */
#define TASK_SPEC SPEC_COLUMNS("task.", "t.kind", "t.spec")

/* Where a job of a role begins, a task is at this stage. */
#define STAGE_OF_ROLE \
    " CASE role WHEN 'PLAN' THEN 'WAIT_FOR_SCHEMA' WHEN 'SCHEMA' THEN 'WAIT_FOR_SCHEMA'" \
    "           WHEN 'PEER' THEN 'WAIT_FOR_SCHEMA' WHEN 'CHECK' THEN 'WAIT_FOR_CHECK'" \
    "           ELSE 'WAIT_FOR_SUCCESS' END"

/*
 * One question at a time: what job_pick has locked for one question it would find again for the
 * next one of the same statement. The task is as it was when it was locked. A job that was lost too
 * often is given up, and with it its task's other jobs; one of role RELEASE never is, and its task has ended and stays so.
 * From the first lease of a job that makes a peer on, the source may have one.
 *
 * end_time is NULL already in the rows that job_pick has locked. But this statement may be older than
 * they are and see them as they were before a retry, ended; PostgreSQL checks the constraints of a row
 * once on that, before it looks for the newest one.
 */
const struct statement job_lease = {
    .name = "job_lease",
    .lane = LANE_WRITE,
    .sql =
        "WITH q AS ("
        "    SELECT worker_id, lease_ms, capabilities, ord"
        "      FROM unnest($1::text[], $2::bigint[], $3::text[])"
        "           WITH ORDINALITY AS q(worker_id, lease_ms, capabilities, ord)),"
        " pick AS MATERIALIZED ("
        "    SELECT q.ord, (p.picked).id, (p.picked).task_id, (p.picked).role,"
        "           (p.picked).tries, p.picked_task"
        "      FROM q CROSS JOIN LATERAL job_pick(q.capabilities::text[], true) p),"
        " given AS MATERIALIZED ("
        "    SELECT pick.ord, id, task_id, role, worker_id, lease_ms, picked_task," STAGE_OF_ROLE
        "               AS stage,"
        "           role IN ('PEER', 'INCR') AS makes_peer"
        "      FROM pick JOIN q ON q.ord = pick.ord"
        "     WHERE NOT CASE WHEN tries >= 20 AND role <> 'RELEASE' THEN job_give_up(id)"
        "                    ELSE false END),"
        " moved AS MATERIALIZED ("
        "    SELECT task_id, worker_id, stage, makes_peer,"
        "           (picked_task).state <> 'RUNNING' OR (picked_task).stage <> stage AS is_new"
        "      FROM given"
        "     WHERE role <> 'RELEASE'),"
        " leased AS ("
        "    UPDATE job"
        "       SET state = 'RUNNING', attempt = attempt + 1, tries = tries + 1,"
        "           lease_token = lease_token + 1, worker_id = given.worker_id,"
        "           lease_end_time = now() + given.lease_ms * interval '1 ms',"
        "           start_time = coalesce(start_time, now()), end_time = NULL"
        "      FROM given"
        "     WHERE job.id = given.id"
        "    RETURNING given.ord, job.id, job.task_id, job.role, job.table_name, job.attempt,"
        "              job.lease_token, job.checkpoint, given.picked_task),"
        " started AS ("
        "    UPDATE task"
        "       SET state = 'RUNNING', stage = moved.stage, version = version + moved.is_new::int,"
        "           update_time = now(), start_time = coalesce(start_time, now()),"
        "           end_time = NULL, has_peer = has_peer OR moved.makes_peer"
        "      FROM moved"
        "     WHERE task.id = moved.task_id"
        "       AND (moved.is_new OR moved.makes_peer AND NOT task.has_peer)"
        "    RETURNING task.id, moved.worker_id, task.state, task.stage, task.message,"
        "              moved.is_new),"
        " new_event AS ("
        "    INSERT INTO task_event (task_id, actor, state, stage, message)"
        "    SELECT id, worker_id, state, stage, message FROM started WHERE is_new)"
        " SELECT leased.ord, leased.id, leased.task_id, leased.role,"
        "        leased.table_name AS \"table\", leased.attempt, leased.lease_token,"
        "        leased.checkpoint, t.id AS \"task.id\", t.kind AS \"task.kind\","
        "        t.source AS \"task.source\", t.destination AS \"task.destination\","
        "        t.create_time AS \"task.create_time\","
        "        t.delete_time AS \"task.delete_time\","
        "        CASE leased.role WHEN 'RELEASE' THEN t.state ELSE 'RUNNING' END"
        "            AS \"task.state\"," TASK_SPEC ","
        "        s.name AS \"source.name\", s.type AS \"source.type\","
        "        s.parameters_json AS \"source.parameters_json\","
        "        d.name AS \"destination.name\", d.type AS \"destination.type\","
        "        d.parameters_json AS \"destination.parameters_json\""
        "   FROM leased"
        "  CROSS JOIN LATERAL (SELECT (picked_task).*) t"
        "   JOIN data_source s ON s.name = t.source"
        "   JOIN data_source d ON d.name = t.destination",
    .nparams = 3,
    .types = {PARAM_TEXT, PARAM_INT8, PARAM_TEXT},
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

/* One task after another by their ids: that is the order of locks. */
const struct statement job_finish = {
    .name = "job_finish",
    .lane = LANE_WRITE,
    .sql =
        "WITH q AS MATERIALIZED ("
        "    SELECT q.id, q.lease_token, q.outcome, q.message, q.progress::jsonb AS progress,"
        "           q.backoff_ms, q.max_tries,"
        "           nullif(q.job_ids, '')::text[] AS job_ids, nullif(q.roles, '')::text[] AS roles,"
        "           nullif(q.steps, '')::integer[] AS steps,"
        "           nullif(q.tables, '')::text[] AS tables, q.ord"
        "      FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[],"
        "                  $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::text[],"
        "                  $11::text[])"
        "           WITH ORDINALITY"
        "           AS q(id, lease_token, outcome, message, progress, backoff_ms, max_tries,"
        "                job_ids, roles, steps, tables, ord)"
        "      LEFT JOIN job ON job.id = q.id"
        "     ORDER BY job.task_id, job.step, job.id, q.ord)"
        " SELECT q.ord, f.outcome AS \"note/outcome\", f.is_ready AS \"note/ready\""
        "   FROM q"
        "  CROSS JOIN LATERAL job_finish(q.id, q.lease_token, q.outcome, q.message, q.progress,"
        "                                q.backoff_ms, q.max_tries, q.job_ids, q.roles, q.steps,"
        "                                q.tables)"
        "       AS f(outcome, is_ready)",
    .nparams = 11,
    .types = {PARAM_TEXT, PARAM_INT8, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_INT8, PARAM_INT8,
              PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT},
};
