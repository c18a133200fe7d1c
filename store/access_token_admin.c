#include "store/access_token_admin.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/hex.h"
#include "base/id.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "store/access_token_store.h"
#include "store/pg_session.h"
#include "store/token_scope.h"

#define TIME_TEXT(column) \
    "coalesce(to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), '')"

/* Two that are made at a time are both counted. */
static const char lock_table[] = "BEGIN; LOCK TABLE access_token IN SHARE ROW EXCLUSIVE MODE";

static const char insert_token[] =
    "INSERT INTO access_token (id, name, hash, scopes, expire_time)"
    " SELECT $1, $2, decode($3, 'hex'), string_to_array($4, ','),"
    "        now() + nullif($5::bigint, 0) * interval '1 second'"
    "  WHERE (SELECT count(*) FROM access_token"
    "          WHERE revoke_time IS NULL AND (expire_time IS NULL OR expire_time > now()))"
    "        < $6::bigint"
    " RETURNING id";

static const char list_tokens[] =
    "SELECT id, name, array_to_string(scopes, ','),"
    "       CASE WHEN revoke_time IS NOT NULL THEN 'REVOKED'"
    "            WHEN expire_time <= now() THEN 'EXPIRED' ELSE 'VALID' END, " TIME_TEXT("create_time") ", " TIME_TEXT(
        "expire_time") ", " TIME_TEXT("last_use_time") " FROM access_token ORDER BY access_token.create_time, id";

static const char revoke_token[] =
    "UPDATE access_token SET revoke_time = coalesce(revoke_time, now()) WHERE id = $1 RETURNING id";

/* What the history of tasks has for those who are no token. */
static const char *const taken_names[] = {"client", "gateway", "worker", "sluice"};

static struct status check_name(const char *name)
{
    struct str text = str_from(name);

    if (text.len == 0 || text.len > ACCESS_TOKEN_MAX_NAME_BYTES)
        return status_error(STATUS_INVALID_ARGUMENT, "name: it must have 1 to %d bytes",
                            ACCESS_TOKEN_MAX_NAME_BYTES);
    if (!utf8_is_valid(text))
        return status_error(STATUS_INVALID_ARGUMENT, "name: it is not UTF-8");
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return status_error(STATUS_INVALID_ARGUMENT, "name: it has a control character");
    for (size_t i = 0; i < ARRAY_LEN(taken_names); i++)
        if (strcmp(name, taken_names[i]) == 0)
            return status_error(STATUS_INVALID_ARGUMENT,
                                "name: '%s' stands for another one in the history of tasks", name);
    return status_ok();
}

static void make_token(char ret_text[ACCESS_TOKEN_TEXT_BYTES], char ret_id[ACCESS_TOKEN_ID_BYTES])
{
    char first[ID_HEX_BYTES], second[ID_HEX_BYTES], id[ID_HEX_BYTES];

    id_make_hex(first);
    id_make_hex(second);
    id_make_hex(id);
    (void)snprintf(ret_text, ACCESS_TOKEN_TEXT_BYTES, "sluice_%s%s", first, second);
    (void)snprintf(ret_id, ACCESS_TOKEN_ID_BYTES, "%.16s", id);
}

static void write_hash(const char *token, char ret[2 * SHA256_BYTES + 1])
{
    uint8_t digest[SHA256_BYTES];

    sha256_make(str_from(token), digest);
    (void)hex_encode(digest, sizeof(digest), ret);
}

static struct status insert(struct pg_session *session, const struct access_token_request *request,
                            const char *token, const char *id)
{
    char hash[2 * SHA256_BYTES + 1], expire_s[24], max[24];
    struct pg_session_rows *rows = NULL;

    write_hash(token, hash);
    (void)snprintf(expire_s, sizeof(expire_s), "%" PRId64, request->expire_s);
    (void)snprintf(max, sizeof(max), "%d", ACCESS_TOKEN_MAX);
    const char *const params[] = {id, request->name, hash, request->scopes, expire_s, max};
    struct status st =
        pg_session_query(session, insert_token, params, (int)ARRAY_LEN(params), &rows);
    if (st.code == STATUS_OK && pg_session_rows_get_count(rows) == 0)
        st = status_error(STATUS_RESOURCE_EXHAUSTED,
                          "%d tokens are valid, and more there may not be: revoke one",
                          ACCESS_TOKEN_MAX);
    pg_session_rows_destroy(rows);
    return st;
}

struct status access_token_create(struct pg_session *session,
                                  const struct access_token_request *request,
                                  char ret_text[ACCESS_TOKEN_TEXT_BYTES],
                                  char ret_id[ACCESS_TOKEN_ID_BYTES])
{
    char token[ACCESS_TOKEN_TEXT_BYTES], id[ACCESS_TOKEN_ID_BYTES];
    struct status st = check_name(request->name);

    if (st.code == STATUS_OK)
        st = token_scopes_validate("scopes", request->scopes);
    if (st.code != STATUS_OK)
        return st;
    make_token(token, id);
    st = pg_session_run(session, lock_table);
    if (st.code == STATUS_OK)
        st = insert(session, request, token, id);
    if (st.code == STATUS_OK)
        st = pg_session_run(session, "COMMIT");
    if (st.code != STATUS_OK)
        return st; /* who closes the session ends the transaction */
    memcpy(ret_text, token, sizeof(token));
    memcpy(ret_id, id, sizeof(id));
    return st;
}

struct status access_token_show_all(struct pg_session *session,
                                    struct access_token_listing *listing)
{
    struct pg_session_rows *rows = NULL;
    struct status st = pg_session_query(session, list_tokens, NULL, 0, &rows);

    if (st.code != STATUS_OK)
        return st;
    for (size_t i = 0; i < pg_session_rows_get_count(rows); i++) {
        struct access_token_line line = {
            .id = pg_session_rows_get(rows, i, 0),
            .name = pg_session_rows_get(rows, i, 1),
            .scopes = pg_session_rows_get(rows, i, 2),
            .state = pg_session_rows_get(rows, i, 3),
            .create_time = pg_session_rows_get(rows, i, 4),
            .expire_time = pg_session_rows_get(rows, i, 5),
            .last_use_time = pg_session_rows_get(rows, i, 6),
        };
        listing->on_line(listing, &line);
    }
    pg_session_rows_destroy(rows);
    return st;
}

struct status access_token_revoke(struct pg_session *session, const char *id)
{
    struct pg_session_rows *rows = NULL;
    struct status st = pg_session_query(session, revoke_token, &id, 1, &rows);

    if (st.code != STATUS_OK)
        return st;
    if (pg_session_rows_get_count(rows) == 0)
        st = status_error(STATUS_NOT_FOUND, "token '%.40s' does not exist", id);
    pg_session_rows_destroy(rows);
    return st;
}
