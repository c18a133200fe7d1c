#include "store/task_store.h"

#include "store/task_columns.h"

/* The columns of a task where the row is what a function returned. */
#define COLUMNS_OF_F \
    " (f.t).id, (f.t).kind, (f.t).source, (f.t).destination, (f.t).state, (f.t).stage," \
    " (f.t).message, (f.t).version::text AS etag, (f.t).create_time, (f.t).update_time," \
    " (f.t).start_time, (f.t).end_time, (f.t).display_name," \
    " nullif((f.t).labels, '{}')::text AS labels, (f.t).delete_time," \
    " (f.t).trace_id"

/* All of such a task but its progress. */
#define REST_OF_F \
    SPEC_COLUMNS("", "(f.t).kind", "(f.t).spec") "," ADDRESSES("(f.t).source", "(f.t).destination")

/*
 * All is made by one statement. A request id is stored with its task or not at all: of two queries with the same one
 * the second waits for the first, then inserts nothing; it cannot see the first one's row, so its outcome is RACED.
 * They are inserted in the order of their request ids, lest two batches wait for each other. Tasks without one are inserted by
 * themselves, since to look for conflicts costs each row a lock and a second visit. A data source that is deleted meanwhile makes
 * the statement fail as a foreign key would (migrations/0019_narrow_writes.sql).
 *
 * What makes a batch cheap: the arrays are unnested side by side in a list of columns, where they are not stored first as they
 * are behind FROM; all that is known of a query is one row of "seen", which what is stored is joined with; and OFFSET 0 keeps
 * what two columns are made of from being made twice.
 */
#define INSERT_TASKS \
    " INSERT INTO task (id, kind, source, destination, spec, state, stage, request_id," \
    " request_digest, display_name, labels, bytes_per_second, trace_id, trace_caller," \
    " trace_state)" \
    " SELECT id, kind, source, destination, spec, 'PENDING', 'WAIT_FOR_START', request_id," \
    " digest, display_name, labels::jsonb, bytes_per_second, substr(traceparent, 4, 32)," \
    " substr(traceparent, 37), tracestate" \
    " FROM seen WHERE id IS NOT NULL AND "

