#include "store/data_source_store.h"

const struct statement data_source_create = {
    .name = "data_source_create",
    .lane = LANE_WRITE,
    .sql = "WITH q AS ("
           "    SELECT name, type, parameters_json, coalesce(address, '') AS address, ord"
           "      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"
           "           WITH ORDINALITY AS q(name, type, parameters_json, address, ord)),"
           " made AS ("
           "    INSERT INTO data_source (name, type, parameters_json, address)"
           "    SELECT name, type, parameters_json, address FROM q ORDER BY name"
           "    ON CONFLICT (name) DO NOTHING"
           "    RETURNING name, type, parameters_json, version, create_time, update_time)"
           " SELECT q.ord, made.name, made.type, made.parameters_json,"
           "        made.version::text AS etag, made.create_time, made.update_time"
           "   FROM q"
           "   JOIN made ON made.name = q.name",
    .nparams = 4,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT},
    .is_keyed = true,
};

const struct statement data_source_get = {
    .name = "data_source_get",
    .lane = LANE_READ,
    .sql = "WITH q AS ("
           "    SELECT name, ord FROM unnest($1::text[]) WITH ORDINALITY AS q(name, ord))"
           " SELECT q.ord, s.name, s.type, s.parameters_json, s.version::text AS etag,"
           "        s.create_time, s.update_time"
           "   FROM q"
           "   JOIN data_source s ON s.name = q.name",
    .nparams = 1,
    .types = {PARAM_TEXT},
};

/* What is too large for one page is left to the next. */
const struct statement data_source_list = {
    .name = "data_source_list",
    .lane = LANE_READ,
    .sql = "WITH q AS ("
           "    SELECT n, coalesce(after_name, '') AS after_name, ord"
           "      FROM unnest($1::bigint[], $2::text[])"
           "           WITH ORDINALITY AS q(n, after_name, ord))"
           " SELECT q.ord, count(*) OVER (PARTITION BY q.ord) = s.n AS \"note/is_last\","
           "        s.name, s.type, s.parameters_json, s.version::text AS etag, s.create_time,"
           "        s.update_time"
           "   FROM q"
           "  CROSS JOIN LATERAL ("
           "        SELECT d.name, d.type, d.parameters_json, d.version, d.create_time,"
           "               d.update_time, count(*) OVER () AS n,"
           "               sum(octet_length(d.parameters_json)) OVER (ORDER BY d.name)"
           "               - octet_length(d.parameters_json) AS size_before"
           "          FROM (SELECT name, type, parameters_json, version, create_time, update_time"
           "                  FROM data_source"
           "                 WHERE name > q.after_name"
           "                 ORDER BY name"
           "                 LIMIT q.n) d) s"
           "  WHERE s.size_before < 2097152"
           "  ORDER BY q.ord, s.name",
    .nparams = 2,
    .types = {PARAM_INT8, PARAM_TEXT},
    .max_batch = 4,
};

/* What "held" saw is what counts: its rows are locked, and as they are now. */
const struct statement data_source_update = {
    .name = "data_source_update",
    .lane = LANE_WRITE,
    .sql = "WITH q AS ("
           "    SELECT name, parameters_json, etag, coalesce(address, '') AS address, ord"
           "      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"
           "           WITH ORDINALITY AS q(name, parameters_json, etag, address, ord)),"
           " held AS MATERIALIZED ("
           "    SELECT q.ord, s.name, s.type, s.parameters_json, s.version, s.create_time,"
           "           s.update_time, q.etag IS NULL OR q.etag = s.version::text AS is_current"
           "      FROM q"
           "      JOIN data_source s ON s.name = q.name"
           "     ORDER BY s.name"
           "       FOR NO KEY UPDATE OF s),"
           " s AS ("
           "    UPDATE data_source"
           "       SET parameters_json = q.parameters_json, address = q.address,"
           "           version = held.version + 1, update_time = now()"
           "      FROM held JOIN q ON q.ord = held.ord"
           "     WHERE data_source.name = held.name AND held.is_current"
           "    RETURNING data_source.name, data_source.parameters_json, data_source.version,"
           "              data_source.update_time)"
           " SELECT q.ord,"
           "        CASE WHEN s.name IS NOT NULL THEN 'DONE'"
           "             WHEN held.name IS NOT NULL THEN 'CHANGED'"
           "             ELSE 'NOT_FOUND' END AS \"note/outcome\","
           "        held.name, held.type,"
           "        coalesce(s.parameters_json, held.parameters_json) AS parameters_json,"
           "        coalesce(s.version, held.version)::text AS etag, held.create_time,"
           "        coalesce(s.update_time, held.update_time) AS update_time"
           "   FROM q"
           "   LEFT JOIN held ON held.ord = q.ord"
           "   LEFT JOIN s ON s.name = held.name",
    .nparams = 4,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_TEXT, PARAM_TEXT},
    .is_keyed = true,
};

/* A task that is made meanwhile makes the foreign key fail: FAILED_PRECONDITION. */
const struct statement data_source_delete = {
    .name = "data_source_delete",
    .lane = LANE_WRITE,
    .sql = "WITH q AS ("
           "    SELECT name, etag, ord"
           "      FROM unnest($1::text[], $2::text[])"
           "           WITH ORDINALITY AS q(name, etag, ord)),"
           " held AS MATERIALIZED ("
           "    SELECT q.ord, s.name, q.etag IS NULL OR q.etag = s.version::text AS is_current"
           "      FROM q"
           "      JOIN data_source s ON s.name = q.name"
           "     ORDER BY s.name"
           "       FOR UPDATE OF s),"
           " seen AS MATERIALIZED ("
           "    SELECT held.ord, held.name, held.is_current,"
           "           (SELECT id FROM ((SELECT id FROM task WHERE source = held.name LIMIT 1)"
           "                            UNION ALL"
           "                            (SELECT id FROM task WHERE destination = held.name LIMIT 1)"
           "                           ) u LIMIT 1) AS task_id"
           "      FROM held),"
           " gone AS ("
           "    DELETE FROM data_source"
           "     USING seen"
           "     WHERE data_source.name = seen.name AND seen.is_current AND seen.task_id IS NULL)"
           " SELECT q.ord,"
           "        CASE WHEN seen.name IS NULL THEN 'NOT_FOUND'"
           "             WHEN NOT seen.is_current THEN 'CHANGED'"
           "             WHEN seen.task_id IS NOT NULL THEN 'IN_USE'"
           "             ELSE 'DONE' END AS \"note/outcome\","
           "        seen.task_id AS \"note/task_id\""
           "   FROM q"
           "   LEFT JOIN seen ON seen.ord = q.ord",
    .nparams = 2,
    .types = {PARAM_TEXT, PARAM_TEXT},
    .is_keyed = true,
};
