/*
 * store/access_token_store.h - statements over table access_token, for gateways.
 */
#ifndef STORE_ACCESS_TOKEN_STORE_H
#define STORE_ACCESS_TOKEN_STORE_H

#include "store/query.h"

/* How many tokens may be valid at a time. */
enum { ACCESS_TOKEN_MAX = 1000 };

/*
 * Lists the tokens that are valid now. 1 int8: how many at most. A row each: "note/id", "note/name", "note/hash" (bytes)
 * and "note/scopes", names with commas between them.
 */
extern const struct statement access_token_list;

/* Notes that tokens were used. 1 text: their ids, an array. One row: "note/count", how many. */
extern const struct statement access_token_note_use;

#endif
