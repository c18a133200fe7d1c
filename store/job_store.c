#include "store/job_store.h"

#include "store/spec_columns.h"

/* The spec of a leased job's task. */
#define TASK_SPEC SPEC_COLUMNS("task.", "t.kind", "t.spec")

/*
 * One question at a time: what job_pick has locked for one question it would find again for the
 * next one of the same statement. The task is as it was when it was locked. A job that was lost too
 * often is given up, and with it its task's other jobs.
 *
 * end_time is NULL already in the rows that job_pick has locked. But this statement may be older than
 * they are and see them as they were before a retry, ended; PostgreSQL checks the constraints of a row
 * once on that, before it looks for the newest one.
 */
const struct statement job_lease = {
    .name = "job_lease",
    .lane = LANE_WRITE,
    .sql = "WITH q AS ("
           "    SELECT worker_id, lease_ms, capabilities, ord"
           "      FROM unnest($1::text[], $2::bigint[], $3::text[])"
           "           WITH ORDINALITY AS q(worker_id, lease_ms, capabilities, ord)),"
           " pick AS MATERIALIZED ("
           "    SELECT q.ord, (p.picked).id, (p.picked).task_id, (p.picked).role,"
           "           (p.picked).tries, p.picked_task"
           "      FROM q CROSS JOIN LATERAL job_pick(q.capabilities::text[]) p),"
           " given AS MATERIALIZED ("
           "    SELECT pick.ord, id, task_id, worker_id, lease_ms, picked_task,"
           "           CASE role WHEN 'PLAN' THEN 'WAIT_FOR_SCHEMA'"
           "                     WHEN 'SCHEMA' THEN 'WAIT_FOR_SCHEMA'"
           "                     WHEN 'CHECK' THEN 'WAIT_FOR_CHECK'"
           "                     ELSE 'WAIT_FOR_SUCCESS' END AS stage"
           "      FROM pick JOIN q ON q.ord = pick.ord"
           "     WHERE NOT CASE WHEN tries >= 20 THEN job_give_up(id) ELSE false END),"
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
           "       SET state = 'RUNNING', stage = given.stage, version = version + 1,"
           "           update_time = now(), start_time = coalesce(start_time, now()),"
           "           end_time = NULL"
           "      FROM given"
           "     WHERE task.id = given.task_id"
           "       AND (task.state <> 'RUNNING' OR task.stage <> given.stage)"
           "    RETURNING task.id, given.worker_id, task.state, task.stage, task.message),"
           " new_event AS ("
           "    INSERT INTO task_event (task_id, actor, state, stage, message)"
           "    SELECT id, worker_id, state, stage, message FROM started)"
           " SELECT leased.ord, leased.id, leased.task_id, leased.role,"
           "        leased.table_name AS \"table\", leased.attempt, leased.lease_token,"
           "        leased.checkpoint, t.id AS \"task.id\", t.kind AS \"task.kind\","
           "        t.source AS \"task.source\", t.destination AS \"task.destination\","
           "        t.create_time AS \"task.create_time\"," TASK_SPEC ","
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
 * What "held" saw is what counts: its rows are locked, and as they are now. Keyed, so that no
 * report in a batch is lost behind another one of the same job.
 */
const struct statement job_report = {
    .name = "job_report",
    .lane = LANE_WRITE,
    .sql = "WITH q AS ("
           "    SELECT id, lease_token, lease_ms, rows_read, rows_written, bad_rows, bytes_read,"
           "           bytes_total, fraction, checkpoint,"
           "           time_from_us(nullif(checkpoint_us, 0)) AS checkpoint_time,"
           "           time_from_us(nullif(sync_us, 0)) AS sync_time, ord"
           "      FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],"
           "                  $6::bigint[], $7::bigint[], $8::bigint[], $9::float8[],"
           "                  $10::bytea[], $11::bigint[], $12::bigint[])"
           "           WITH ORDINALITY"
           "           AS q(id, lease_token, lease_ms, rows_read, rows_written, bad_rows,"
           "                bytes_read, bytes_total, fraction, checkpoint, checkpoint_us, sync_us,"
           "                ord)),"
           " held AS MATERIALIZED ("
           "    SELECT q.ord, job.id, job.state, job.lease_token"
           "      FROM q"
           "      JOIN job ON job.id = q.id"
           "     ORDER BY job.task_id, job.step, job.id"
           "       FOR NO KEY UPDATE OF job),"
           " renewed AS ("
           "    UPDATE job"
           "       SET lease_end_time = now() + q.lease_ms * interval '1 ms',"
           "           tries = CASE WHEN q.rows_written > job.rows_written"
           "                          OR q.sync_time > coalesce(job.sync_time, '-infinity')"
           "                        THEN 0 ELSE job.tries END,"
           "           rows_read = coalesce(q.rows_read, job.rows_read),"
           "           rows_written = coalesce(q.rows_written, job.rows_written),"
           "           bad_rows = coalesce(q.bad_rows, job.bad_rows),"
           "           bytes_read = coalesce(q.bytes_read, job.bytes_read),"
           "           bytes_total = coalesce(q.bytes_total, job.bytes_total),"
           "           fraction = coalesce(q.fraction, job.fraction),"
           "           checkpoint_time = coalesce(q.checkpoint_time, job.checkpoint_time),"
           "           sync_time = coalesce(q.sync_time, job.sync_time),"
           "           checkpoint = coalesce(q.checkpoint, job.checkpoint)"
           "      FROM held JOIN q ON q.ord = held.ord"
           "     WHERE job.id = held.id AND held.lease_token = q.lease_token"
           "       AND held.state = 'RUNNING')"
           " SELECT q.ord,"
           "        CASE WHEN held.id IS NULL THEN 'STOP'"
           "             WHEN held.lease_token <> q.lease_token THEN 'LOST'"
           "             WHEN held.state = 'RUNNING' THEN 'CONTINUE'"
           "             WHEN held.state = 'KILLED' THEN 'STOP'"
           "             ELSE 'LOST' END AS \"note/outcome\""
           "   FROM q"
           "   LEFT JOIN held ON held.ord = q.ord",
    .nparams = 12,
    .types = {PARAM_TEXT, PARAM_INT8, PARAM_INT8, PARAM_INT8, PARAM_INT8, PARAM_INT8, PARAM_INT8,
              PARAM_INT8, PARAM_FLOAT8, PARAM_BYTES, PARAM_INT8, PARAM_INT8},
    .is_keyed = true,
};

/* One task after another by their ids: that is the order of locks. */
const struct statement job_finish = {
    .name = "job_finish",
    .lane = LANE_WRITE,
    .sql =
        "WITH q AS MATERIALIZED ("
        "    SELECT q.id, q.lease_token, q.outcome, q.message, q.rows_read, q.rows_written,"
        "           q.bad_rows, q.bytes_read, q.bytes_total, q.fraction, q.backoff_ms,"
        "           q.max_tries, time_from_us(nullif(q.checkpoint_us, 0)) AS checkpoint_time,"
        "           time_from_us(nullif(q.sync_us, 0)) AS sync_time,"
        "           nullif(q.job_ids, '')::text[] AS job_ids, nullif(q.roles, '')::text[] AS roles,"
        "           nullif(q.steps, '')::integer[] AS steps,"
        "           nullif(q.tables, '')::text[] AS tables, q.ord"
        "      FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[],"
        "                  $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],"
        "                  $10::float8[], $11::bigint[], $12::bigint[], $13::bigint[],"
        "                  $14::bigint[], $15::text[], $16::text[], $17::text[], $18::text[])"
        "           WITH ORDINALITY"
        "           AS q(id, lease_token, outcome, message, rows_read, rows_written, bad_rows,"
        "                bytes_read, bytes_total, fraction, backoff_ms, max_tries, checkpoint_us,"
        "                sync_us, job_ids, roles, steps, tables, ord)"
        "      LEFT JOIN job ON job.id = q.id"
        "     ORDER BY job.task_id, job.step, job.id, q.ord)"
        " SELECT q.ord, f.outcome AS \"note/outcome\", f.is_ready AS \"note/ready\""
        "   FROM q"
        "  CROSS JOIN LATERAL job_finish(q.id, q.lease_token, q.outcome, q.message, q.rows_read,"
        "                                q.rows_written, q.bad_rows, q.bytes_read,"
        "                                q.bytes_total, q.fraction, q.backoff_ms, q.max_tries,"
        "                                q.checkpoint_time, q.sync_time, q.job_ids, q.roles, q.steps,"
        "                                q.tables)"
        "       AS f(outcome, is_ready)",
    .nparams = 18,
    .types = {PARAM_TEXT, PARAM_INT8, PARAM_TEXT, PARAM_TEXT, PARAM_INT8, PARAM_INT8, PARAM_INT8,
              PARAM_INT8, PARAM_INT8, PARAM_FLOAT8, PARAM_INT8, PARAM_INT8, PARAM_INT8, PARAM_INT8,
              PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT},
};
