/*
 * store/access_token_admin.h - tokens made, listed and revoked, by who has a connection to the database.
 */
#ifndef STORE_ACCESS_TOKEN_ADMIN_H
#define STORE_ACCESS_TOKEN_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct pg_session;

enum {
    ACCESS_TOKEN_MAX_NAME_BYTES = 64,
    ACCESS_TOKEN_TEXT_BYTES = 72, /* of the token itself: "sluice_", 64 hex digits, NUL */
    ACCESS_TOKEN_ID_BYTES = 17,   /* 16 hex digits, NUL */
};

struct access_token_request {
    const char *name;
    const char *scopes; /* "read,write" */
    int64_t expire_s;   /* from now; 0: never */
};

/* What is shown of a token; borrowed while it is shown. Times are texts in UTC, "" for none. */
struct access_token_line {
    const char *id;
    const char *name;
    const char *scopes;
    const char *state; /* VALID, EXPIRED or REVOKED */
    const char *create_time;
    const char *expire_time;
    const char *last_use_time;
};

/* Runs for each token, in the order in which they were made. */
struct access_token_listing {
    void (*on_line)(struct access_token_listing *listing, const struct access_token_line *line);
};

/*
 * Makes a token and stores its hash. ret_text is the only copy of the token, and ret_id names it. Blocks.
 * INVALID_ARGUMENT: the name is empty, too long or one that the history of tasks has for others, or scopes has one that is
 * none of read, write, worker and admin. RESOURCE_EXHAUSTED: ACCESS_TOKEN_MAX are valid already. A session in which this has
 * failed is to be closed.
 */
struct status access_token_create(struct pg_session *session,
                                  const struct access_token_request *request,
                                  char ret_text[ACCESS_TOKEN_TEXT_BYTES],
                                  char ret_id[ACCESS_TOKEN_ID_BYTES]) MUST_CHECK;

/* Blocks. */
struct status access_token_show_all(struct pg_session *session,
                                    struct access_token_listing *listing) MUST_CHECK;

/* Gateways refuse it within a few seconds. Done again, it changes nothing. Blocks. NOT_FOUND: there is none of that id. */
struct status access_token_revoke(struct pg_session *session, const char *id) MUST_CHECK;

#endif
