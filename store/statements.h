/*
 * store/statements.h - all statements over Sluice's tables, for store_create.
 */
#ifndef STORE_STATEMENTS_H
#define STORE_STATEMENTS_H

#include "store/query.h"

/* Ends with NULL. */
extern const struct statement *const store_statements[];

#endif
