/*
 * store/token_scope.h - what tokens and certificates may be allowed, and how the database and users call it: one table.
 */
#ifndef STORE_TOKEN_SCOPE_H
#define STORE_TOKEN_SCOPE_H

#include "base/status.h"
#include "base/str.h"

/* ADMIN has all others with it. */
enum token_scope {
    TOKEN_READ = 1 << 0,
    TOKEN_WRITE = 1 << 1,
    TOKEN_WORKER = 1 << 2,
    TOKEN_ADMIN = 1 << 3,
    TOKEN_ALL = TOKEN_READ | TOKEN_WRITE | TOKEN_WORKER | TOKEN_ADMIN,
};

/* "write"; not of TOKEN_ALL. */
const char *token_scope_get_name(enum token_scope scope);

/* Reads "read,write"; what is no scope is left out. */
unsigned token_scopes_read(struct str text);

/* INVALID_ARGUMENT: text, which name is what errors call, has something between its commas that is no scope. */
struct status token_scopes_validate(const char *name, const char *text) MUST_CHECK;

#endif
