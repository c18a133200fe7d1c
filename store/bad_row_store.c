#include "store/bad_row_store.h"

/*
 * The job is locked, so that a row of a worker that has lost it cannot slip in behind the next
 * one's back; its task is locked before, as everywhere.
 */
const struct statement bad_row_add = {
    .name = "bad_row_add",
    .lane = LANE_WRITE,
    .sql = "WITH q AS ("
           "    SELECT id, lease_token, file, row_no, byte_offset, column_name, reason, raw, ord"
           "      FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[],"
           "                  $6::text[], $7::text[], $8::bytea[])"
           "           WITH ORDINALITY"
           "           AS q(id, lease_token, file, row_no, byte_offset, column_name, reason, raw,"
           "                ord)),"
           " held AS MATERIALIZED ("
           "    SELECT job.id, job.task_id, job.state, job.lease_token"
           "      FROM job"
           "      JOIN task ON task.id = job.task_id"
           "     WHERE job.id IN (SELECT id FROM q)"
           "     ORDER BY job.task_id, job.step, job.id"
           "       FOR KEY SHARE OF task FOR SHARE OF job),"
           " added AS ("
           "    INSERT INTO bad_row (task_id, file, row_no, byte_offset, column_name, reason, raw)"
           "    SELECT held.task_id, q.file, q.row_no, q.byte_offset, q.column_name, q.reason,"
           "           q.raw"
           "      FROM q"
           "      JOIN held ON held.id = q.id AND held.lease_token = q.lease_token"
           "     WHERE held.state = 'RUNNING'"
           "     ORDER BY held.task_id, q.file, q.row_no, q.byte_offset"
           "    ON CONFLICT DO NOTHING)"
           " SELECT q.ord,"
           "        CASE WHEN held.id IS NULL THEN 'STOP'"
           "             WHEN held.lease_token <> q.lease_token THEN 'LOST'"
           "             WHEN held.state = 'RUNNING' THEN 'DONE'"
           "             WHEN held.state = 'KILLED' THEN 'STOP'"
           "             ELSE 'LOST' END AS \"note/outcome\""
           "   FROM q"
           "   LEFT JOIN held ON held.id = q.id",
    .nparams = 8,
    .types = {PARAM_TEXT, PARAM_INT8, PARAM_TEXT, PARAM_INT8, PARAM_INT8, PARAM_TEXT, PARAM_TEXT,
              PARAM_BYTES},
};

const struct statement bad_row_list = {
    .name = "bad_row_list",
    .lane = LANE_READ,
    .sql = "WITH q AS ("
           "    SELECT task_id, n, coalesce(file, '') AS file, coalesce(row_no, -1) AS row_no,"
           "           coalesce(byte_offset, -1) AS byte_offset, ord"
           "      FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[])"
           "           WITH ORDINALITY AS q(task_id, n, file, row_no, byte_offset, ord))"
           " SELECT q.ord, b.file, b.row_no AS \"row\", b.byte_offset, b.column_name AS \"column\","
           "        b.reason, b.raw"
           "   FROM q"
           "   JOIN task ON task.id = q.task_id"
           "   LEFT JOIN LATERAL ("
           "        SELECT file, row_no, byte_offset, column_name, reason, raw"
           "          FROM bad_row"
           "         WHERE bad_row.task_id = q.task_id"
           "           AND (file, row_no, byte_offset) > (q.file, q.row_no, q.byte_offset)"
           "         ORDER BY file, row_no, byte_offset"
           "         LIMIT q.n) b ON true"
           "  ORDER BY q.ord, b.file, b.row_no, b.byte_offset",
    .nparams = 5,
    .types = {PARAM_TEXT, PARAM_INT8, PARAM_TEXT, PARAM_INT8, PARAM_INT8},
    .max_batch = 8,
};
