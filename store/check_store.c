#include "store/check_store.h"

/* What a crashed gateway left behind goes a minute after it was due. */
const struct statement check_create = {
    .name = "check_create",
    .lane = LANE_WRITE,
    .sql =
        "WITH q AS ("
        "    SELECT id, data_source, take_ms, wait_ms, ord"
        "      FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])"
        "           WITH ORDINALITY AS q(id, data_source, take_ms, wait_ms, ord)),"
        " swept AS ("
        "    DELETE FROM data_source_check"
        "     WHERE id IN (SELECT id FROM data_source_check"
        "                   WHERE deadline < now() - interval '1 minute'"
        "                   LIMIT 1000 FOR UPDATE SKIP LOCKED)),"
        " made AS ("
        "    INSERT INTO data_source_check (id, data_source, capability, take_deadline, deadline)"
        "    SELECT q.id, s.name, 'check:' || lower(s.type),"
        "           now() + q.take_ms * interval '1 ms', now() + q.wait_ms * interval '1 ms'"
        "      FROM q JOIN data_source s ON s.name = q.data_source"
        "    RETURNING id, capability)"
        " SELECT q.ord, made.capability AS \"note/capability\""
        "   FROM q"
        "   LEFT JOIN made ON made.id = q.id",
    .nparams = 4,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_INT8, PARAM_INT8},
};

/* One question at a time, as job_lease. */
const struct statement check_lease = {
    .name = "check_lease",
    .lane = LANE_WRITE,
    .sql = "WITH q AS ("
           "    SELECT worker_id, capabilities::text[] AS capabilities, ord"
           "      FROM unnest($1::text[], $2::text[])"
           "           WITH ORDINALITY AS q(worker_id, capabilities, ord)),"
           " pick AS MATERIALIZED ("
           "    SELECT c.id, q.worker_id, q.ord"
           "      FROM q"
           "      JOIN data_source_check c ON c.capability = ANY (q.capabilities)"
           "     WHERE c.worker_id IS NULL AND c.take_deadline > now() AND c.deadline > now()"
           "     ORDER BY c.create_time, c.id"
           "     LIMIT 1"
           "       FOR NO KEY UPDATE OF c SKIP LOCKED),"
           " taken AS ("
           "    UPDATE data_source_check c"
           "       SET worker_id = pick.worker_id"
           "      FROM pick"
           "     WHERE c.id = pick.id"
           "    RETURNING pick.ord, c.id, c.data_source,"
           "              (extract(epoch FROM c.deadline - now()) * 1000)::bigint AS timeout_ms)"
           " SELECT taken.ord, taken.id, taken.timeout_ms AS \"note/timeout_ms\","
           "        s.name AS \"data_source.name\", s.type AS \"data_source.type\","
           "        s.parameters_json AS \"data_source.parameters_json\""
           "   FROM taken"
           "   JOIN data_source s ON s.name = taken.data_source",
    .nparams = 2,
    .types = {PARAM_TEXT, PARAM_TEXT},
    .max_batch = 1,
};

const struct statement check_give_back = {
    .name = "check_give_back",
    .lane = LANE_WRITE,
    .sql = "WITH q AS ("
           "    SELECT id, worker_id, ord"
           "      FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS q(id, worker_id, ord)),"
           " freed AS ("
           "    UPDATE data_source_check c"
           "       SET worker_id = NULL"
           "      FROM q"
           "     WHERE c.id = q.id AND c.worker_id = q.worker_id AND c.result IS NULL"
           "    RETURNING c.id)"
           " SELECT q.ord, freed.id IS NOT NULL AS \"note/is_ready\""
           "   FROM q"
           "   LEFT JOIN freed ON freed.id = q.id",
    .nparams = 2,
    .types = {PARAM_TEXT, PARAM_TEXT},
    .is_keyed = true,
};

/* What "held" saw is what counts: its rows are locked, and as they are now. */
const struct statement check_finish = {
    .name = "check_finish",
    .lane = LANE_WRITE,
    .sql = "WITH q AS ("
           "    SELECT id, worker_id, result, ord"
           "      FROM unnest($1::text[], $2::text[], $3::bytea[])"
           "           WITH ORDINALITY AS q(id, worker_id, result, ord)),"
           " held AS MATERIALIZED ("
           "    SELECT q.ord, c.id, c.result IS NOT NULL AS is_repeat, c.deadline"
           "      FROM q"
           "      JOIN data_source_check c ON c.id = q.id AND c.worker_id = q.worker_id"
           "     ORDER BY c.id"
           "       FOR NO KEY UPDATE OF c),"
           " done AS ("
           "    UPDATE data_source_check c"
           "       SET result = q.result"
           "      FROM held JOIN q ON q.ord = held.ord"
           "     WHERE c.id = held.id AND NOT held.is_repeat AND held.deadline > now()"
           "    RETURNING q.ord)"
           " SELECT q.ord,"
           "        CASE WHEN held.is_repeat OR done.ord IS NOT NULL THEN 'DONE'"
           "             ELSE 'LOST' END AS \"note/outcome\""
           "   FROM q"
           "   LEFT JOIN held ON held.ord = q.ord"
           "   LEFT JOIN done ON done.ord = q.ord",
    .nparams = 3,
    .types = {PARAM_TEXT, PARAM_TEXT, PARAM_BYTES},
    .is_keyed = true,
};

const struct statement check_poll = {
    .name = "check_poll",
    .lane = LANE_READ,
    .sql = "WITH q AS ("
           "    SELECT id, ord FROM unnest($1::text[]) WITH ORDINALITY AS q(id, ord))"
           " SELECT q.ord,"
           "        CASE WHEN c.id IS NULL THEN 'GONE'"
           "             WHEN c.result IS NOT NULL THEN 'DONE'"
           "             WHEN c.worker_id IS NULL AND c.take_deadline < now() THEN 'NO_WORKER'"
           "             WHEN c.deadline < now() THEN 'LATE'"
           "             ELSE 'WAITING' END AS \"note/outcome\","
           "        c.worker_id AS \"note/worker_id\", c.result AS \"note/result\""
           "   FROM q"
           "   LEFT JOIN data_source_check c ON c.id = q.id",
    .nparams = 1,
    .types = {PARAM_TEXT},
};

const struct statement check_drop = {
    .name = "check_drop",
    .lane = LANE_WRITE,
    .sql = "WITH q AS ("
           "    SELECT id, ord FROM unnest($1::text[]) WITH ORDINALITY AS q(id, ord)),"
           " gone AS ("
           "    DELETE FROM data_source_check c USING q WHERE c.id = q.id RETURNING c.id)"
           " SELECT q.ord, gone.id IS NOT NULL AS \"note/was_there\""
           "   FROM q"
           "   LEFT JOIN gone ON gone.id = q.id",
    .nparams = 1,
    .types = {PARAM_TEXT},
    .is_keyed = true,
};
