/*
 * hbase/admin.h - tables and namespaces: what there is, and changes of it, as the master does them.
 *
 * Changes are procedures of the master: these functions return when they are done. All may be repeated: what is there
 * already is no error where the comment says so. All block, and try again for the cluster's patience.
 */
#ifndef HBASE_ADMIN_H
#define HBASE_ADMIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "hbase/cluster.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/table.h"

/* Tables of users, in arena: of one namespace, or of all if it is NULL. NOT_FOUND: there is no such namespace. */
struct status hbase_admin_list_tables(struct hbase_cluster *cluster, const char *namespace,
                                      struct arena *arena, struct hbase_table_name **ret,
                                      size_t *ret_count) MUST_CHECK;

/* The table's definition, in arena. NOT_FOUND: there is no such table. */
struct status hbase_admin_describe(struct hbase_cluster *cluster,
                                   const struct hbase_table_name *name, struct arena *arena,
                                   Hb__TableSchema **ret) MUST_CHECK;

/*
 * The definitions of names[0 .. count), in one question and in arena: ret[i] is that of names[i], NULL if there is no such
 * table.
 */
struct status hbase_admin_describe_all(struct hbase_cluster *cluster,
                                       const struct hbase_table_name *names, size_t count,
                                       struct arena *arena, Hb__TableSchema **ret) MUST_CHECK;

/* Whether the table is enabled. NOT_FOUND: there is no such table. */
struct status hbase_admin_get_state(struct hbase_cluster *cluster,
                                    const struct hbase_table_name *name, Hb__TableState__State *ret)
    MUST_CHECK;

/*
 * Of a table that has been described. FAILED_PRECONDITION: it is not enabled. UNAVAILABLE: it will be in a moment, since somebody
 * makes or enables it.
 */
struct status hbase_admin_check_enabled(struct hbase_cluster *cluster,
                                        const struct hbase_table_name *name) MUST_CHECK;

/* Makes the namespace unless it is there. */
struct status hbase_admin_make_namespace(struct hbase_cluster *cluster, const char *namespace)
    MUST_CHECK;

/*
 * Makes the table that schema defines, with regions that begin at keys[0 .. nkeys) besides the first. ALREADY_EXISTS: it is
 * there. NOT_FOUND: its namespace is not. FAILED_PRECONDITION, INVALID_ARGUMENT: the master does not take the definition.
 */
struct status hbase_admin_create_table(struct hbase_cluster *cluster, const Hb__TableSchema *schema,
                                       const struct str *keys, size_t nkeys) MUST_CHECK;

/*
 * As hbase_admin_create_table, and makes the namespace if that is missing: only then, for who may make a table in a namespace
 * need not see that there is one, and may not make one.
 */
struct status hbase_admin_make_table(struct hbase_cluster *cluster, const Hb__TableSchema *schema,
                                     const struct str *keys, size_t nkeys) MUST_CHECK;

/* Replaces the table's definition; its regions are reopened one by one. */
struct status hbase_admin_modify_table(struct hbase_cluster *cluster, const Hb__TableSchema *schema)
    MUST_CHECK;

/* Finds an attribute of a table or a family; {NULL, 0} if it has none of this name. */
struct str hbase_schema_find_attribute(Hb__BytesBytesPair *const *attributes, size_t count,
                                       const char *name);
Hb__ColumnFamilySchema *hbase_schema_find_family(const Hb__TableSchema *schema, struct str name);

/* Whether the table takes no rows: its attribute READONLY. */
bool hbase_schema_is_read_only(const Hb__TableSchema *schema);

/*
 * What the user may not do, of actions "RWXCA" on a table (name) or on the cluster (NULL), one letter each; *ret is "" if all is allowed, or if the
 * cluster has no access control.
 */
enum { HBASE_ACTIONS_BYTES = 8 };
struct status hbase_admin_find_missing_rights(struct hbase_cluster *cluster,
                                              const struct hbase_table_name *name,
                                              const char *actions, char ret[HBASE_ACTIONS_BYTES])
    MUST_CHECK;

/*
 * Whether the user has the rights actions on a table; one that is not there has those of its namespace. PERMISSION_DENIED: the
 * text says which are missing, and how they are granted.
 */
struct status hbase_admin_check_rights(struct hbase_cluster *cluster,
                                       const struct hbase_table_name *name, const char *actions)
    MUST_CHECK;

#endif
