#include "hbase/admin.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/stop.h"
#include "hbase/master.h"
#include "hbase/message.h"

enum {
    WHAT_BYTES = HBASE_TABLE_NAME_BYTES + 32,
    NAMESPACE_WAIT_MS = 30000,
    NAMESPACE_PAUSE_MS = 100,
};

static Hb__TableName make_name(const struct hbase_table_name *name)
{
    Hb__TableName message = HB__TABLE_NAME__INIT;

    message.namespace_ = hbase_bytes_make(str_from(name->namespace));
    message.qualifier = hbase_bytes_make(str_from(name->qualifier));
    return message;
}

static bool is_of(const Hb__TableName *message, const struct hbase_table_name *name)
{
    return message && str_is(hbase_bytes_get(message->namespace_), name->namespace) &&
           str_is(hbase_bytes_get(message->qualifier), name->qualifier);
}

/* In place of what a fault says of a table or namespace that is missing, or there already. */
static struct status name_what(struct status st, const struct hbase_cluster *cluster,
                               const char *kind, const char *name)
{
    const char *claim = st.code == STATUS_NOT_FOUND        ? "has no"
                        : st.code == STATUS_ALREADY_EXISTS ? "already has"
                                                           : NULL;

    if (!claim)
        return st;
    return status_error(st.code, "%s %s %s %s", hbase_cluster_get_name(cluster), claim, kind, name);
}

static struct status name_table(struct status st, const struct hbase_cluster *cluster,
                                const struct hbase_table_name *name)
{
    char text[HBASE_TABLE_NAME_BYTES];

    hbase_table_name_write(name, text);
    return name_what(st, cluster, "table", text);
}

struct status hbase_admin_list_tables(struct hbase_cluster *cluster, const char *namespace,
                                      struct arena *arena, struct hbase_table_name **ret,
                                      size_t *ret_count)
{
    Hb__GetTableNamesRequest question = HB__GET_TABLE_NAMES_REQUEST__INIT;
    const ProtobufCMessage *answer = NULL;

    question.namespace_ = (char *)(uintptr_t)namespace;
    struct status st = hbase_master_ask(cluster, "GetTableNames", &question.base,
                                        &hb__get_table_names_response__descriptor, arena, &answer);
    if (st.code != STATUS_OK)
        return namespace ? name_what(st, cluster, "namespace", namespace) : st;

    const Hb__GetTableNamesResponse *names = (const Hb__GetTableNamesResponse *)answer;
    struct hbase_table_name *list = arena_alloc(arena, (names->n_table_names + 1) * sizeof(*list));
    for (size_t i = 0; i < names->n_table_names; i++) {
        const Hb__TableName *name = names->table_names[i];
        list[i].namespace = arena_copy_str(arena, hbase_bytes_get(name->namespace_));
        list[i].qualifier = arena_copy_str(arena, hbase_bytes_get(name->qualifier));
    }
    *ret = list;
    *ret_count = names->n_table_names;
    return st;
}

static Hb__TableSchema *find_schema(const Hb__GetTableDescriptorsResponse *response,
                                    const struct hbase_table_name *name)
{
    for (size_t i = 0; i < response->n_table_schema; i++) {
        if (is_of(response->table_schema[i]->table_name, name))
            return response->table_schema[i];
    }
    return NULL;
}

struct status hbase_admin_describe_all(struct hbase_cluster *cluster,
                                       const struct hbase_table_name *names, size_t count,
                                       struct arena *arena, Hb__TableSchema **ret)
{
    Hb__GetTableDescriptorsRequest question = HB__GET_TABLE_DESCRIPTORS_REQUEST__INIT;
    Hb__TableName *messages = arena_alloc(arena, (count + 1) * sizeof(*messages));
    const ProtobufCMessage *answer = NULL;

