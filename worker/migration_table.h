/*
 * worker/migration_table.h - whether rows of a table can be copied or compared.
 */
#ifndef WORKER_MIGRATION_TABLE_H
#define WORKER_MIGRATION_TABLE_H

#include "base/status.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/table.h"

struct arena;
struct hbase_cluster;
struct migration;

/*
 * The table's definition, in arena, for one who is to have the rights actions, too: what is missing is told. NOT_FOUND: there
 * is no such table. PERMISSION_DENIED. Blocks.
 */
struct status migration_table_describe(struct hbase_cluster *cluster,
                                       const struct hbase_table_name *name, const char *actions,
                                       struct arena *arena, Hb__TableSchema **ret) MUST_CHECK;

/* As hbase_admin_check_rights, and whether the table is enabled. FAILED_PRECONDITION. Blocks. */
struct status migration_table_check(struct hbase_cluster *cluster,
                                    const struct hbase_table_name *name, const char *actions)
    MUST_CHECK;

/* Whether table, which messages call text, has the families of source that the task is about. FAILED_PRECONDITION. */
struct status migration_table_check_families(const struct migration *migration,
                                             const Hb__TableSchema *table,
                                             const Hb__TableSchema *source, const char *text)
    MUST_CHECK;

#endif
