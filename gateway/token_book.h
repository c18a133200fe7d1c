/*
 * gateway/token_book.h - the tokens that are valid, as this gateway knows them.
 *
 * All of them are read again every second, so who is looked up costs no query, known or not, and one that is revoked or made
 * counts a second or two later. While the database is away they count for TOKEN_BOOK_MAX_AGE_MS more; then nobody does.
 */
#ifndef GATEWAY_TOKEN_BOOK_H
#define GATEWAY_TOKEN_BOOK_H

#include "base/status.h"
#include "base/str.h"

struct arena;
struct store;
struct token_book;

enum { TOKEN_BOOK_MAX_AGE_MS = 10000 };

struct token {
    const char *name;
    const char *id;
    unsigned scopes; /* of store/token_scope.h */
};

/*
 * Reads the tokens, and goes on reading. store is borrowed until token_book_stop. Blocks until they are there. *ret is owned by the
 * caller, also when this fails. UNAVAILABLE: they cannot be read in time. RESOURCE_EXHAUSTED: the system refused a thread;
 * *ret is as it was.
 */
struct status token_book_create(struct store *store, struct token_book **ret) MUST_CHECK;

/* Ends what runs by itself. Comes before store_destroy. NULL is allowed. */
void token_book_stop(struct token_book *book);

/* After token_book_stop; the store is gone. NULL is allowed. */
void token_book_destroy(struct token_book *book);

/*
 * Finds a token by its text. What *ret points to comes from arena. UNAUTHENTICATED: it is none, or no longer.
 * UNAVAILABLE: that is not known, since the database is away. Any thread.
 */
struct status token_book_find(struct token_book *book, struct str text, struct arena *arena,
                              struct token *ret) MUST_CHECK;

#endif
