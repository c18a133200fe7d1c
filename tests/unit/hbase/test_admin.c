/*
 * tests/unit/hbase/test_admin.c - tables, namespaces and rights, and a master whose answers get lost.
 */
#include "hbase/admin.h"

#include <string.h>

#include "base/compiler.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/fake_master.h"

#define HBASE "org.apache.hadoop.hbase."

static const struct hbase_table_name name = {"ns", "t"};

static ProtobufCBinaryData bytes(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

/* A table ns:t with one family f, of one attribute. */
struct definition {
    Hb__TableName table;
    Hb__BytesBytesPair attribute;
    Hb__BytesBytesPair *attributes[1];
    Hb__ColumnFamilySchema family;
    Hb__ColumnFamilySchema *families[1];
    Hb__TableSchema schema;
    Hb__TableSchema *schemas[1];
};

static void init_definition(struct definition *d, const char *versions)
{
    *d = (struct definition){
        .table = HB__TABLE_NAME__INIT,
        .attribute = HB__BYTES_BYTES_PAIR__INIT,
        .family = HB__COLUMN_FAMILY_SCHEMA__INIT,
        .schema = HB__TABLE_SCHEMA__INIT,
    };
    d->table.namespace_ = bytes("ns");
    d->table.qualifier = bytes("t");
    d->attribute.first = bytes("VERSIONS");
    d->attribute.second = bytes(versions);
    d->attributes[0] = &d->attribute;
    d->family.name = bytes("f");
    d->family.attributes = d->attributes;
    d->family.n_attributes = 1;
    d->families[0] = &d->family;
    d->schema.table_name = &d->table;
    d->schema.column_families = d->families;
    d->schema.n_column_families = 1;
    d->schemas[0] = &d->schema;
}

static Hb__ProcedureResponse make_started(void)
{
    Hb__ProcedureResponse started = HB__PROCEDURE_RESPONSE__INIT;

    started.has_proc_id = true;
    started.proc_id = 7;
    return started;
}

static Hb__GetProcedureResultResponse make_result(Hb__GetProcedureResultResponse__State state)
{
    Hb__GetProcedureResultResponse result = HB__GET_PROCEDURE_RESULT_RESPONSE__INIT;

    result.state = state;
    return result;
}

test(admin_makes_a_table_once_though_an_answer_gets_lost)
{
    const Hb__ProcedureResponse started = make_started();
    const Hb__GetProcedureResultResponse running =
        make_result(HB__GET_PROCEDURE_RESULT_RESPONSE__STATE__RUNNING);
    const Hb__GetProcedureResultResponse finished =
        make_result(HB__GET_PROCEDURE_RESULT_RESPONSE__STATE__FINISHED);
    const struct fake_step steps[] = {
        {"CreateTable", .hangs_up = true},
        {"CreateTable", .reply = &started.base},
        {"getProcedureResult", .reply = &running.base},
        {"getProcedureResult", .reply = &finished.base},
    };
    const struct str keys[] = {{"g", 1}, {"p", 1}};
    struct fake_master master;
    struct definition d;

    init_definition(&d, "3");
    fake_master_open(&master, steps, ARRAY_LEN(steps));
    check_status(hbase_admin_create_table(master.base.cluster, &d.schema, keys, 2), STATUS_OK);

    const Hb__CreateTableRequest *first = (const void *)fake_master_get(
        &master, "CreateTable", 0, &hb__create_table_request__descriptor);
    const Hb__CreateTableRequest *second = (const void *)fake_master_get(
        &master, "CreateTable", 1, &hb__create_table_request__descriptor);
    check_int(second->n_split_keys, 2);
    check(first->nonce != 0 && first->nonce_group != 0);
    check(first->nonce == second->nonce && first->nonce_group == second->nonce_group);
    const Hb__GetProcedureResultRequest *poll = (const void *)fake_master_get(
        &master, "getProcedureResult", 1, &hb__get_procedure_result_request__descriptor);
    check_int(poll->proc_id, 7);
    fake_master_close(&master);
}

/* A master that has forgotten how a procedure ended is asked for its effect. */
static struct status create_forgotten(const struct fake_step *state_step)
{
    const Hb__ProcedureResponse started = make_started();
    const Hb__GetProcedureResultResponse forgotten =
        make_result(HB__GET_PROCEDURE_RESULT_RESPONSE__STATE__NOT_FOUND);
    const struct fake_step steps[] = {
        {"CreateTable", .reply = &started.base},
        {"getProcedureResult", .reply = &forgotten.base},
        *state_step,
    };
    struct fake_master master;
    struct definition d;

    init_definition(&d, "3");
    fake_master_open(&master, steps, ARRAY_LEN(steps));
    struct status st = hbase_admin_create_table(master.base.cluster, &d.schema, NULL, 0);
    fake_master_close(&master);
    return st;
}

test(admin_looks_whether_a_table_is_there_when_the_master_has_forgotten)
{
    Hb__TableState state = HB__TABLE_STATE__INIT;
    Hb__GetTableStateResponse response = HB__GET_TABLE_STATE_RESPONSE__INIT;
    const struct fake_step is_there = {"GetTableState", .reply = &response.base};
    const struct fake_step is_not = {"GetTableState", .exception = HBASE "TableNotFoundException",
                                     .text = "ns:t"};

    response.table_state = &state;
    state.state = HB__TABLE_STATE__STATE__ENABLED;
    check_status(create_forgotten(&is_there), STATUS_OK);
    state.state = HB__TABLE_STATE__STATE__ENABLING;
    check_status(create_forgotten(&is_there), STATUS_UNKNOWN);
    check_status(create_forgotten(&is_not), STATUS_UNKNOWN);
}

test(admin_takes_a_table_that_is_being_made_for_one_that_comes)
{
    Hb__TableState state = HB__TABLE_STATE__INIT;
    Hb__GetTableStateResponse response = HB__GET_TABLE_STATE_RESPONSE__INIT;
    const struct fake_step steps[] = {
        {"GetTableState", .exception = HBASE "TableNotFoundException", .text = "ns:t"},
        {"GetTableState", .reply = &response.base}};
    static const struct {
        Hb__TableState__State state;
        enum status_code code;
    } cases[] = {
        {HB__TABLE_STATE__STATE__ENABLING, STATUS_UNAVAILABLE},
        {HB__TABLE_STATE__STATE__ENABLED, STATUS_OK},
        {HB__TABLE_STATE__STATE__DISABLING, STATUS_FAILED_PRECONDITION},
        {HB__TABLE_STATE__STATE__DISABLED, STATUS_FAILED_PRECONDITION},
    };
    struct fake_master master;

    response.table_state = &state;
    fake_master_open(&master, steps, ARRAY_LEN(steps));
    check_status(hbase_admin_check_enabled(master.base.cluster, &name), STATUS_UNAVAILABLE);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        state.state = cases[i].state;
        check_status(hbase_admin_check_enabled(master.base.cluster, &name), cases[i].code);
    }
    fake_master_close(&master);
}

