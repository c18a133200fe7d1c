#include "store/difference_store.h"

/*
 * The job and its task are locked as in bad_row_add. Of several with one number the last one counts.
 */
const struct statement difference_add = {
    .name = "difference_add",
    .lane = LANE_WRITE,
    .sql = "WITH q AS ("
           "    SELECT id, lease_token, number, type, row_key, family, qualifier, source_timestamp,"
           "           destination_timestamp, source_value, destination_value, is_repaired, ord"
           "      FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bytea[],"
           "                  $6::bytea[], $7::bytea[], $8::bigint[], $9::bigint[], $10::bytea[],"
           "                  $11::bytea[], $12::boolean[])"
           "           WITH ORDINALITY"
           "           AS q(id, lease_token, number, type, row_key, family, qualifier,"
           "                source_timestamp, destination_timestamp, source_value,"
           "                destination_value, is_repaired, ord)),"
           " held AS MATERIALIZED ("
           "    SELECT job.id, job.task_id, job.state, job.lease_token, job.role, job.table_name"
           "      FROM job"
           "      JOIN task ON task.id = job.task_id"
           "     WHERE job.id IN (SELECT id FROM q)"
           "     ORDER BY job.task_id, job.step, job.id"
           "       FOR KEY SHARE OF task FOR SHARE OF job),"
           " added AS ("
           "    INSERT INTO difference (task_id, table_name, number, type, row_key, family,"
           "                qualifier, source_timestamp, destination_timestamp, source_value,"
           "                destination_value, is_repaired)"
           "    SELECT DISTINCT ON (held.task_id, held.table_name, q.number)"
           "           held.task_id, held.table_name, q.number, q.type, q.row_key, q.family,"
           "           q.qualifier, q.source_timestamp, q.destination_timestamp, q.source_value,"
           "           q.destination_value, q.is_repaired"
           "      FROM q"
           "      JOIN held ON held.id = q.id AND held.lease_token = q.lease_token"
           "     WHERE held.state = 'RUNNING' AND held.role = 'CHECK'"
           "     ORDER BY held.task_id, held.table_name, q.number, q.ord DESC"
           "    ON CONFLICT (task_id, table_name, number) DO UPDATE"
           "       SET type = excluded.type, row_key = excluded.row_key, family = excluded.family,"
           "           qualifier = excluded.qualifier,"
           "           source_timestamp = excluded.source_timestamp,"
           "           destination_timestamp = excluded.destination_timestamp,"
           "           source_value = excluded.source_value,"
           "           destination_value = excluded.destination_value,"
           "           is_repaired = excluded.is_repaired)"
           " SELECT q.ord,"
           "        CASE WHEN held.id IS NULL THEN 'STOP'"
           "             WHEN held.lease_token <> q.lease_token THEN 'LOST'"
           "             WHEN held.state = 'KILLED' THEN 'STOP'"
           "             WHEN held.state <> 'RUNNING' THEN 'LOST'"
           "             WHEN held.role <> 'CHECK' THEN 'MISPLACED'"
           "             ELSE 'DONE' END AS \"note/outcome\""
           "   FROM q"
           "   LEFT JOIN held ON held.id = q.id",
    .nparams = 12,
    .types = {PARAM_TEXT, PARAM_INT8, PARAM_INT8, PARAM_TEXT, PARAM_BYTES, PARAM_BYTES, PARAM_BYTES,
              PARAM_INT8, PARAM_INT8, PARAM_BYTES, PARAM_BYTES, PARAM_BOOL},
};

/* Large rows are not read only to be left out: their sizes are known without that. */
const struct statement difference_list = {
    .name = "difference_list",
    .lane = LANE_READ,
    .sql = "WITH q AS ("
           "    SELECT task_id, n, coalesce(table_name, '') AS table_name,"
           "           coalesce(number, -1) AS number, max_bytes, ord"
           "      FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[])"
           "           WITH ORDINALITY AS q(task_id, n, table_name, number, max_bytes, ord))"
           " SELECT q.ord, d.table_name AS \"table\", d.number, d.type, d.row_key AS \"row\","
           "        d.family, d.qualifier, d.source_timestamp, d.destination_timestamp,"
           "        d.source_value, d.destination_value, d.is_repaired,"
           "        count(*) OVER (PARTITION BY q.ord) = d.nrows AND d.nrows < q.n"
           "            AS \"note/is_last\""
           "   FROM q"
           "   JOIN task ON task.id = q.task_id"
           "   LEFT JOIN LATERAL ("
           "        SELECT page.*, count(*) OVER () AS nrows,"
           "               coalesce(sum(size) OVER (ORDER BY table_name, number"
           "                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS size_before"
           "          FROM (SELECT table_name, number, type, row_key, family, qualifier,"
           "                       source_timestamp, destination_timestamp, source_value,"
           "                       destination_value, is_repaired,"
           "                       octet_length(row_key) + octet_length(qualifier)"
           "                       + octet_length(source_value)"
           "                       + octet_length(destination_value) AS size"
           "                  FROM difference"
           "                 WHERE difference.task_id = q.task_id"
           "                   AND (table_name, number) > (q.table_name, q.number)"
           "                 ORDER BY table_name, number"
           "                 LIMIT q.n) page) d ON d.size_before < q.max_bytes"
           "  ORDER BY q.ord, d.table_name, d.number",
    .nparams = 5,
    .types = {PARAM_TEXT, PARAM_INT8, PARAM_TEXT, PARAM_INT8, PARAM_INT8},
    .max_batch = 8,
};