const struct statement task_create = {
    .name = "task_create",
    .lane = LANE_WRITE,
    .sql =
        "WITH seen AS MATERIALIZED ("
        " SELECT *, CASE WHEN is_fit AND prior_id IS NULL AND NOT validate_only"
        " THEN id_prefix || CASE kind WHEN 'BULKLOAD'"
        " THEN nextval('bulkload_number') || '-' ELSE '' END || id_suffix END AS id"
        " FROM ("
        " SELECT q.*, s.type AS s_type, d.type AS d_type,"
        " s.address AS source_address, d.address AS destination_address,"
        " prior.id AS prior_id, prior.request_digest = q.digest AS is_same,"
        " coalesce(s.type = ANY (s_types::text[])"
        " AND d.type = ANY (d_types::text[]), false) AS is_fit"
        " FROM (SELECT *, steps_text::int[] AS steps, CASE WHEN request_id IS NOT NULL THEN"
        " request_digest(kind, source, destination, spec, display_name, labels::jsonb)"
        " END AS digest"
        " FROM (SELECT generate_subscripts($1, 1)::bigint AS ord, unnest($1) AS id_suffix,"
        " unnest($2) AS kind, unnest($3) AS source, unnest($4) AS destination,"
        " unnest($5) AS spec, unnest($6) AS s_types, unnest($7) AS d_types,"
        " unnest($8) AS id_prefix, unnest($9) AS job_ids, unnest($10) AS roles,"
        " unnest($11) AS steps_text, unnest($12) AS tables, unnest($13) AS actor,"
        " unnest($14) AS request_id, unnest($15) AS validate_only,"
        " unnest($16) AS display_name, unnest($17) AS labels,"
        " unnest($18) AS bytes_per_second, unnest($19) AS traceparent,"
        " unnest($20) AS tracestate) q OFFSET 0) q"
        " LEFT JOIN LATERAL (SELECT type, address FROM data_source"
        " WHERE name = q.source OFFSET 0) s ON true"
        " LEFT JOIN LATERAL (SELECT type, address FROM data_source"
        " WHERE name = q.destination OFFSET 0) d ON true"
        " LEFT JOIN LATERAL (SELECT id, request_digest FROM task"
        " WHERE request_id = q.request_id OFFSET 0) prior ON true"
        " OFFSET 0) q),"
        " t1 AS (" INSERT_TASKS "request_id IS NULL ORDER BY ord RETURNING *),"
        " t2 AS (" INSERT_TASKS "request_id IS NOT NULL ORDER BY request_id, ord"
        " ON CONFLICT (request_id) WHERE request_id IS NOT NULL DO NOTHING RETURNING *),"
        " t AS (TABLE t1 UNION ALL TABLE t2),"
        " new_job AS ("
        " INSERT INTO job (id, task_id, step, role, state, table_name, capability)"
        " SELECT id, task_id, step, role, CASE step WHEN first THEN 'READY' ELSE 'WAITING' END,"
        " table_name, capability"
        " FROM (SELECT unnest(job_ids::text[]) AS id, t.id AS task_id, unnest(steps) AS step,"
        " unnest(roles::text[]) AS role, unnest(tables::text[]) AS table_name,"
        " steps[1] AS first, lower(concat_ws(':', t.kind, s_type, d_type)) AS capability"
        " FROM t JOIN seen USING (id)) j),"
        " new_event AS ("
        " INSERT INTO task_event (task_id, actor, state, stage)"
        " SELECT id, actor, 'PENDING', 'WAIT_FOR_START' FROM t JOIN seen USING (id) ORDER BY ord)"
        " SELECT ord, source_address, destination_address,"
        " CASE WHEN t.id IS NOT NULL THEN 'CREATED'"
        " WHEN seen.id IS NOT NULL THEN 'RACED'"
        " WHEN is_same THEN 'REPEATED'"
        " WHEN prior_id IS NOT NULL THEN 'REUSED'"
        " WHEN is_fit THEN 'VALID' ELSE 'REFUSED' END AS \"note/outcome\","
        " prior_id AS \"note/prior_id\", s_type AS \"note/source_type\","
        " d_type AS \"note/destination_type\"," COLUMNS_OF_T "," SPEC_OF_T
        " FROM seen LEFT JOIN t USING (id)",
    .nparams = 20,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_BYTES, PARAM_TEXT, PARAM_TEXT,
              PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT,  PARAM_TEXT, PARAM_TEXT,
              PARAM_BOOL, PARAM_TEXT, PARAM_TEXT, PARAM_INT8, PARAM_TEXT,  PARAM_TEXT},
};

/*
 * What is read of a task that may come with its jobs is read in two parts, each of which has rows of its own: part 0 is the
 * task, called t, and part 1 are its jobs, called j. OFFSET 0 has PostgreSQL look at the part before it reads, and makes each
 * of these the inner side of a nested loop: so a task comes ahead of its jobs, and these in their order, and no row is sorted.
 * Where the jobs come along they tell the progress, which is not summed up then.
 */
#define PARTS " CROSS JOIN LATERAL (SELECT 0 AS n UNION ALL SELECT 1 WHERE q.with_jobs) AS part"
#define TASK_PART(CONDITION) \
    " LEFT JOIN LATERAL (SELECT" COLUMNS_TO_LIST ", p.*," ADDRESSES( \
        "source", \
        "destination") " FROM task LEFT JOIN LATERAL (SELECT * FROM task_progress(task.id, task.state)" \
                       "   WHERE NOT q.with_jobs OFFSET 0) p ON true" \
                       " WHERE part.n = 0 AND " CONDITION " OFFSET 0) t ON true"
