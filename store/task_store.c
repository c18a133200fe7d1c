#include "store/task_store.h"

#include "store/task_columns.h"

/* The columns of a task where the row is what a function returned. */
#define COLUMNS_OF_F \
    " (f.t).id, (f.t).kind, (f.t).source, (f.t).destination, (f.t).state, (f.t).stage," \
    " (f.t).message, (f.t).version::text AS etag, (f.t).create_time, (f.t).update_time," \
    " (f.t).start_time, (f.t).end_time, (f.t).display_name," \
    " nullif((f.t).labels, '{}')::text AS labels"

/* All of such a task but its progress. */
#define REST_OF_F \
    SPEC_COLUMNS("", "(f.t).kind", "(f.t).spec") "," ADDRESSES("(f.t).source", "(f.t).destination")

/* The spec, which may be large, in one row of those of a task. */
#define SPEC_ONCE \
    SPEC_COLUMNS("", "t.kind", "CASE WHEN row_number() OVER of_task = 1 THEN t.spec END")

/*
 * All is made by one statement. A request id is stored with its task or not at all: of two queries with the same one
 * the second waits for the first, then inserts nothing; it cannot see the first one's row, so its outcome is RACED.
 * They are inserted in the order of their request ids, lest two batches wait for each other. A data source that is
 * deleted meanwhile makes a foreign key fail.
 */
const struct statement task_create = {
    .name = "task_create",
    .lane = LANE_WRITE,
    .sql = "WITH q AS MATERIALIZED ("
           "SELECT id_suffix, kind, source, destination, spec, source_types,"
           "       destination_types, id_prefix, job_ids, roles, steps, tables, actor,"
           "       request_id, validate_only, display_name, labels::jsonb AS labels, ord,"
           "       CASE WHEN request_id IS NOT NULL"
           "       THEN request_digest(kind, source, destination, spec, display_name,"
           "       labels::jsonb) END AS digest"
           "  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[],"
           "       $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],"
           "       $11::text[], $12::text[], $13::text[], $14::text[],"
           "       $15::boolean[], $16::text[], $17::text[])"
           "       WITH ORDINALITY"
           "       AS q(id_suffix, kind, source, destination, spec, source_types,"
           "       destination_types, id_prefix, job_ids, roles, steps, tables, actor,"
           "       request_id, validate_only, display_name, labels, ord)),"
           " seen AS MATERIALIZED ("
           "    SELECT q.ord, s.type AS source_type, d.type AS destination_type,"
           "           s.address AS source_address, d.address AS destination_address,"
           "           prior.id AS prior_id, q.digest,"
           "           prior.request_digest = q.digest AS is_same,"
           "           coalesce(s.type = ANY (q.source_types::text[])"
           "           AND d.type = ANY (q.destination_types::text[]), false) AS is_fit"
           "      FROM q"
           "      LEFT JOIN data_source s ON s.name = q.source"
           "      LEFT JOIN data_source d ON d.name = q.destination"
           "      LEFT JOIN task prior ON prior.request_id = q.request_id),"
           " made AS MATERIALIZED ("
           "    SELECT q.ord,"
           "           q.id_prefix || CASE q.kind WHEN 'BULKLOAD'"
           "           THEN nextval('bulkload_number') || '-' ELSE '' END || q.id_suffix AS id,"
           "           lower(concat_ws(':', q.kind, source_type, destination_type)) AS capability"
           "      FROM seen JOIN q USING (ord)"
           "     WHERE seen.is_fit AND seen.prior_id IS NULL AND NOT q.validate_only),"
           " t AS ("
           "    INSERT INTO task (id, kind, source, destination, spec, state, stage, request_id,"
           "           request_digest, display_name, labels)"
           "    SELECT made.id, q.kind, q.source, q.destination, q.spec, 'PENDING',"
           "           'WAIT_FOR_START', q.request_id, seen.digest, q.display_name, q.labels"
           "      FROM made JOIN q USING (ord) JOIN seen USING (ord)"
           "     ORDER BY q.request_id NULLS FIRST, ord"
           "    ON CONFLICT (request_id) WHERE request_id IS NOT NULL DO NOTHING"
           "    RETURNING id, kind, source, destination, spec, state, stage, message, version,"
           "           create_time, update_time, start_time, end_time, display_name, labels),"
           " new_job AS ("
           "    INSERT INTO job (id, task_id, step, role, state, table_name, capability)"
           "    SELECT j.id, t.id, j.step, j.role,"
           "           CASE WHEN j.step = min(j.step) OVER (PARTITION BY t.id)"
           "           THEN 'READY' ELSE 'WAITING' END,"
           "           j.table_name, made.capability"
           "      FROM t JOIN made USING (id) JOIN q USING (ord),"
           "           unnest(q.job_ids::text[], q.roles::text[], q.steps::integer[],"
           "           q.tables::text[]) AS j(id, role, step, table_name)),"
           " new_event AS ("
           "    INSERT INTO task_event (task_id, actor, state, stage)"
           "    SELECT t.id, q.actor, 'PENDING', 'WAIT_FOR_START'"
           "      FROM t JOIN made USING (id) JOIN q USING (ord)"
           "     ORDER BY ord)"
           " SELECT seen.ord, seen.source_address, seen.destination_address,"
           "        CASE WHEN t.id IS NOT NULL THEN 'CREATED'"
           "             WHEN made.id IS NOT NULL THEN 'RACED'"
           "             WHEN seen.is_same THEN 'REPEATED'"
           "             WHEN seen.prior_id IS NOT NULL THEN 'REUSED'"
           "             WHEN seen.is_fit THEN 'VALID'"
           "             ELSE 'REFUSED' END AS \"note/outcome\","
           "        seen.prior_id AS \"note/prior_id\","
           "        seen.source_type AS \"note/source_type\","
           "        seen.destination_type AS \"note/destination_type\"," COLUMNS_OF_T "," SPEC_OF_T
           "   FROM seen"
           "   LEFT JOIN made USING (ord)"
           "   LEFT JOIN t USING (id)",
    .nparams = 17,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_BYTES, PARAM_TEXT, PARAM_TEXT,
              PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT,
              PARAM_BOOL, PARAM_TEXT, PARAM_TEXT},
};

