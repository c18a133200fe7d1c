/*
 * worker/table_copy.h - what a table of one cluster is to be at another one: its definition, copied and compared. Pure.
 */
#ifndef WORKER_TABLE_COPY_H
#define WORKER_TABLE_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/table.h"

struct arena;
struct migration_column;

/*
 * The definition of a table called name with the families, attributes and settings of source, but for those that belong to
 * the cluster that has them: coprocessors, groups of servers, copies of regions, keys of encryption and the like. In arena; borrows
 * from source and name.
 */
Hb__TableSchema *table_copy_make(const Hb__TableSchema *source, const struct hbase_table_name *name,
                                 struct arena *arena) MUST_CHECK;

/*
 * Appends the families that table lacks, with ", " between: of columns[0 .. ncolumns) if there are any, else of all
 * families of other.
 */
void table_copy_find_missing(const Hb__TableSchema *table, const Hb__TableSchema *other,
                             const struct migration_column *columns, size_t ncolumns,
                             struct buf *ret);

/* Appends the names of the table's families, with ", " between. */
void table_copy_list_families(const Hb__TableSchema *table, struct buf *ret);

/*
 * Appends for each family of table that keeps fewer versions than that of source, or drops them sooner: "f keeps 1 version
 * of 3", with ", " between.
 */
void table_copy_find_losses(const Hb__TableSchema *table, const Hb__TableSchema *source,
                            struct buf *ret);

/* An attribute of a family that is a number; default_value if there is none of the name, or another value. */
int64_t table_copy_get_number(const Hb__ColumnFamilySchema *family, const char *name,
                              int64_t default_value);

#endif
