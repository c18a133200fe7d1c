#include "worker/table_copy.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "hbase/admin.h"
#include "spec/migration_spec.h"
#include "tests/harness/test.h"

enum { MAX_FAMILIES = 4, MAX_ATTRIBUTES = 8 };

static ProtobufCBinaryData make_bytes(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

/* Attributes of "NAME=value", separated by spaces. */
static size_t make_attributes(const char *text, struct arena *arena, Hb__BytesBytesPair ***ret)
{
    Hb__BytesBytesPair **list = arena_alloc(arena, MAX_ATTRIBUTES * sizeof(*list));
    struct str rest = str_from(text);
    size_t n = 0;

    while (rest.len > 0) {
        struct str value = str_cut(&rest, ' ');
        struct str name = str_cut(&value, '=');

        list[n] = arena_alloc(arena, sizeof(**list));
        hb__bytes_bytes_pair__init(list[n]);
        list[n]->first = make_bytes(arena_copy_str(arena, name));
        list[n++]->second = make_bytes(arena_copy_str(arena, value));
    }
    *ret = list;
    return n;
}

struct family {
    const char *name, *attributes;
};

static Hb__TableSchema *make_table(const char *attributes, const struct family *families,
                                   size_t nfamilies, struct arena *arena)
{
    Hb__TableSchema *table = arena_alloc(arena, sizeof(*table));
    Hb__TableName *name = arena_alloc(arena, sizeof(*name));

    hb__table_schema__init(table);
    hb__table_name__init(name);
    name->namespace_ = make_bytes("default");
    name->qualifier = make_bytes("source");
    table->table_name = name;
    table->n_attributes = make_attributes(attributes, arena, &table->attributes);
    table->column_families = arena_alloc(arena, MAX_FAMILIES * sizeof(*table->column_families));
    for (size_t i = 0; i < nfamilies; i++) {
        Hb__ColumnFamilySchema *family = arena_alloc(arena, sizeof(*family));

        hb__column_family_schema__init(family);
        family->name = make_bytes(families[i].name);
        family->n_attributes = make_attributes(families[i].attributes, arena, &family->attributes);
        table->column_families[table->n_column_families++] = family;
    }
    return table;
}

/* "NAME=value NAME=value". */
static const char *list_attributes(Hb__BytesBytesPair *const *attributes, size_t count,
                                   struct arena *arena)
{
    const char *text = "";

    for (size_t i = 0; i < count; i++)
        text = arena_printf(arena, "%s%s%.*s=%.*s", text, i > 0 ? " " : "",
                            (int)attributes[i]->first.len, attributes[i]->first.data,
                            (int)attributes[i]->second.len, attributes[i]->second.data);
    return text;
}

test(table_copy_leaves_behind_what_belongs_to_the_cluster)
{
    static const struct family families[] = {
        {"f", "VERSIONS=3 ENCRYPTION=AES ENCRYPTION_KEY=k STORAGE_POLICY=HOT REPLICATION_SCOPE=1"},
        {"g", "DATA_BLOCK_ENCODING=PREFIX_TREE TTL=60"},
        {"h", "DATA_BLOCK_ENCODING=FAST_DIFF"},
    };
    const struct hbase_table_name name = {"ns", "copy"};
    struct arena *arena = arena_create(0);
    Hb__TableSchema *source = make_table(
        "MAX_FILESIZE=1 coprocessor$1=x coprocessor$2=y REGION_REPLICATION=3 hbase.rsgroup.name=g "
        "DURABILITY=SYNC_WAL",
        families, ARRAY_LEN(families), arena);

    Hb__TableSchema *copy = table_copy_make(source, &name, arena);
    check_str(list_attributes(copy->attributes, copy->n_attributes, arena),
              "MAX_FILESIZE=1 DURABILITY=SYNC_WAL");
    check_int(copy->n_column_families, 3);
    static const char *const expected[] = {"VERSIONS=3 REPLICATION_SCOPE=1", "TTL=60",
                                           "DATA_BLOCK_ENCODING=FAST_DIFF"};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++)
        check_str(list_attributes(copy->column_families[i]->attributes,
                                  copy->column_families[i]->n_attributes, arena),
                  expected[i]);
    check(memcmp(copy->table_name->namespace_.data, "ns", 2) == 0);
    check(memcmp(copy->table_name->qualifier.data, "copy", 4) == 0);

    /* The source's own definition stays whole. */
    check_int(source->n_attributes, 6);
    check_int(source->column_families[0]->n_attributes, 5);
    check(memcmp(source->table_name->qualifier.data, "source", 6) == 0);
    arena_destroy(arena);
}

test(table_copy_finds_families_that_are_missing)
{
    static const struct family three[] = {{"a", ""}, {"b", ""}, {"c\001", ""}};
    static const struct migration_column columns[] = {
        {.family = {"a", 1}, .qualifier = {"q", 1}},
        {.family = {"x", 1}, .qualifier = {"q", 1}},
        {.family = {"x", 1}, .qualifier = {"r", 1}},
        {.family = {"y", 1}, .is_whole_family = true},
    };
    struct arena *arena = arena_create(0);
    Hb__TableSchema *one = make_table("", three, 1, arena);
    Hb__TableSchema *all = make_table("", three, 3, arena);
    struct buf missing = {0};

    table_copy_find_missing(all, all, NULL, 0, &missing);
    check_str(buf_get_text(&missing), "");
    table_copy_find_missing(one, all, NULL, 0, &missing);
    check_str(buf_get_text(&missing), "b, c\\x01");
    buf_clear(&missing);
    table_copy_find_missing(one, all, columns, ARRAY_LEN(columns), &missing);
    check_str(buf_get_text(&missing), "x, y");
    buf_clear(&missing);
    table_copy_find_missing(one, all, columns, 1, &missing);
    check_str(buf_get_text(&missing), "");
    table_copy_list_families(all, &missing);
    check_str(buf_get_text(&missing), "a, b, c\\x01");
    buf_deinit(&missing);
    arena_destroy(arena);
}

test(table_copy_finds_families_that_keep_less)
{
    static const struct family source_families[] = {
        {"a", "VERSIONS=5"}, {"b", "VERSIONS=1"}, {"c", ""}, {"d", "TTL=100"}};
    static const struct family families[] = {
        {"a", "VERSIONS=3"}, {"b", "VERSIONS=2 TTL=60"}, {"c", ""}, {"d", "TTL=200"}};
    struct arena *arena = arena_create(0);
    Hb__TableSchema *source = make_table("", source_families, 4, arena);
    Hb__TableSchema *table = make_table("", families, 4, arena);
    struct buf losses = {0};

    table_copy_find_losses(table, source, &losses);
    check_str(buf_get_text(&losses),
              "a has VERSIONS 3, the source 5, b has TTL 60, the source 2147483647");
    buf_clear(&losses);
    table_copy_find_losses(source, source, &losses);
    check_str(buf_get_text(&losses), "");
    buf_deinit(&losses);
    arena_destroy(arena);
}

test(table_copy_knows_tables_that_are_read_only)
{
    struct arena *arena = arena_create(0);

    check(hbase_schema_is_read_only(make_table("READONLY=true", NULL, 0, arena)));
    check(hbase_schema_is_read_only(make_table("READONLY=TRUE", NULL, 0, arena)));
    check(!hbase_schema_is_read_only(make_table("READONLY=false", NULL, 0, arena)));
    check(!hbase_schema_is_read_only(make_table("", NULL, 0, arena)));
    arena_destroy(arena);
}