const struct statement task_get = {
    .name = "task_get",
    .lane = LANE_READ,
    .sql = "WITH q AS ("
           "    SELECT id, ord FROM unnest($1::text[]) WITH ORDINALITY AS q(id, ord))"
           " SELECT q.ord," COLUMNS_OF_T "," COLUMNS_OF_P "," SPEC_ONCE ","
           "        s.address AS source_address, d.address AS destination_address,"
           "        j.id AS \"job/id\", j.role AS \"job/role\", j.state AS \"job/state\","
           "        j.table_name AS \"job/table\", j.attempt AS \"job/attempt\","
           "        j.rows_read AS \"job/progress.rows_read\","
           "        j.rows_written AS \"job/progress.rows_written\","
           "        j.bad_rows AS \"job/progress.bad_rows\","
           "        j.bytes_read AS \"job/progress.bytes_read\","
           "        j.bytes_total AS \"job/progress.bytes_total\","
           "        j.fraction AS \"job/progress.fraction\","
           "        j.message AS \"job/message\", j.worker_id AS \"job/worker_id\","
           "        j.start_time AS \"job/start_time\", j.end_time AS \"job/end_time\","
           "        CASE WHEN j.state IN ('READY', 'RUNNING') THEN j.lease_end_time END"
           "             AS \"job/lease_end_time\""
           "   FROM q"
           "   JOIN task t ON t.id = q.id"
           "  CROSS JOIN LATERAL task_progress(t.id, t.state) p"
           "   JOIN data_source s ON s.name = t.source"
           "   JOIN data_source d ON d.name = t.destination"
           "   LEFT JOIN job j ON j.task_id = t.id"
           " WINDOW of_task AS (PARTITION BY q.ord ORDER BY j.step, j.id)"
           "  ORDER BY q.ord, j.step, j.id",
    .nparams = 1,
    .types = {PARAM_TEXT},
    .max_batch = 32,
};

/* A part of a list: the tasks that WHERE selects, from q.from_seq on. */
#define NEWEST(WHERE) \
    " (SELECT" COLUMNS_TO_LIST " FROM task" \
    "   WHERE q.sign < 0 AND " WHERE " AND seq < q.from_seq ORDER BY seq DESC LIMIT q.n)"
#define OLDEST(WHERE) \
    " (SELECT" COLUMNS_TO_LIST " FROM task" \
    "   WHERE q.sign > 0 AND " WHERE " AND seq > q.from_seq ORDER BY seq LIMIT q.n)"
#define ALL "q.kind IS NULL AND q.state IS NULL"
#define OF_KIND "q.kind IS NOT NULL AND kind = q.kind AND q.state IS NULL"
#define OF_STATE "q.state IS NOT NULL AND state = q.state AND (q.kind IS NULL OR kind = q.kind)"

/*
 * One of the six parts of the UNION has rows, and the others are not begun: that is what their conditions on q alone
 * are for. Each walks an index that is in the order of the
 * list. What is too large for one page is left to the next.
 */
