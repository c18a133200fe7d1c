#include "connectors/hbase/hbase_target.h"

#include "base/buf.h"
#include "base/mem.h"
#include "connectors/hbase/hbase_encode.h"
#include "connectors/hbase/hbase_split_keys.h"
#include "connectors/writer.h"
#include "hbase/admin.h"
#include "hbase/cell.h"
#include "hbase/message.h"

enum {
    MAX_NAME_BYTES = 255, /* of a namespace or a table: HBase names files after them */
    MAX_TABLE_ARENA_BYTES = 16 * 1024 * 1024,
    MAX_LIST_BYTES = 120, /* of families, in a message */
    KEYS_A_BATCH = 256,   /* of a sample: each part of the files weighs the same */
    MAX_KEYS = 64 * KEYS_A_BATCH,
};

static struct status check_spec(const struct import_spec *spec)
{
    if (spec->is_sql)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "writerConfig.columns: HBase has no SQL columns; ROW||Type and "
                            "family:qualifier||Type are expected");
    if (spec->duplicates == IMPORT_DUPLICATES_ERROR)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "readerConfig.duplicates: HBase cannot tell equal keys; \"last\" is "
                            "expected");
    if (strlen(spec->namespace) > MAX_NAME_BYTES || strlen(spec->table) > MAX_NAME_BYTES)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "writerConfig: namespace and lindormTable have at most %d bytes each",
                            MAX_NAME_BYTES);
    return status_ok();
}

static struct status place_column(struct hbase_target *target, size_t i)
{
    const struct import_column *column = &target->spec->columns[i];
    struct hbase_target_place *place = &target->places[i];

    target->columns[i] = (struct target_column){
        .source = column->source,
        .target = column->target,
        .type = column->type,
        .is_nullable = !column->is_key,
    };
    if (column->is_key) {
        target->key = i;
        return status_ok();
    }
    place->qualifier = str_from(column->target);
    place->family = str_cut(&place->qualifier, ':');
    if (place->family.len > HBASE_MAX_FAMILY_BYTES)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "writerConfig.columns: '%.60s...' has a family of %zu bytes; at most "
                            "%d are taken",
                            column->target, place->family.len, HBASE_MAX_FAMILY_BYTES);
    return status_ok();
}

struct status hbase_target_init(struct hbase_target *target, const struct import_spec *spec,
                                int64_t timestamp_ms)
{
    struct status st = check_spec(spec);

    if (st.code != STATUS_OK)
        return st;
    target->spec = spec;
    target->arena = arena_create(MAX_TABLE_ARENA_BYTES);
    target->name = (struct hbase_table_name){spec->namespace, spec->table};
    target->timestamp_ms = spec->timestamp_ms != INT64_MIN ? spec->timestamp_ms : timestamp_ms;
    hbase_table_name_write(&target->name, target->text);
    target->columns = arena_alloc(target->arena, spec->ncolumns * sizeof(*target->columns));
    target->places = arena_alloc(target->arena, spec->ncolumns * sizeof(*target->places));
    for (size_t i = 0; i < spec->ncolumns && st.code == STATUS_OK; i++)
        st = place_column(target, i);
    return st;
}

void hbase_target_deinit(struct hbase_target *target)
{
    arena_destroy(target->arena);
}

/* ---- The families of the columns ---- */

static bool is_first_of_family(const struct hbase_target *target, size_t i)
{
    if (i == target->key)
        return false;
    for (size_t j = 0; j < i; j++)
        if (str_is_equal(target->places[j].family, target->places[i].family))
            return false;
    return true;
}

static struct status check_families(const struct hbase_target *target,
                                    const Hb__TableSchema *schema)
{
    struct buf missing = {.max_bytes = MAX_LIST_BYTES};
    struct status st = status_ok();

    for (size_t i = 0; i < target->spec->ncolumns; i++) {
        struct str family = target->places[i].family;
        if (is_first_of_family(target, i) && !hbase_schema_find_family(schema, family))
            buf_printf(&missing, "%s%.*s", missing.len > 0 ? ", " : "", (int)family.len,
                       family.data);
    }
    if (missing.len > 0 || buf_is_full(&missing))
        st =
            status_error(STATUS_FAILED_PRECONDITION,
                         "table %s exists and lacks the column families %s%s; add them, or import "
                         "into a table that is not there yet",
                         target->text, buf_get_text(&missing), buf_is_full(&missing) ? " ..." : "");
    buf_deinit(&missing);
    return st;
}

static struct status check_table(const struct hbase_target *target, struct hbase_cluster *cluster,
                                 const Hb__TableSchema *schema)
{
    struct status st = hbase_admin_check_rights(cluster, &target->name, "W");

    if (st.code == STATUS_OK)
        st = hbase_admin_check_enabled(cluster, &target->name);
    if (st.code != STATUS_OK)
        return st;
    if (hbase_schema_is_read_only(schema))
        return status_error(STATUS_FAILED_PRECONDITION, "table %s is read-only (READONLY is true)",
                            target->text);
    return check_families(target, schema);
}

/* ---- A new table ---- */

/* Row keys of a sample. */
struct key_taker {
    struct row_taker taker;
    const struct hbase_target *target;
    struct arena *arena;
    struct buf scratch;
    struct str *keys; /* [0 .. nkeys), room for MAX_KEYS */
    size_t nkeys;
};

