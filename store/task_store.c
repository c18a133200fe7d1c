#include "store/task_store.h"

#include "store/task_columns.h"

/* The columns of a task where the row is what a function returned. */
#define COLUMNS_OF_F \
    " (f.t).id, (f.t).kind, (f.t).source, (f.t).destination, (f.t).state, (f.t).stage," \
    " (f.t).message, (f.t).version::text AS etag, (f.t).create_time, (f.t).update_time," \
    " (f.t).start_time, (f.t).end_time, (f.t).display_name," \
    " nullif((f.t).labels, '{}')::text AS labels, (f.t).delete_time"

/* All of such a task but its progress. */
#define REST_OF_F \
    SPEC_COLUMNS("", "(f.t).kind", "(f.t).spec") "," ADDRESSES("(f.t).source", "(f.t).destination")

/*
 * All is made by one statement. A request id is stored with its task or not at all: of two queries with the same one
 * the second waits for the first, then inserts nothing; it cannot see the first one's row, so its outcome is RACED.
 * They are inserted in the order of their request ids, lest two batches wait for each other. A data source that is
 * deleted meanwhile makes a foreign key fail.
 */
const struct statement task_create = {
    .name = "task_create",
    .lane = LANE_WRITE,
    .sql =
        "WITH q AS MATERIALIZED ("
        "SELECT id_suffix, kind, source, destination, spec, source_types,"
        "       destination_types, id_prefix, job_ids, roles, steps, tables, actor, request_id,"
        "       validate_only, display_name, labels::jsonb AS labels, bytes_per_second, ord,"
        "       CASE WHEN request_id IS NOT NULL THEN request_digest(kind, source,"
        "       destination, spec, display_name, labels::jsonb) END AS digest"
        "  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[],"
        "       $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],"
        "       $12::text[], $13::text[], $14::text[], $15::boolean[], $16::text[],"
        "       $17::text[], $18::bigint[])"
        "       WITH ORDINALITY"
        "       AS q(id_suffix, kind, source, destination, spec, source_types,"
        "       destination_types, id_prefix, job_ids, roles, steps, tables, actor, request_id,"
        "       validate_only, display_name, labels, bytes_per_second, ord)),"
        " seen AS MATERIALIZED ("
        "    SELECT q.ord, s.type AS source_type, d.type AS destination_type,"
        "       s.address AS source_address, d.address AS destination_address,"
        "       prior.id AS prior_id, q.digest, prior.request_digest = q.digest AS is_same,"
        "       coalesce(s.type = ANY (q.source_types::text[])"
        "       AND d.type = ANY (q.destination_types::text[]), false) AS is_fit"
        "      FROM q"
        "      LEFT JOIN data_source s ON s.name = q.source"
        "      LEFT JOIN data_source d ON d.name = q.destination"
        "      LEFT JOIN task prior ON prior.request_id = q.request_id),"
        " made AS MATERIALIZED ("
        "    SELECT q.ord,"
        "       q.id_prefix || CASE q.kind WHEN 'BULKLOAD'"
        "       THEN nextval('bulkload_number') || '-' ELSE '' END || q.id_suffix AS id,"
        "       lower(concat_ws(':', q.kind, source_type, destination_type)) AS capability"
        "      FROM seen JOIN q USING (ord)"
        "     WHERE seen.is_fit AND seen.prior_id IS NULL AND NOT q.validate_only),"
        " t AS ("
        "    INSERT INTO task (id, kind, source, destination, spec, state, stage, request_id,"
        "       request_digest, display_name, labels, bytes_per_second)"
        "    SELECT made.id, q.kind, q.source, q.destination, q.spec, 'PENDING',"
        "       'WAIT_FOR_START', request_id, seen.digest, display_name, labels, bytes_per_second"
        "      FROM made JOIN q USING (ord) JOIN seen USING (ord)"
        "     ORDER BY q.request_id NULLS FIRST, ord"
        "    ON CONFLICT (request_id) WHERE request_id IS NOT NULL DO NOTHING"
        "    RETURNING id, kind, source, destination, spec, state, stage, message, version,"
        "       create_time, update_time, start_time, end_time, display_name, labels,"
        "       delete_time),"
        " new_job AS ("
        "    INSERT INTO job (id, task_id, step, role, state, table_name, capability)"
        "    SELECT j.id, t.id, j.step, j.role,"
        "       CASE WHEN j.step = min(j.step) OVER (PARTITION BY t.id)"
        "       THEN 'READY' ELSE 'WAITING' END,"
        "       j.table_name, made.capability"
        "      FROM t JOIN made USING (id) JOIN q USING (ord),"
        "       unnest(q.job_ids::text[], q.roles::text[], q.steps::integer[],"
        "       q.tables::text[]) AS j(id, role, step, table_name)),"
        " new_event AS ("
        "    INSERT INTO task_event (task_id, actor, state, stage)"
        "    SELECT t.id, q.actor, 'PENDING', 'WAIT_FOR_START'"
        "      FROM t JOIN made USING (id) JOIN q USING (ord)"
        "     ORDER BY ord)"
        " SELECT seen.ord, seen.source_address, seen.destination_address,"
        "        CASE WHEN t.id IS NOT NULL THEN 'CREATED'"
        "         WHEN made.id IS NOT NULL THEN 'RACED'"
        "         WHEN seen.is_same THEN 'REPEATED'"
        "         WHEN seen.prior_id IS NOT NULL THEN 'REUSED'"
        "         WHEN seen.is_fit THEN 'VALID'"
        "         ELSE 'REFUSED' END AS \"note/outcome\","
        "        seen.prior_id AS \"note/prior_id\","
        "        seen.source_type AS \"note/source_type\","
        "        seen.destination_type AS \"note/destination_type\"," COLUMNS_OF_T "," SPEC_OF_T
        "   FROM seen"
        "   LEFT JOIN made USING (ord)"
        "   LEFT JOIN t USING (id)",
    .nparams = 18,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_BYTES, PARAM_TEXT, PARAM_TEXT,
              PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT,
              PARAM_BOOL, PARAM_TEXT, PARAM_TEXT, PARAM_INT8},
};

