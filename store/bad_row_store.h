/*
 * store/bad_row_store.h - statements over table bad_row: what tasks left out.
 */
#ifndef STORE_BAD_ROW_STORE_H
#define STORE_BAD_ROW_STORE_H

#include "store/query.h"

/*
 * Stores one row; one that is stored already stays as it is.
 *
 *     1 text   the job's id
 *     2 int8   its token
 *     3 text   file
 *     4 int8   row
 *     5 int8   byte_offset
 *     6 text   column
 *     7 text   reason
 *     8 bytes  raw
 *
 * One row: "note/outcome" is DONE, STOP or LOST, as in store/job_store.h.
 */
extern const struct statement bad_row_add;

/*
 * Lists a task's bad rows by file, row and byte_offset.
 *
 *     1 text   the task's id
 *     2 int8   how many at most
 *     3 text   only rows behind this file,
 *     4 int8   this row and
 *     5 int8   this byte_offset; NULL, all three: from the first
 *
 * A row each: the fields of a Pb__BadRow. If there are none, one row in which all of them are NULL. No row: there is no
 * such task.
 */
extern const struct statement bad_row_list;

#endif
