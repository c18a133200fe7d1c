/*
 * hbase/rights.c - what the user may do: hbase_admin_find_missing_rights and _check_rights of hbase/admin.h.
 *
 * The master answers for each action by itself. Without access control it says that it cannot: then all is allowed.
 */
#include <string.h>

#include "hbase/admin.h"
#include "hbase/master.h"
#include "hbase/message.h"

/* The letters of Permission.Action, in the order of its numbers. */
static const char letters[] = "RWXCA";

/* A question about one action. */
struct right {
    Hb__Permission message;
    Hb__GlobalPermission global;
    Hb__TablePermission table;
    Hb__Permission__Action action;
};

static void init_right(struct right *right, Hb__TableName *table_name, char letter)
{
    hb__permission__init(&right->message);
    hb__global_permission__init(&right->global);
    hb__table_permission__init(&right->table);
    right->action = (Hb__Permission__Action)(strchr(letters, letter) - letters);
    if (table_name) {
        right->message.type = HB__PERMISSION__TYPE__TABLE;
        right->message.table_permission = &right->table;
        right->table.table_name = table_name;
        right->table.n_action = 1;
        right->table.action = &right->action;
    } else {
        right->message.type = HB__PERMISSION__TYPE__GLOBAL;
        right->message.global_permission = &right->global;
        right->global.n_action = 1;
        right->global.action = &right->action;
    }
}

/* An old master has no such method, and one without access control refuses by the same exception. */
static bool is_without_control(struct status st)
{
    return st.code == STATUS_UNIMPLEMENTED;
}

struct status hbase_admin_find_missing_rights(struct hbase_cluster *cluster,
                                              const struct hbase_table_name *name,
                                              const char *actions, char ret[HBASE_ACTIONS_BYTES])
{
    Hb__HasUserPermissionsRequest question = HB__HAS_USER_PERMISSIONS_REQUEST__INIT;
    Hb__TableName table_name = HB__TABLE_NAME__INIT;
    struct right rights[HBASE_ACTIONS_BYTES];
    Hb__Permission *messages[HBASE_ACTIONS_BYTES];
    struct arena *arena = arena_create(0);
    const ProtobufCMessage *message = NULL;
    char missing[HBASE_ACTIONS_BYTES] = "";
    size_t nmissing = 0;

    if (name) {
        table_name.namespace_ = hbase_bytes_make(str_from(name->namespace));
        table_name.qualifier = hbase_bytes_make(str_from(name->qualifier));
    }
    for (question.n_permission = 0; actions[question.n_permission]; question.n_permission++) {
        size_t i = question.n_permission;
        init_right(&rights[i], name ? &table_name : NULL, actions[i]);
        messages[i] = &rights[i].message;
    }
    question.permission = messages;
    struct status st =
        hbase_master_ask(cluster, "HasUserPermissions", &question.base,
                         &hb__has_user_permissions_response__descriptor, arena, &message);
    if (st.code == STATUS_OK) {
        const Hb__HasUserPermissionsResponse *answer =
            (const Hb__HasUserPermissionsResponse *)message;

        for (size_t i = 0; actions[i]; i++) {
            if (i >= answer->n_has_user_permission || !answer->has_user_permission[i])
                missing[nmissing++] = actions[i];
        }
    } else if (is_without_control(st)) {
        st = status_ok();
    }
    if (st.code == STATUS_OK)
        memcpy(ret, missing, sizeof(missing));
    arena_destroy(arena);
    return st;
}

struct status hbase_admin_check_rights(struct hbase_cluster *cluster,
                                       const struct hbase_table_name *name, const char *actions)
{
    const char *user = hbase_cluster_get_user(cluster);
    char missing[HBASE_ACTIONS_BYTES];
    char text[HBASE_TABLE_NAME_BYTES];
    struct status st = hbase_admin_find_missing_rights(cluster, name, actions, missing);

    hbase_table_name_write(name, text);
    if (st.code == STATUS_OK && missing[0])
        st = status_error(STATUS_PERMISSION_DENIED,
                          "user '%s' lacks the right %s on table %s: grant '%s', '%s', '%s'", user,
                          missing, text, user, missing, text);
    return st;
}
