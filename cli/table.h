/*
 * cli/table.h - rows of text in columns that are as wide as they must be.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/str.h"

enum { TABLE_MAX_COLUMNS = 8 };

struct table;

/* titles[0 .. ncolumns), borrowed until table_print. */
struct table *table_create(const char *const *titles, size_t ncolumns);

/* cells[0 .. ncolumns) are copied, with '?' for control characters; NULL is the empty text. */
void table_add(struct table *table, const char *const *cells);

/* Prints to standard output and frees. */
void table_print(struct table *table);

void table_destroy(struct table *table);

/*
 * A copy of a text for a terminal: it may come from files and from other users, so control characters become '?'. Owned by
 * the caller.
 */
char *table_copy_plain(struct str text) MUST_CHECK;

#endif
