/*
 * gateway/page.h - pages of lists: how many items, and from where on.
 *
 * A list is paged by key: its token holds the key of the page's last item, and the scope, a
 * text that says which list and which filter it is of. Tokens are no secrets and prove
 * nothing: what they hold is checked as input.
 */
#ifndef GATEWAY_PAGE_H
#define GATEWAY_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/status.h"
#include "base/str.h"
#include "spec/violations.h"

struct arena;
struct pg_result;

enum {
    PAGE_DEFAULT_SIZE = 100,
    PAGE_MAX_SIZE = 1000,
    PAGE_MAX_BYTES =
        2 * 1024 * 1024, /* of the items of a page; gRPC's clients take 4 MiB by default */
    PAGE_MAX_KEYS = 4,
    PAGE_TOKEN_MAX_BYTES = 64 * 1024,
};

/*
 * How many items a page has when a client asks for wanted: adds to violations if that is
 * negative.
 */
unsigned page_size_get(int32_t wanted, struct violations *violations);

/* A page in the making. */
struct page {
    ProtobufCMessage **items; /* items[0 .. nitems) */
    size_t nitems;
    bool has_more; /* rows are left: there is a next page */
};

/*
 * Reads rows into messages of the type: at most max_items, and only as many as fit into
 * PAGE_MAX_BYTES, but the first in any case. Ask the database for one row more, to learn
 * whether there is a next page. All is allocated from arena or borrowed from rows.
 * INTERNAL: as row_read.
 */
struct status page_read(const struct pg_result *rows, const ProtobufCMessageDescriptor *type,
                        unsigned max_items, struct arena *arena, struct page *ret) MUST_CHECK;

/*
 * Whether there is a next page, for a statement that leaves rows out whose page would become too large, and then says
 * so in a column: "note/is_last" is false.
 */
bool page_goes_on(const struct page *page, const struct pg_result *rows);

/*
 * Makes a token of keys[0 .. nkeys), UTF-8 texts: a JSON array of the scope and the keys in
 * base64url without padding (RFC 4648, section 5). Allocated from arena.
 */
const char *page_token_write(const char *scope, const struct str *keys, size_t nkeys,
                             struct arena *arena);

/*
 * Reads a token that page_token_write made with that scope and number of keys into
 * ret_keys[0 .. nkeys), which are allocated from arena. INVALID_ARGUMENT: it is no such
 * token.
 */
struct status page_token_read(const char *token, const char *scope, struct arena *arena,
                              struct str *ret_keys, size_t nkeys) MUST_CHECK;

#endif