#define JOB_PART(CONDITION) \
    " LEFT JOIN LATERAL (SELECT * FROM job WHERE part.n = 1 AND " CONDITION \
    " ORDER BY step, id OFFSET 0) j ON true"
#define COLUMNS_OF_PARTS \
    COLUMNS_OF_T \
    "," PROGRESS_COLUMNS("", "t") "," SPEC_OF_T "," \
                                  " t.source_address, t.destination_address," COLUMNS_OF_J

const struct statement task_get = {
    .name = "task_get",
    .lane = LANE_READ,
    .sql = "WITH q AS ("
           "    SELECT id, with_jobs, ord FROM unnest($1::text[], $2::boolean[])"
           "           WITH ORDINALITY AS q(id, with_jobs, ord))"
           " SELECT q.ord," COLUMNS_OF_PARTS "   FROM q" PARTS TASK_PART("id = q.id")
               JOB_PART("task_id = q.id") "  WHERE t.id IS NOT NULL OR j.id IS NOT NULL",
    .nparams = 2,
    .types = {PARAM_TEXT, PARAM_BOOL},
    .max_batch = 32,
};

/* task_find says where the tasks are, in their order. */
const struct statement task_list = {
    .name = "task_list",
    .lane = LANE_READ,
    .sql =
        "SELECT q.ord, t.seq AS \"note/seq\", f.is_last AS \"note/is_last\","
        "  f.last_us AS \"note/last_us\", f.last_seq AS \"note/last_seq\"," COLUMNS_OF_PARTS
        " FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::boolean[], $5::text[],"
        " $6::boolean[], $7::bigint[], $8::bigint[]) WITH ORDINALITY AS q(n, from_time, from_seq,"
        " is_oldest_first, filter, with_jobs, max_bytes, patience_ms, ord)"
        " CROSS JOIN LATERAL (SELECT times, seqs, is_last, last_seq,"
        " (extract(epoch FROM last_time) * 1000000)::bigint AS last_us"
        "  FROM task_find(q.n, q.from_time::timestamptz, q.from_seq, q.is_oldest_first,"
        " q.filter::jsonb, q.with_jobs, q.max_bytes, q.patience_ms) OFFSET 0) f"
        " LEFT JOIN LATERAL (SELECT at.*, task.id FROM unnest(f.times, f.seqs) AS at(time, seq)"
        "  CROSS JOIN LATERAL"
        "  (SELECT id FROM task WHERE create_time = at.time AND seq = at.seq OFFSET 0) task"
        "  OFFSET 0) place ON true" PARTS TASK_PART("create_time = place.time AND seq = place.seq")
            JOB_PART(
                "task_id = place.id") " WHERE t.id IS NOT NULL OR j.id IS NOT NULL OR (place.id IS NULL AND part.n = 0)",
    .nparams = 8,
    .types = {PARAM_INT8, PARAM_TEXT, PARAM_INT8, PARAM_BOOL, PARAM_TEXT, PARAM_BOOL, PARAM_INT8,
              PARAM_INT8},
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
           "    SELECT id, from_states, actor, etag, ord"
           "      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"
           "           WITH ORDINALITY AS q(id, from_states, actor, etag, ord))," HELD_TO_DELETE ","
           " todo AS MATERIALIZED ("
           "    SELECT q.ord, q.from_states, q.actor,"
           "           CASE WHEN held.is_stale IS NOT TRUE THEN q.id END AS id,"
           "           coalesce(held.is_stale, false) AS is_stale"
           "      FROM q LEFT JOIN held USING (ord)"
           "     ORDER BY q.id, q.ord)"
           " SELECT todo.ord, f.old_state AS \"note/old_state\","
           "        todo.is_stale AS \"note/is_stale\"," COLUMNS_OF_F "," REST_OF_F "   FROM todo"
           "  CROSS JOIN LATERAL task_delete(todo.id, todo.from_states::text[], todo.actor)"
           "       AS f(old_state, t)",
    .nparams = 4,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT},
    .is_keyed = true,
};