static void take_keys(struct row_taker *taker, const struct batch *batch)
{
    struct key_taker *keys = container_of(taker, struct key_taker, taker);
    const struct batch_column *column = &batch->columns[keys->target->key];

    for (size_t i = 0; i < KEYS_A_BATCH && batch->nrows > 0 && keys->nkeys < MAX_KEYS; i++) {
        buf_clear(&keys->scratch);
        if (hbase_encode(column, i * batch->nrows / KEYS_A_BATCH, &keys->scratch) ||
            keys->scratch.len == 0)
            continue; /* a bad row */
        size_t len =
            keys->scratch.len < HBASE_SPLIT_KEY_BYTES ? keys->scratch.len : HBASE_SPLIT_KEY_BYTES;
        keys->keys[keys->nkeys++] = str_from_bytes(
            arena_copy_str(keys->arena, str_from_bytes(keys->scratch.data, len)), len);
    }
}

/* The family as HBase's shell would make it, but for its compression. */
static Hb__ColumnFamilySchema *make_family(struct hbase_target *target, struct str name)
{
    Hb__ColumnFamilySchema *family = arena_alloc(target->arena, sizeof(*family));

    hb__column_family_schema__init(family);
    family->name = hbase_bytes_make(name);
    if (target->spec->is_compressed) {
        Hb__BytesBytesPair *pair = arena_alloc(target->arena, sizeof(*pair));

        hb__bytes_bytes_pair__init(pair);
        pair->first = hbase_bytes_make(str_from("COMPRESSION"));
        pair->second = hbase_bytes_make(str_from("ZSTD"));
        family->attributes = arena_alloc(target->arena, sizeof(struct Hb__BytesBytesPair *));
        family->attributes[0] = pair;
        family->n_attributes = 1;
    }
    return family;
}

static Hb__TableSchema *make_schema(struct hbase_target *target)
{
    Hb__TableSchema *schema = arena_alloc(target->arena, sizeof(*schema));

    hb__table_schema__init(schema);
    schema->table_name = arena_alloc(target->arena, sizeof(*schema->table_name));
    hb__table_name__init(schema->table_name);
    schema->table_name->namespace_ = hbase_bytes_make(str_from(target->name.namespace));
    schema->table_name->qualifier = hbase_bytes_make(str_from(target->name.qualifier));
    schema->column_families = arena_alloc(
        target->arena, target->spec->ncolumns * sizeof(struct Hb__ColumnFamilySchema *));
    for (size_t i = 0; i < target->spec->ncolumns; i++)
        if (is_first_of_family(target, i))
            schema->column_families[schema->n_column_families++] =
                make_family(target, target->places[i].family);
    return schema;
}

/* Most often it is the codec: not all servers have one. */
static struct status explain_creation(const struct hbase_target *target, struct status st)
{
    if (st.code != STATUS_FAILED_PRECONDITION || !target->spec->is_compressed)
        return st;
    return status_error(st.code, "table %s cannot be made with compression zstd: %s", target->text,
                        st.text);
}

static struct status create_table(struct hbase_target *target, struct hbase_cluster *cluster,
                                  struct row_sampler *sampler)
{
    struct key_taker keys = {
        .taker = {take_keys},
        .target = target,
        .arena = arena_create(0),
        .keys = mem_alloc_array(MAX_KEYS, sizeof(struct str)),
    };
    struct str *split_keys = NULL;
    size_t nsplit_keys = 0;
    uint64_t size_bytes = 0;
    Hb__TableSchema *schema = make_schema(target);
    struct status st = hbase_admin_check_rights(cluster, &target->name, "C");

    if (st.code == STATUS_OK && schema->n_column_families == 0)
        st = status_error(STATUS_INVALID_ARGUMENT,
                          "writerConfig.columns: a table has at least one family; the row key "
                          "alone cannot be kept");
    if (st.code == STATUS_OK)
        st = sampler->read(sampler, target->columns, &keys.taker, &size_bytes);
    if (st.code == STATUS_OK) {
        hbase_split_keys_choose(keys.keys, keys.nkeys, size_bytes, keys.arena, &split_keys,
                                &nsplit_keys);
        st = explain_creation(target,
                              hbase_admin_make_table(cluster, schema, split_keys, nsplit_keys));
    }
    buf_deinit(&keys.scratch);
    mem_free(keys.keys);
    arena_destroy(keys.arena);
    return st;
}

struct status hbase_target_make_table(struct hbase_target *target, struct hbase_cluster *cluster,
                                      struct row_sampler *sampler, bool *ret_made)
{
    Hb__TableSchema *schema = NULL;
    struct status st = hbase_admin_describe(cluster, &target->name, target->arena, &schema);

    *ret_made = false;
    if (st.code == STATUS_NOT_FOUND) {
        st = create_table(target, cluster, sampler);
        *ret_made = st.code == STATUS_OK;
        if (st.code != STATUS_ALREADY_EXISTS)
            return st;
        /* Somebody else was faster. */
        st = hbase_admin_describe(cluster, &target->name, target->arena, &schema);
    }
    return st.code == STATUS_OK ? check_table(target, cluster, schema) : st;
}