    question.table_names = arena_alloc(arena, (count + 1) * sizeof(*question.table_names));
    question.n_table_names = count;
    for (size_t i = 0; i < count; i++) {
        messages[i] = make_name(&names[i]);
        question.table_names[i] = &messages[i];
    }
    /* Without names the master would describe all. */
    if (count == 0)
        return status_ok();
    struct status st =
        hbase_master_ask(cluster, "GetTableDescriptors", &question.base,
                         &hb__get_table_descriptors_response__descriptor, arena, &answer);
    for (size_t i = 0; st.code == STATUS_OK && i < count; i++)
        ret[i] = find_schema((const Hb__GetTableDescriptorsResponse *)answer, &names[i]);
    return st;
}

struct status hbase_admin_describe(struct hbase_cluster *cluster,
                                   const struct hbase_table_name *name, struct arena *arena,
                                   Hb__TableSchema **ret)
{
    Hb__TableSchema *schema = NULL;

    struct status st = hbase_admin_describe_all(cluster, name, 1, arena, &schema);
    if (st.code == STATUS_OK && !schema)
        st = status_error(STATUS_NOT_FOUND, "no table");
    if (st.code == STATUS_OK)
        *ret = schema;
    return name_table(st, cluster, name);
}

struct status hbase_admin_get_state(struct hbase_cluster *cluster,
                                    const struct hbase_table_name *name, Hb__TableState__State *ret)
{
    Hb__GetTableStateRequest question = HB__GET_TABLE_STATE_REQUEST__INIT;
    Hb__TableName message = make_name(name);
    struct arena *arena = arena_create(0);
    const ProtobufCMessage *answer = NULL;

    question.table_name = &message;
    struct status st = hbase_master_ask(cluster, "GetTableState", &question.base,
                                        &hb__get_table_state_response__descriptor, arena, &answer);
    if (st.code == STATUS_OK)
        *ret = ((const Hb__GetTableStateResponse *)answer)->table_state->state;
    arena_destroy(arena);
    return name_table(st, cluster, name);
}

struct status hbase_admin_check_enabled(struct hbase_cluster *cluster,
                                        const struct hbase_table_name *name)
{
    Hb__TableState__State state = HB__TABLE_STATE__STATE__ENABLED;
    char text[HBASE_TABLE_NAME_BYTES];
    struct status st = hbase_admin_get_state(cluster, name, &state);

    hbase_table_name_write(name, text);
    /* A definition is written down first, and a state only later. */
    if (st.code == STATUS_NOT_FOUND ||
        (st.code == STATUS_OK && state == HB__TABLE_STATE__STATE__ENABLING))
        return status_error(STATUS_UNAVAILABLE, "table %s is being made or enabled", text);
    if (st.code == STATUS_OK && state != HB__TABLE_STATE__STATE__ENABLED)
        st = status_error(STATUS_FAILED_PRECONDITION, "table %s is not enabled", text);
    return st;
}

static struct status find_namespace(struct hbase_cluster *cluster, const char *namespace,
                                    bool *ret_is_there)
{
    const Hb__Empty question = HB__EMPTY__INIT;
    struct arena *arena = arena_create(0);
    const ProtobufCMessage *answer = NULL;

    struct status st =
        hbase_master_ask(cluster, "ListNamespaceDescriptors", &question.base,
                         &hb__list_namespace_descriptors_response__descriptor, arena, &answer);
    if (st.code == STATUS_OK) {
        const Hb__ListNamespaceDescriptorsResponse *list =
            (const Hb__ListNamespaceDescriptorsResponse *)answer;

        *ret_is_there = false;
        for (size_t i = 0; i < list->n_namespace_descriptor; i++)
            *ret_is_there |=
                str_is(hbase_bytes_get(list->namespace_descriptor[i]->name), namespace);
    }
    arena_destroy(arena);
    return st;
}

/* Looks first: who may make a table in a namespace need not have the right to make one. */
struct status hbase_admin_make_namespace(struct hbase_cluster *cluster, const char *namespace)
{
    Hb__CreateNamespaceRequest request = HB__CREATE_NAMESPACE_REQUEST__INIT;
    Hb__NamespaceDescriptor descriptor = HB__NAMESPACE_DESCRIPTOR__INIT;
    struct hbase_nonce nonce = hbase_nonce_make();
    char what[WHAT_BYTES];
    bool is_forgotten = false, is_there = false;