test(admin_tells_that_a_table_is_there_whichever_way_the_master_does)
{
    const Hb__ProcedureResponse started = make_started();
    Hb__GenericExceptionMessage generic = HB__GENERIC_EXCEPTION_MESSAGE__INIT;
    Hb__ForeignExceptionMessage foreign = HB__FOREIGN_EXCEPTION_MESSAGE__INIT;
    Hb__GetProcedureResultResponse failed =
        make_result(HB__GET_PROCEDURE_RESULT_RESPONSE__STATE__FINISHED);
    const struct fake_step by_result[] = {
        {"CreateTable", .reply = &started.base},
        {"getProcedureResult", .reply = &failed.base},
    };
    const struct fake_step at_once[] = {
        {"CreateTable", .exception = HBASE "TableExistsException", .text = "ns:t"}};
    struct fake_master master;
    struct definition d;

    init_definition(&d, "3");
    generic.class_name = (char *)(uintptr_t)(HBASE "TableExistsException");
    generic.message = (char *)(uintptr_t)"ns:t";
    foreign.generic_exception = &generic;
    failed.exception = &foreign;
    for (int i = 0; i < 2; i++) {
        fake_master_open(&master, i ? by_result : at_once, i ? 2 : 1);
        struct status st = hbase_admin_create_table(master.base.cluster, &d.schema, NULL, 0);
        check_status(st, STATUS_ALREADY_EXISTS);
        check_str(st.text, "src already has table ns:t");
        fake_master_close(&master);
    }
}