/* What is large of a task is in its first row only, however many jobs it has. */
const struct statement task_get = {
    .name = "task_get",
    .lane = LANE_READ,
    .sql =
        "WITH q AS ("
        "    SELECT id, with_jobs, ord FROM unnest($1::text[], $2::boolean[])"
        "           WITH ORDINALITY AS q(id, with_jobs, ord))"
        " SELECT q.ord," COLUMNS_OF_T "," COLUMNS_OF_P "," REST_OF_T "," COLUMNS_OF_J "   FROM q"
        "  CROSS JOIN LATERAL ("
        "        SELECT task.id AS found_id, j.*, row_number() OVER (ORDER BY j.step, j.id) AS n"
        "          FROM task"
        "          LEFT JOIN job j ON q.with_jobs AND j.task_id = task.id"
        "         WHERE task.id = q.id) j"
        "   LEFT JOIN task t ON j.n = 1 AND t.id = j.found_id"
        "   LEFT JOIN LATERAL (SELECT * FROM task_progress(t.id, t.state) p WHERE j.n = 1) p ON true"
        "  ORDER BY q.ord, j.n",
    .nparams = 2,
    .types = {PARAM_TEXT, PARAM_BOOL},
    .max_batch = 32,
};

/* task_find says where the tasks are; what is large of a task is read once, however many jobs it has. */
const struct statement task_list = {
    .name = "task_list",
    .lane = LANE_READ,
    .sql =
        "WITH q AS ("
        "    SELECT n, from_time::timestamptz AS from_time, from_seq, is_oldest_first,"
        "           filter::jsonb AS filter, with_jobs, max_bytes, patience_ms, ord"
        "      FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::boolean[], $5::text[],"
        "                  $6::boolean[], $7::bigint[], $8::bigint[])"
        "           WITH ORDINALITY"
        "           AS q(n, from_time, from_seq, is_oldest_first, filter, with_jobs, max_bytes,"
        "                patience_ms, ord))"
        " SELECT q.ord, t.seq AS \"note/seq\", f.is_last AS \"note/is_last\","
        "        (extract(epoch FROM f.last_time) * 1000000)::bigint AS \"note/last_us\","
        "        f.last_seq AS \"note/last_seq\"," COLUMNS_OF_T "," COLUMNS_OF_P "," REST_OF_T
        "," COLUMNS_OF_J "   FROM q"
        "  CROSS JOIN LATERAL task_find(q.n, q.from_time, q.from_seq, q.is_oldest_first, q.filter,"
        "                               q.with_jobs, q.max_bytes, q.patience_ms) f"
        "   LEFT JOIN LATERAL ("
        "        SELECT place.n, task.id AS found_id, j.*,"
        "               row_number() OVER (PARTITION BY place.n ORDER BY j.step, j.id) AS job_n"
        "          FROM unnest(f.times, f.seqs) WITH ORDINALITY AS place(create_time, seq, n)"
        "          JOIN task ON task.create_time = place.create_time AND task.seq = place.seq"
        "          LEFT JOIN job j ON q.with_jobs AND j.task_id = task.id) j ON true"
        "   LEFT JOIN task t ON j.job_n = 1 AND t.id = j.found_id"
        "   LEFT JOIN LATERAL (SELECT * FROM task_progress(t.id, t.state) p WHERE j.job_n = 1) p"
        "     ON true"
        "  ORDER BY q.ord, j.n, j.job_n",
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