    struct status st = find_namespace(cluster, namespace, &is_there);
    if (st.code != STATUS_OK || is_there)
        return st;
    descriptor.name = hbase_bytes_make(str_from(namespace));
    request.namespace_descriptor = &descriptor;
    request.has_nonce_group = request.has_nonce = true;
    request.nonce_group = nonce.group;
    request.nonce = nonce.number;
    (void)snprintf(what, sizeof(what), "make namespace %s", namespace);
    st = hbase_master_change(cluster, "CreateNamespace", &request.base, what, &is_forgotten);
    if (st.code == STATUS_ALREADY_EXISTS)
        return status_ok();
    if (st.code == STATUS_OK && is_forgotten) {
        st = find_namespace(cluster, namespace, &is_there);
        if (st.code == STATUS_OK && !is_there)
            st = hbase_master_make_forgotten(cluster, what);
    }
    return st;
}

/* The name in a definition, borrowed from arena. */
static struct hbase_table_name get_name(const Hb__TableSchema *schema, struct arena *arena)
{
    return (struct hbase_table_name){
        arena_copy_str(arena, hbase_bytes_get(schema->table_name->namespace_)),
        arena_copy_str(arena, hbase_bytes_get(schema->table_name->qualifier)),
    };
}

static void write_what(const char *verb, const struct hbase_table_name *name, char ret[WHAT_BYTES])
{
    char text[HBASE_TABLE_NAME_BYTES];

    hbase_table_name_write(name, text);
    (void)snprintf(ret, WHAT_BYTES, "%s table %s", verb, text);
}

/* A table that is made is enabled last of all. */
static struct status check_made(struct hbase_cluster *cluster, const struct hbase_table_name *name,
                                const char *what)
{
    Hb__TableState__State state = HB__TABLE_STATE__STATE__DISABLED;

    struct status st = hbase_admin_get_state(cluster, name, &state);
    if (st.code == STATUS_NOT_FOUND ||
        (st.code == STATUS_OK && state != HB__TABLE_STATE__STATE__ENABLED))
        return hbase_master_make_forgotten(cluster, what);
    return st;
}

struct status hbase_admin_create_table(struct hbase_cluster *cluster, const Hb__TableSchema *schema,
                                       const struct str *keys, size_t nkeys)
{
    Hb__CreateTableRequest request = HB__CREATE_TABLE_REQUEST__INIT;
    struct hbase_nonce nonce = hbase_nonce_make();
    struct arena *arena = arena_create(0);
    struct hbase_table_name name = get_name(schema, arena);
    char what[WHAT_BYTES];
    bool is_forgotten = false;

    request.table_schema = (Hb__TableSchema *)(uintptr_t)schema;
    request.split_keys = arena_alloc(arena, (nkeys + 1) * sizeof(*request.split_keys));
    request.n_split_keys = nkeys;
    for (size_t i = 0; i < nkeys; i++)
        request.split_keys[i] = hbase_bytes_make(keys[i]);
    request.has_nonce_group = request.has_nonce = true;
    request.nonce_group = nonce.group;
    request.nonce = nonce.number;
    write_what("make", &name, what);
    struct status st =
        hbase_master_change(cluster, "CreateTable", &request.base, what, &is_forgotten);
    if (st.code == STATUS_OK && is_forgotten)
        st = check_made(cluster, &name, what);
    st = st.code == STATUS_ALREADY_EXISTS ? name_table(st, cluster, &name) : st;
    arena_destroy(arena);
    return st;
}

struct status hbase_admin_make_table(struct hbase_cluster *cluster, const Hb__TableSchema *schema,
                                     const struct str *keys, size_t nkeys)
{
    struct status st = hbase_admin_create_table(cluster, schema, keys, nkeys);

    if (st.code != STATUS_NOT_FOUND)
        return st;
    struct arena *arena = arena_create(0);
    st = hbase_admin_make_namespace(cluster, get_name(schema, arena).namespace);
    arena_destroy(arena);
    if (st.code != STATUS_OK)
        return st;
    /* One that somebody else makes is listed a little before the master makes tables in it. */
    int64_t deadline_ms = clock_get_monotonic_ms() + NAMESPACE_WAIT_MS;
    do {
        st = hbase_admin_create_table(cluster, schema, keys, nkeys);
    } while (st.code == STATUS_NOT_FOUND && clock_get_monotonic_ms() < deadline_ms &&
             stop_pause(hbase_cluster_get_stop(cluster), NAMESPACE_PAUSE_MS));
    return st;
}

