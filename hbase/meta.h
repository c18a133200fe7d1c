/*
 * hbase/meta.h - asks hbase:meta: which regions a table has, and whether there is such a table.
 *
 * Each function is one try. A fault has been taken in: where hbase:meta is, is asked for anew if it may have moved.
 */
#ifndef HBASE_META_H
#define HBASE_META_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "hbase/cluster.h"
#include "hbase/meta_row.h"

/* {0} is empty. */
struct hbase_meta_rows {
    struct hbase_meta_row *items; /* items[0 .. count) */
    size_t count;
    size_t size;
};

void hbase_meta_rows_deinit(struct hbase_meta_rows *rows);

/* The rows of all regions of a table, in order; their texts are in arena. table is as hbase_table_name_write has it. Blocks. */
bool hbase_meta_list(struct hbase_cluster *cluster, const char *table, struct arena *arena,
                     struct hbase_meta_rows *ret, struct hbase_fault *ret_fault) MUST_CHECK;

/* As above, of the last region that begins at row or before: none, or one. */
bool hbase_meta_locate(struct hbase_cluster *cluster, const char *table, struct str row,
                       struct arena *arena, struct hbase_meta_rows *ret,
                       struct hbase_fault *ret_fault) MUST_CHECK;

/* What hbase:meta says of the table as such. */
enum hbase_table_presence { HBASE_TABLE_ABSENT, HBASE_TABLE_ENABLED, HBASE_TABLE_DISABLED };
bool hbase_meta_get_presence(struct hbase_cluster *cluster, const char *table,
                             enum hbase_table_presence *ret, struct hbase_fault *ret_fault)
    MUST_CHECK;

#endif
