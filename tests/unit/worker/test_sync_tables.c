/*
 * tests/unit/worker/test_sync_tables.c - what keeps the changes of a source from getting into its destination.
 */
#include "worker/sync_tables.h"

#include <string.h>

#include "base/compiler.h"
#include "tests/harness/test.h"

/* A table of one family. */
struct table {
    Hb__BytesBytesPair versions;
    Hb__BytesBytesPair read_only;
    Hb__BytesBytesPair *family_attributes[1];
    Hb__BytesBytesPair *attributes[1];
    Hb__ColumnFamilySchema family;
    Hb__ColumnFamilySchema *families[1];
    Hb__TableSchema schema;
};

static ProtobufCBinaryData bytes(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

static void init_table(struct table *t, const char *family, const char *versions,
                       const char *read_only)
{
    hb__bytes_bytes_pair__init(&t->versions);
    hb__bytes_bytes_pair__init(&t->read_only);
    hb__column_family_schema__init(&t->family);
    hb__table_schema__init(&t->schema);
    t->versions.first = bytes("VERSIONS");
    t->versions.second = bytes(versions);
    t->read_only.first = bytes("READONLY");
    t->read_only.second = bytes(read_only);
    t->family_attributes[0] = &t->versions;
    t->attributes[0] = &t->read_only;
    t->families[0] = &t->family;
    t->family.name = bytes(family);
    t->family.attributes = t->family_attributes;
    t->family.n_attributes = 1;
    t->schema.attributes = t->attributes;
    t->schema.n_attributes = 1;
    t->schema.column_families = t->families;
    t->schema.n_column_families = 1;
}

test(sync_tables_that_do_not_fit_are_told_with_what_to_do)
{
    static const struct hbase_table_name name = {"ns", "t"};
    struct table source, same, other_family, fewer_versions, read_only;
    const struct {
        Hb__TableSchema *source, *destination;
        bool has_to_create;
        const char *text; /* "": all is well */
    } cases[] = {
        {&source.schema, &same.schema, false, ""},
        {NULL, &same.schema, false,
         "source: there is no table ns:t; make it, or take it out of the sync's table_names"},
        {&source.schema, NULL, false,
         "destination: there is no table ns:t; make it, or create the sync with createTable=true"},
        {&source.schema, NULL, true,
         "destination: table ns:t is gone; make it again, with what it had: only new changes are "
         "shipped"},
        {&source.schema, &other_family.schema, false,
         "destination: table ns:t lacks the column families f; add them, or create the sync with "
         "createTable=true"},
        {&source.schema, &other_family.schema, true,
         "destination: table ns:t lacks the column families f; add them"},
        {&source.schema, &fewer_versions.schema, false,
         "destination: table ns:t keeps less than the source: f has VERSIONS 2, the source 3; "
         "alter it"},
        {&source.schema, &read_only.schema, false,
         "destination: table ns:t is read-only; set READONLY to false"},
    };

    init_table(&source, "f", "3", "false");
    init_table(&same, "f", "4", "false");
    init_table(&other_family, "g", "3", "false");
    init_table(&fewer_versions, "f", "2", "false");
    init_table(&read_only, "f", "3", "true");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Hb__TableSchema *there = cases[i].source, *here = cases[i].destination;
        const struct sync sync = {
            .tables = &name, .ntables = 1, .has_to_create = cases[i].has_to_create};
        const struct sync_tables tables = {.source = &there, .destination = &here};
        struct status st = sync_tables_check(&sync, &tables);

        check_status(st, cases[i].text[0] ? STATUS_FAILED_PRECONDITION : STATUS_OK);
        check_str(st.text, cases[i].text);
    }
}
