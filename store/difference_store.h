/*
 * store/difference_store.h - statements over table difference: the cells that comparisons found to differ.
 */
#ifndef STORE_DIFFERENCE_STORE_H
#define STORE_DIFFERENCE_STORE_H

#include "store/query.h"

/*
 * Stores one difference in the place of one with its number.
 *
 *     1 text   the job's id
 *     2 int8   its token
 *     3 int8   number
 *     4 text   type: "MISSING"
 *     5 bytes  row
 *     6 bytes  family
 *     7 bytes  qualifier
 *     8 int8   source_timestamp
 *     9 int8   destination_timestamp
 *    10 bytes  source_value
 *    11 bytes  destination_value
 *    12 bool   is_repaired
 *
 * One row: "note/outcome" is DONE, STOP or LOST, as in store/job_store.h, or MISPLACED: the job is not of role CHECK.
 */
extern const struct statement difference_add;

/*
 * Lists a task's differences by table and number.
 *
 *     1 text   the task's id
 *     2 int8   how many at most
 *     3 text   only differences behind this table and
 *     4 int8   this number; NULL, both: from the first
 *     5 int8   in how many bytes; the first one fits in any case
 *
 * A row each: the fields of a Pb__Difference, and "note/is_last", which is false if there are more. If there are none,
 * one row in which all of them are NULL. No row: there is no such task.
 */
extern const struct statement difference_list;

#endif
