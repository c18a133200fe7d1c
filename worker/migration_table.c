#include "worker/migration_table.h"

#include "base/buf.h"
#include "hbase/admin.h"
#include "worker/migration.h"
#include "worker/table_copy.h"

enum { MAX_LIST_BYTES = 120 }; /* of families, in a message */

/* HBase shows definitions to those who may make tables, or administer this one: reading its rows is not enough. */
static struct status explain_denied(struct hbase_cluster *cluster,
                                    const struct hbase_table_name *name, const char *actions)
{
    const char *user = hbase_cluster_get_user(cluster);
    char text[HBASE_TABLE_NAME_BYTES];
    struct status st = hbase_admin_check_rights(cluster, name, actions);

    hbase_table_name_write(name, text);
    if (st.code == STATUS_OK)
        st = status_error(
            STATUS_PERMISSION_DENIED,
            "user '%s' may not see the definition of table %s, which takes the right C: "
            "grant '%s', '%sC', '%s'",
            user, text, user, actions, text);
    return st;
}

struct status migration_table_describe(struct hbase_cluster *cluster,
                                       const struct hbase_table_name *name, const char *actions,
                                       struct arena *arena, Hb__TableSchema **ret)
{
    struct status st = hbase_admin_describe(cluster, name, arena, ret);

    return st.code == STATUS_PERMISSION_DENIED ? explain_denied(cluster, name, actions) : st;
}

struct status migration_table_check(struct hbase_cluster *cluster,
                                    const struct hbase_table_name *name, const char *actions)
{
    struct status st = hbase_admin_check_rights(cluster, name, actions);

    return st.code == STATUS_OK ? hbase_admin_check_enabled(cluster, name) : st;
}

struct status migration_table_check_families(const struct migration *migration,
                                             const Hb__TableSchema *table,
                                             const Hb__TableSchema *source, const char *text)
{
    struct buf missing = {.max_bytes = MAX_LIST_BYTES};
    struct status st = status_ok();

    table_copy_find_missing(table, source, migration->spec.columns, migration->spec.ncolumns,
                            &missing);
    if (missing.len > 0)
        st = status_error(STATUS_FAILED_PRECONDITION, "table %s lacks the column families %s%s",
                          text, buf_get_text(&missing), buf_is_full(&missing) ? ", ..." : "");
    buf_deinit(&missing);
    return st;
}