test(admin_looks_whether_a_table_was_changed_when_the_master_has_forgotten)
{
    const Hb__ProcedureResponse started = make_started();
    const Hb__GetProcedureResultResponse forgotten =
        make_result(HB__GET_PROCEDURE_RESULT_RESPONSE__STATE__NOT_FOUND);
    Hb__GetTableDescriptorsResponse there = HB__GET_TABLE_DESCRIPTORS_RESPONSE__INIT;
    const struct fake_step steps[] = {
        {"ModifyTable", .reply = &started.base},
        {"getProcedureResult", .reply = &forgotten.base},
        {"GetTableDescriptors", .reply = &there.base},
    };
    struct definition wanted, changed, unchanged;
    struct fake_master master;

    init_definition(&wanted, "5");
    init_definition(&changed, "5");
    init_definition(&unchanged, "3");
    there.n_table_schema = 1;
    for (int i = 0; i < 2; i++) {
        there.table_schema = i ? changed.schemas : unchanged.schemas;
        fake_master_open(&master, steps, ARRAY_LEN(steps));
        check_status(hbase_admin_modify_table(master.base.cluster, &wanted.schema),
                     i ? STATUS_OK : STATUS_UNKNOWN);
        fake_master_close(&master);
    }
}

test(admin_finds_the_tables_that_there_are_among_those_asked_for)
{
    static const struct hbase_table_name names[] = {{"default", "t"}, {"ns", "t"}};
    Hb__GetTableDescriptorsResponse there = HB__GET_TABLE_DESCRIPTORS_RESPONSE__INIT;
    const struct fake_step steps[] = {{"GetTableDescriptors", .reply = &there.base}};
    struct arena *arena = arena_create(0);
    Hb__TableSchema *schemas[2], *schema = NULL;
    struct fake_master master;
    struct definition d;

    init_definition(&d, "3");
    there.table_schema = d.schemas;
    there.n_table_schema = 1;
    fake_master_open(&master, steps, ARRAY_LEN(steps));
    check_status(hbase_admin_describe_all(master.base.cluster, names, 2, arena, schemas),
                 STATUS_OK);
    check(schemas[0] == NULL && schemas[1] != NULL);
    check(hbase_schema_find_family(schemas[1], str_from("f")) != NULL);
    check(hbase_schema_find_family(schemas[1], str_from("g")) == NULL);
    struct status st = hbase_admin_describe(master.base.cluster, &names[0], arena, &schema);
    check_status(st, STATUS_NOT_FOUND);
    check_str(st.text, "src has no table t");
    fake_master_close(&master);
    arena_destroy(arena);
}

test(admin_makes_a_namespace_unless_it_is_there)
{
    const Hb__ProcedureResponse done = HB__PROCEDURE_RESPONSE__INIT; /* without a number */
    Hb__NamespaceDescriptor namespace = HB__NAMESPACE_DESCRIPTOR__INIT;
    Hb__NamespaceDescriptor *namespaces[] = {&namespace};
    Hb__ListNamespaceDescriptorsResponse list = HB__LIST_NAMESPACE_DESCRIPTORS_RESPONSE__INIT;
    const struct fake_step steps[] = {
        {"ListNamespaceDescriptors", .reply = &list.base},
        {"CreateNamespace", .reply = &done.base},
        {"CreateNamespace", .exception = HBASE "NamespaceExistException", .text = "new"},
    };
    struct fake_master master;

    namespace.name = bytes("there");
    list.namespace_descriptor = namespaces;
    list.n_namespace_descriptor = 1;
    fake_master_open(&master, steps, ARRAY_LEN(steps));
    check_status(hbase_admin_make_namespace(master.base.cluster, "there"), STATUS_OK);
    check_int(fake_server_count_calls(master.base.server, "CreateNamespace"), 0);
    check_status(hbase_admin_make_namespace(master.base.cluster, "new"), STATUS_OK);
    check_status(hbase_admin_make_namespace(master.base.cluster, "new"), STATUS_OK);
    check_int(fake_server_count_calls(master.base.server, "CreateNamespace"), 2);
    fake_master_close(&master);
}

