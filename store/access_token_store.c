#include "store/access_token_store.h"

const struct statement access_token_list = {
    .name = "access_token_list",
    .lane = LANE_READ,
    .sql = "WITH q AS (SELECT n, ord FROM unnest($1::bigint[]) WITH ORDINALITY AS q(n, ord))"
           " SELECT q.ord, t.id AS \"note/id\", t.name AS \"note/name\", t.hash AS \"note/hash\","
           "        array_to_string(t.scopes, ',') AS \"note/scopes\""
           "   FROM q"
           "  CROSS JOIN LATERAL ("
           "        SELECT id, name, hash, scopes"
           "          FROM access_token"
           "         WHERE revoke_time IS NULL AND (expire_time IS NULL OR expire_time > now())"
           "         ORDER BY create_time, id"
           "         LIMIT q.n) t",
    .nparams = 1,
    .types = {PARAM_INT8},
};

const struct statement access_token_note_use = {
    .name = "access_token_note_use",
    .lane = LANE_WRITE,
    .sql = "WITH q AS (SELECT ids, ord FROM unnest($1::text[]) WITH ORDINALITY AS q(ids, ord)),"
           " held AS MATERIALIZED ("
           "    SELECT t.id"
           "      FROM access_token t"
           "     WHERE t.id IN (SELECT unnest(q.ids::text[]) FROM q)"
           "     ORDER BY t.id"
           "       FOR NO KEY UPDATE OF t),"
           " noted AS ("
           "    UPDATE access_token SET last_use_time = now() FROM held"
           "     WHERE access_token.id = held.id"
           "    RETURNING access_token.id)"
           " SELECT q.ord, (SELECT count(*) FROM noted) AS \"note/count\" FROM q",
    .nparams = 1,
    .types = {PARAM_TEXT},
};