const struct statement task_list = {
    .name = "task_list",
    .lane = LANE_READ,
    .sql =
        "WITH q AS ("
        "    SELECT n, kind, state, ord, CASE WHEN is_oldest_first THEN 1 ELSE -1 END AS sign,"
        "           coalesce(from_seq, CASE WHEN is_oldest_first THEN 0"
        "                                   ELSE 9223372036854775807 END) AS from_seq"
        "      FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::boolean[])"
        "           WITH ORDINALITY AS q(n, from_seq, kind, state, is_oldest_first, ord))"
        " SELECT q.ord, t.seq AS \"note/seq\","
        "        count(*) OVER (PARTITION BY q.ord) = t.n AS \"note/is_last\"," COLUMNS_OF_T
        "," COLUMNS_OF_P "," REST_OF_T "   FROM q"
        "  CROSS JOIN LATERAL ("
        "        SELECT" COLUMNS_TO_LIST ", count(*) OVER () AS n,"
        "               sum(octet_length(spec) + octet_length(labels::text))"
        "                   OVER (ORDER BY q.sign * seq)"
        "               - octet_length(spec) - octet_length(labels::text) AS size_before"
        "          FROM (" NEWEST(ALL) " UNION ALL" NEWEST(OF_KIND) " UNION ALL" NEWEST(OF_STATE) " UNION ALL" OLDEST(
            ALL) " UNION ALL" OLDEST(OF_KIND) " UNION ALL" OLDEST(OF_STATE) ") page) t"
                                                                            "  CROSS JOIN LATERAL task_progress(t.id, t.state) p"
                                                                            "  WHERE t.size_before < 2097152"
                                                                            "  ORDER BY q.ord, q.sign * t.seq",
    .nparams = 5,
    .types = {PARAM_INT8, PARAM_INT8, PARAM_TEXT, PARAM_TEXT, PARAM_BOOL},
    .max_batch = 4,
};

/*
 * Abort, retry and delete. Functions do the work, on one task after another by their ids: that is the order of locks.
 * The tasks whose etag counts are locked before, and "todo" is whole before the first function is called: it says what
 * holds then. Two queries about one task never go together, for the second is to see the etag that the first one made.
 */
#define HELD(LOCK) \
    " held AS MATERIALIZED (" \
    "    SELECT q.ord, t.version::text <> q.etag AS is_stale" \
    "      FROM q" \
    "      JOIN task t ON t.id = q.id" \
    "     WHERE q.etag <> ''" \
    "     ORDER BY t.id" \
    "       FOR " LOCK " OF t)"
#define HELD_TO_CHANGE HELD("NO KEY UPDATE")
#define HELD_TO_DELETE HELD("UPDATE")

const struct statement task_abort = {
    .name = "task_abort",
    .lane = LANE_WRITE,
    .sql = "WITH q AS MATERIALIZED ("
           "    SELECT id, from_states, same_states, to_state, actor, reason, etag, ord"
           "      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],"
           "                  $6::text[], $7::text[])"
           "           WITH ORDINALITY"
           "           AS q(id, from_states, same_states, to_state, actor, reason, etag,"
           "                ord))," HELD_TO_CHANGE ","
           " todo AS MATERIALIZED ("
           "    SELECT q.ord, q.from_states, q.same_states, q.to_state, q.actor, q.reason,"
           "           CASE WHEN held.is_stale IS NOT TRUE THEN q.id END AS id,"
           "           coalesce(held.is_stale, false) AS is_stale"
           "      FROM q LEFT JOIN held USING (ord)"
           "     ORDER BY q.id, q.ord)"
           " SELECT todo.ord, f.old_state AS \"note/old_state\","
           "        todo.is_stale AS \"note/is_stale\"," COLUMNS_OF_F "," COLUMNS_OF_P "," REST_OF_F
           "   FROM todo"
           "  CROSS JOIN LATERAL task_abort(todo.id, todo.from_states::text[],"
           "                                todo.same_states::text[], todo.to_state, todo.actor,"
           "                                todo.reason)"
           "       AS f(old_state, t)"
           "   LEFT JOIN LATERAL task_progress((f.t).id, (f.t).state) p ON true",
    .nparams = 7,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT},
    .is_keyed = true,
};

