#include "worker/table_copy.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/number.h"
#include "hbase/admin.h"
#include "hbase/message.h"
#include "spec/migration_spec.h"
#include "worker/row_text.h"

/* What names of attributes begin with that stay behind, of tables and of families. */
static const char *const table_attributes[] = {
    "coprocessor$",                  /* classes that the other cluster may not have */
    "REGION_REPLICATION",            /* takes as many servers */
    "hbase.rsgroup.name",            /* a group of servers */
    "hbase.store.file-tracker.impl", /* how its files are kept track of */
    "METADATA",
};
static const char *const family_attributes[] = {
    "ENCRYPTION", /* and ENCRYPTION_KEY, which only its own cluster can open */
    "STORAGE_POLICY",
};

/* HBase 2 has no such encoding any more and refuses it. */
static bool is_gone(const Hb__BytesBytesPair *attribute)
{
    return str_is(hbase_bytes_get(attribute->first), "DATA_BLOCK_ENCODING") &&
           str_is(hbase_bytes_get(attribute->second), "PREFIX_TREE");
}

static bool stays_behind(const Hb__BytesBytesPair *attribute, const char *const *prefixes,
                         size_t nprefixes)
{
    for (size_t i = 0; i < nprefixes; i++) {
        if (str_has_prefix(hbase_bytes_get(attribute->first), prefixes[i]))
            return true;
    }
    return is_gone(attribute);
}

/* Copies a list of attributes but those that stay behind; returns how many there are then. */
static size_t copy_attributes(Hb__BytesBytesPair **attributes, size_t count,
                              const char *const *prefixes, size_t nprefixes, struct arena *arena,
                              Hb__BytesBytesPair ***ret)
{
    Hb__BytesBytesPair **list = arena_alloc(arena, (count + 1) * sizeof(*list));
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        if (!stays_behind(attributes[i], prefixes, nprefixes))
            list[n++] = attributes[i];
    }
    *ret = list;
    return n;
}

static Hb__ColumnFamilySchema *copy_family(const Hb__ColumnFamilySchema *source,
                                           struct arena *arena)
{
    Hb__ColumnFamilySchema *family = arena_alloc(arena, sizeof(*family));

    *family = *source;
    family->n_attributes =
        copy_attributes(source->attributes, source->n_attributes, family_attributes,
                        ARRAY_LEN(family_attributes), arena, &family->attributes);
    return family;
}

Hb__TableSchema *table_copy_make(const Hb__TableSchema *source, const struct hbase_table_name *name,
                                 struct arena *arena)
{
    Hb__TableSchema *table = arena_alloc(arena, sizeof(*table));
    Hb__TableName *table_name = arena_alloc(arena, sizeof(*table_name));

    hb__table_name__init(table_name);
    table_name->namespace_ = hbase_bytes_make(str_from(name->namespace));
    table_name->qualifier = hbase_bytes_make(str_from(name->qualifier));
    *table = *source;
    table->table_name = table_name;
    table->n_attributes =
        copy_attributes(source->attributes, source->n_attributes, table_attributes,
                        ARRAY_LEN(table_attributes), arena, &table->attributes);
    table->column_families =
        arena_alloc(arena, (source->n_column_families + 1) * sizeof(*table->column_families));
    for (size_t i = 0; i < source->n_column_families; i++)
        table->column_families[i] = copy_family(source->column_families[i], arena);
    return table;
}

static void append_family(struct buf *list, struct str name)
{
    if (list->len > 0)
        buf_append_text(list, ", ");
    row_text_write(name, list);
}

void table_copy_find_missing(const Hb__TableSchema *table, const Hb__TableSchema *other,
                             const struct migration_column *columns, size_t ncolumns,
                             struct buf *ret)
{
    size_t count = ncolumns > 0 ? ncolumns : other->n_column_families;

    for (size_t i = 0; i < count; i++) {
        struct str family =
            ncolumns > 0 ? columns[i].family : hbase_bytes_get(other->column_families[i]->name);
        bool is_told = false;

        for (size_t j = 0; j < i && ncolumns > 0; j++)
            is_told = is_told || str_is_equal(columns[j].family, family);
        if (!is_told && !hbase_schema_find_family(table, family))
            append_family(ret, family);
    }
}

void table_copy_list_families(const Hb__TableSchema *table, struct buf *ret)
{
    for (size_t i = 0; i < table->n_column_families; i++)
        append_family(ret, hbase_bytes_get(table->column_families[i]->name));
}

int64_t table_copy_get_number(const Hb__ColumnFamilySchema *family, const char *name,
                              int64_t default_value)
{
    struct str text = hbase_schema_find_attribute(family->attributes, family->n_attributes, name);
    int64_t value = default_value;

    if (text.data && number_read(name, text, 0, INT32_MAX, &value).code != STATUS_OK)
        return default_value;
    return value;
}

static void append_loss(struct buf *list, struct str family, const char *name, int64_t value,
                        int64_t source_value)
{
    append_family(list, family);
    buf_printf(list, " has %s %" PRId64 ", the source %" PRId64, name, value, source_value);
}

void table_copy_find_losses(const Hb__TableSchema *table, const Hb__TableSchema *source,
                            struct buf *ret)
{
    /* The default values are HBase's (ColumnFamilyDescriptorBuilder). */
    static const struct {
        const char *name;
        int64_t default_value;
    } limits[] = {{"VERSIONS", 1}, {"TTL", INT32_MAX}};

    for (size_t i = 0; i < source->n_column_families; i++) {
        const Hb__ColumnFamilySchema *wanted = source->column_families[i];
        const Hb__ColumnFamilySchema *family =
            hbase_schema_find_family(table, hbase_bytes_get(wanted->name));

        for (size_t j = 0; family && j < ARRAY_LEN(limits); j++) {
            int64_t value = table_copy_get_number(family, limits[j].name, limits[j].default_value);
            int64_t source_value =
                table_copy_get_number(wanted, limits[j].name, limits[j].default_value);

            if (value < source_value)
                append_loss(ret, hbase_bytes_get(wanted->name), limits[j].name, value,
                            source_value);
        }
    }
}