test(admin_waits_for_a_namespace_that_somebody_else_makes)
{
    const Hb__ProcedureResponse done = HB__PROCEDURE_RESPONSE__INIT; /* without a number */
    Hb__NamespaceDescriptor namespace = HB__NAMESPACE_DESCRIPTOR__INIT;
    Hb__NamespaceDescriptor *namespaces[] = {&namespace};
    Hb__ListNamespaceDescriptorsResponse list = HB__LIST_NAMESPACE_DESCRIPTORS_RESPONSE__INIT;
    const struct fake_step missing = {
        "CreateTable", .exception = HBASE "NamespaceNotFoundException", .text = "ns"};
    const struct fake_step steps[] = {
        missing,
        {"ListNamespaceDescriptors", .reply = &list.base},
        missing,
        missing,
        {"CreateTable", .reply = &done.base},
    };
    struct fake_master master;
    struct definition d;

    init_definition(&d, "3");
    namespace.name = bytes("ns");
    list.namespace_descriptor = namespaces;
    list.n_namespace_descriptor = 1;
    fake_master_open(&master, steps, ARRAY_LEN(steps));
    check_status(hbase_admin_make_table(master.base.cluster, &d.schema, NULL, 0), STATUS_OK);
    check_int(fake_server_count_calls(master.base.server, "CreateTable"), 4);
    check_int(fake_server_count_calls(master.base.server, "CreateNamespace"), 0);
    fake_master_close(&master);
}

test(admin_tells_which_rights_are_missing)
{
    protobuf_c_boolean allowed[] = {true, false, false};
    Hb__HasUserPermissionsResponse response = HB__HAS_USER_PERMISSIONS_RESPONSE__INIT;
    const struct fake_step steps[] = {{"HasUserPermissions", .reply = &response.base}};
    char missing[HBASE_ACTIONS_BYTES] = "?";
    struct fake_master master;

    response.has_user_permission = allowed;
    response.n_has_user_permission = ARRAY_LEN(allowed);
    fake_master_open(&master, steps, ARRAY_LEN(steps));
    check_status(hbase_admin_find_missing_rights(master.base.cluster, &name, "RWA", missing),
                 STATUS_OK);
    check_str(missing, "WA");
    const Hb__HasUserPermissionsRequest *asked = (const void *)fake_master_get(
        &master, "HasUserPermissions", 0, &hb__has_user_permissions_request__descriptor);
    check_int(asked->n_permission, 3);
    check_int(asked->permission[2]->table_permission->action[0], HB__PERMISSION__ACTION__ADMIN);
    /* An answer that is too short allows nothing that it does not name. */
    response.n_has_user_permission = 1;
    check_status(hbase_admin_find_missing_rights(master.base.cluster, NULL, "RW", missing),
                 STATUS_OK);
    check_str(missing, "W");
    struct status st = hbase_admin_check_rights(master.base.cluster, &name, "RW");
    check_status(st, STATUS_PERMISSION_DENIED);
    check(strstr(st.text, "lacks the right W on table "));
    fake_master_close(&master);
}

test(admin_takes_a_cluster_without_access_control_for_one_that_allows_all)
{
    static const struct fake_step steps[] = {
        {"HasUserPermissions", .exception = HBASE "DoNotRetryIOException",
         .text = "java.lang.UnsupportedOperationException: " HBASE
                 "security.access.AccessController is not loaded"}};
    char missing[HBASE_ACTIONS_BYTES] = "?";
    struct fake_master master;

    fake_master_open(&master, steps, ARRAY_LEN(steps));
    check_status(hbase_admin_find_missing_rights(master.base.cluster, NULL, "A", missing),
                 STATUS_OK);
    check_str(missing, "");
    fake_master_close(&master);
}
