/*
 * hbase/refusal.h - what region servers refuse, in words of the table.
 */
#ifndef HBASE_REFUSAL_H
#define HBASE_REFUSAL_H

#include "base/status.h"

/*
 * The status of a call about a table, which is not OK: the family that is missing, or that the table is read-only, instead of what the
 * server says of a region; all others are as they were.
 */
struct status hbase_refusal_explain(struct status st, const char *table) MUST_CHECK;

#endif