/* The progress is that of before, which is nothing if all is forgotten. */
const struct statement task_retry = {
    .name = "task_retry",
    .lane = LANE_WRITE,
    .sql = "WITH q AS MATERIALIZED ("
           "    SELECT id, from_states, same_states, to_state, actor, from_start, etag, ord"
           "      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],"
           "                  $6::boolean[], $7::text[])"
           "           WITH ORDINALITY"
           "           AS q(id, from_states, same_states, to_state, actor, from_start, etag,"
           "                ord))," HELD_TO_CHANGE ","
           " todo AS MATERIALIZED ("
           "    SELECT q.ord, q.from_states, q.same_states, q.to_state, q.actor, q.from_start,"
           "           CASE WHEN held.is_stale IS NOT TRUE THEN q.id END AS id,"
           "           coalesce(held.is_stale, false) AS is_stale"
           "      FROM q LEFT JOIN held USING (ord)"
           "     ORDER BY q.id, q.ord)"
           " SELECT todo.ord, f.old_state AS \"note/old_state\","
           "        todo.is_stale AS \"note/is_stale\"," COLUMNS_OF_F "," COLUMNS_OF_P "," REST_OF_F
           "   FROM todo"
           "  CROSS JOIN LATERAL task_retry(todo.id, todo.from_states::text[],"
           "                                todo.same_states::text[], todo.to_state, todo.actor,"
           "                                todo.from_start)"
           "       AS f(old_state, t)"
           "   LEFT JOIN LATERAL task_progress((f.t).id, (f.t).state) p"
           "     ON NOT (todo.from_start AND f.old_state = ANY (todo.from_states::text[]))",
    .nparams = 7,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_BOOL, PARAM_TEXT},
    .is_keyed = true,
};

const struct statement task_delete = {
    .name = "task_delete",
    .lane = LANE_WRITE,
    .sql = "WITH q AS MATERIALIZED ("
           "    SELECT id, from_states, etag, ord"
           "      FROM unnest($1::text[], $2::text[], $3::text[])"
           "           WITH ORDINALITY AS q(id, from_states, etag, ord))," HELD_TO_DELETE ","
           " todo AS MATERIALIZED ("
           "    SELECT q.ord, q.from_states,"
           "           CASE WHEN held.is_stale IS NOT TRUE THEN q.id END AS id,"
           "           coalesce(held.is_stale, false) AS is_stale"
           "      FROM q LEFT JOIN held USING (ord)"
           "     ORDER BY q.id, q.ord)"
           " SELECT todo.ord, f.old_state AS \"note/old_state\","
           "        todo.is_stale AS \"note/is_stale\"," COLUMNS_OF_F "," REST_OF_F "   FROM todo"
           "  CROSS JOIN LATERAL task_delete(todo.id, todo.from_states::text[]) AS f(old_state, t)",
    .nparams = 3,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_TEXT},
    .is_keyed = true,
};

/* Only the values that are given change. What "held" saw is what counts: its rows are locked, and as they are now. */
const struct statement task_update = {
    .name = "task_update",
    .lane = LANE_WRITE,
    .sql = "WITH q AS MATERIALIZED ("
           "    SELECT id, etag, display_name, labels::jsonb AS labels, actor, ord"
           "      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])"
           "           WITH ORDINALITY AS q(id, etag, display_name, labels, actor, ord)),"
           " held AS MATERIALIZED ("
           "    SELECT q.ord, t.id, q.etag = '' OR q.etag = t.version::text AS is_current"
           "      FROM q"
           "      JOIN task t ON t.id = q.id"
           "     ORDER BY t.id"
           "       FOR NO KEY UPDATE OF t),"
           " t AS ("
           "    UPDATE task"
           "       SET display_name = coalesce(q.display_name, task.display_name),"
           "           labels = coalesce(q.labels, task.labels),"
           "           version = task.version + 1, update_time = now()"
           "      FROM held JOIN q ON q.ord = held.ord"
           "     WHERE task.id = held.id AND held.is_current"
           "    RETURNING task.id, kind, source, destination, spec, state, stage, message,"
           "              version, create_time, update_time, start_time, end_time,"
           "              task.display_name, task.labels, q.actor),"
           " new_event AS ("
           "    INSERT INTO task_event (task_id, actor, state, stage, message)"
           "    SELECT id, actor, state, stage, message FROM t ORDER BY id)"
           " SELECT q.ord,"
           "        CASE WHEN t.id IS NOT NULL THEN 'DONE'"
           "             WHEN held.id IS NOT NULL THEN 'CHANGED'"
           "             ELSE 'NOT_FOUND' END AS \"note/outcome\"," COLUMNS_OF_T "," COLUMNS_OF_P
           "," REST_OF_T "   FROM q"
           "   LEFT JOIN held ON held.ord = q.ord"
           "   LEFT JOIN t ON t.id = held.id"
           "   LEFT JOIN LATERAL task_progress(t.id, t.state) p ON true",
    .nparams = 5,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT},
    .is_keyed = true,
};