/* Whether all of wanted[0 .. nwanted) is among there[0 .. nthere); in which order does not matter. */
static bool has_attributes(Hb__BytesBytesPair *const *there, size_t nthere,
                           Hb__BytesBytesPair *const *wanted, size_t nwanted)
{
    for (size_t i = 0; i < nwanted; i++) {
        bool is_there = false;

        for (size_t j = 0; j < nthere && !is_there; j++)
            is_there =
                str_is_equal(hbase_bytes_get(there[j]->first), hbase_bytes_get(wanted[i]->first)) &&
                str_is_equal(hbase_bytes_get(there[j]->second), hbase_bytes_get(wanted[i]->second));
        if (!is_there)
            return false;
    }
    return true;
}

/* Whether a table is as it was to become, as far as its families go: those are what is modified here. */
static bool has_families(const Hb__TableSchema *there, const Hb__TableSchema *wanted)
{
    for (size_t i = 0; i < wanted->n_column_families; i++) {
        const Hb__ColumnFamilySchema *family = wanted->column_families[i];
        const Hb__ColumnFamilySchema *other =
            hbase_schema_find_family(there, hbase_bytes_get(family->name));

        if (!other || !has_attributes(other->attributes, other->n_attributes, family->attributes,
                                      family->n_attributes))
            return false;
    }
    return true;
}

static struct status check_modified(struct hbase_cluster *cluster,
                                    const struct hbase_table_name *name,
                                    const Hb__TableSchema *wanted, struct arena *arena,
                                    const char *what)
{
    Hb__TableSchema *there = NULL;

    struct status st = hbase_admin_describe(cluster, name, arena, &there);
    if (st.code == STATUS_OK && !has_families(there, wanted))
        st = hbase_master_make_forgotten(cluster, what);
    return st;
}

struct status hbase_admin_modify_table(struct hbase_cluster *cluster, const Hb__TableSchema *schema)
{
    Hb__ModifyTableRequest request = HB__MODIFY_TABLE_REQUEST__INIT;
    struct hbase_nonce nonce = hbase_nonce_make();
    struct arena *arena = arena_create(0);
    struct hbase_table_name name = get_name(schema, arena);
    char what[WHAT_BYTES];
    bool is_forgotten = false;

    request.table_name = schema->table_name;
    request.table_schema = (Hb__TableSchema *)(uintptr_t)schema;
    request.has_nonce_group = request.has_nonce = true;
    request.nonce_group = nonce.group;
    request.nonce = nonce.number;
    write_what("change", &name, what);
    struct status st =
        hbase_master_change(cluster, "ModifyTable", &request.base, what, &is_forgotten);
    if (st.code == STATUS_OK && is_forgotten)
        st = check_modified(cluster, &name, schema, arena, what);
    st = name_table(st, cluster, &name);
    arena_destroy(arena);
    return st;
}

struct str hbase_schema_find_attribute(Hb__BytesBytesPair *const *attributes, size_t count,
                                       const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_is(hbase_bytes_get(attributes[i]->first), name))
            return hbase_bytes_get(attributes[i]->second);
    }
    return (struct str){0};
}

Hb__ColumnFamilySchema *hbase_schema_find_family(const Hb__TableSchema *schema, struct str name)
{
    for (size_t i = 0; i < schema->n_column_families; i++) {
        if (str_is_equal(hbase_bytes_get(schema->column_families[i]->name), name))
            return schema->column_families[i];
    }
    return NULL;
}

/* Java's Boolean.parseBoolean. */
bool hbase_schema_is_read_only(const Hb__TableSchema *schema)
{
    return str_is_ignoring_case(
        hbase_schema_find_attribute(schema->attributes, schema->n_attributes, "READONLY"), "true");
}
