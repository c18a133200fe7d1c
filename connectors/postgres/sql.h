/*
 * connectors/postgres/sql.h - the statements that move rows into a table.
 *
 * Rows go straight into the table, or first into a stage: a temporary table with the
 * columns c0, c1 ... in the spec's order and n, the row's number in its file. A key list is
 * a table with the key's columns c<i>, the unit and n: it holds the keys that the import
 * has written so far, where they have to be different.
 */
#ifndef CONNECTORS_POSTGRES_SQL_H
#define CONNECTORS_POSTGRES_SQL_H

#include "base/buf.h"
#include "connectors/postgres/table.h"

/* COPY into the table; its rows are in the binary format. */
void pg_sql_write_copy(const struct pg_table *table, struct buf *sql);

/*
 * Makes the stage of a session if it is missing; it is empty again after each transaction.
 */
void pg_sql_write_make_stage(const struct pg_table *table, struct buf *sql);

/* COPY into the stage, with the row's number. */
void pg_sql_write_copy_stage(const struct pg_table *table, struct buf *sql);

/*
 * Moves the stage into the table: the last row of each key, in the order of keys, replaces
 * what was there.
 */
void pg_sql_write_merge(const struct pg_table *table, struct buf *sql);

/* Makes a key list; list is its quoted name. */
void pg_sql_write_make_list(const struct pg_table *table, const char *list, struct buf *sql);

/*
 * Adds the stage's keys, in the order of keys, for unit $1. An equal key is an error of the
 * list's key.
 */
void pg_sql_write_add_keys(const struct pg_table *table, const char *list, struct buf *sql);

/*
 * One row if two of the stage have the same key: the key as text, the later one's n and the
 * first one's.
 */
void pg_sql_write_find_twins(const struct pg_table *table, struct buf *sql);

/*
 * One row if a key of the stage is in the list of task $1: the key as text, n, and n and
 * the file there.
 */
void pg_sql_write_find_listed(const struct pg_table *table, const char *list, struct buf *sql);

#endif
