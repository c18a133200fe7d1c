#include "worker/sync_tables.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "hbase/admin.h"
#include "hbase/cluster.h"
#include "hbase/message.h"
#include "worker/job_context.h"
#include "worker/migration.h"
#include "worker/row_text.h"
#include "worker/table_copy.h"

enum { MAX_LIST_BYTES = 100 }; /* of families, in a message */

static const char scope[] = "REPLICATION_SCOPE";

struct status sync_tables_read(const struct sync *sync, struct arena *arena,
                               struct sync_tables *ret)
{
    struct sync_tables tables = {
        .source = arena_alloc(arena, sync->ntables * sizeof(*tables.source)),
        .destination = arena_alloc(arena, sync->ntables * sizeof(*tables.destination)),
    };

    struct status st = migration_at_source(
        hbase_admin_describe_all(sync->source, sync->tables, sync->ntables, arena, tables.source));
    if (st.code == STATUS_OK)
        st = migration_at_destination(hbase_admin_describe_all(
            sync->destination, sync->tables, sync->ntables, arena, tables.destination));
    if (st.code == STATUS_OK)
        *ret = tables;
    return st;
}

/* ---- The destination follows */

/* The destination's definition with the families that it lacks, or NULL if it lacks none. */
static Hb__TableSchema *add_families(const struct hbase_table_name *name,
                                     const Hb__TableSchema *source,
                                     const Hb__TableSchema *destination, struct arena *arena)
{
    Hb__TableSchema *copied = table_copy_make(source, name, arena);
    Hb__TableSchema *changed = arena_alloc(arena, sizeof(*changed));
    size_t count = destination->n_column_families;

    *changed = *destination;
    changed->column_families =
        arena_alloc(arena, (count + copied->n_column_families) * sizeof(void *));
    memcpy(changed->column_families, destination->column_families, count * sizeof(void *));
    for (size_t i = 0; i < copied->n_column_families; i++) {
        if (!hbase_schema_find_family(destination,
                                      hbase_bytes_get(copied->column_families[i]->name)))
            changed->column_families[count++] = copied->column_families[i];
    }
    changed->n_column_families = count;
    return count > destination->n_column_families ? changed : NULL;
}

struct status sync_tables_follow(const struct sync *sync, struct arena *arena,
                                 struct sync_tables *tables)
{
    struct status st = status_ok();
    bool has_changed = false;

    for (size_t i = 0; sync->has_to_create && st.code == STATUS_OK && i < sync->ntables; i++) {
        char text[HBASE_TABLE_NAME_BYTES];

        if (!tables->source[i] || !tables->destination[i])
            continue;
        Hb__TableSchema *changed =
            add_families(&sync->tables[i], tables->source[i], tables->destination[i], arena);
        if (!changed)
            continue;
        st = migration_at_destination(hbase_admin_modify_table(sync->destination, changed));
        has_changed = true;
        hbase_table_name_write(&sync->tables[i], text);
        log_info("families added", JOB_FIELDS(sync->context), log_str("table", text), log_code(st),
                 log_str("error", st.text));
    }
    return st.code == STATUS_OK && has_changed ? sync_tables_read(sync, arena, tables) : st;
}

/* ---- What the source notes for replication */

/* The pair that has the family's scope, added if there is none. */
static Hb__BytesBytesPair *find_scope(Hb__ColumnFamilySchema *family, struct arena *arena)
{
    for (size_t i = 0; i < family->n_attributes; i++) {
        if (str_is(hbase_bytes_get(family->attributes[i]->first), scope))
            return family->attributes[i];
    }
    Hb__BytesBytesPair **attributes =
        arena_alloc(arena, (family->n_attributes + 1) * sizeof(*attributes));
    Hb__BytesBytesPair *added = arena_alloc(arena, sizeof(*added));
    hb__bytes_bytes_pair__init(added);
    added->first = (ProtobufCBinaryData){strlen(scope), (uint8_t *)(uintptr_t)scope};
    if (family->n_attributes > 0)
        memcpy(attributes, family->attributes, family->n_attributes * sizeof(*attributes));
    attributes[family->n_attributes++] = added;
    family->attributes = attributes;
    return added;
}

/* Sets the scope in the definition where it is not set and the destination has the family; returns whether it did. */
static bool set_scopes(const char *table, Hb__TableSchema *source,
                       const Hb__TableSchema *destination, struct arena *arena,
                       struct buf *ret_late)
{
    static const char global[] = "1";
    bool has_changed = false;

    for (size_t i = 0; i < source->n_column_families; i++) {
        Hb__ColumnFamilySchema *family = source->column_families[i];
        Hb__BytesBytesPair *pair = find_scope(family, arena);
        struct str value = hbase_bytes_get(pair->second);

        if ((value.len > 0 && !str_is(value, "0")) ||
            !hbase_schema_find_family(destination, hbase_bytes_get(family->name)))
            continue;
        pair->second = hbase_bytes_make(str_from(global));
        buf_printf(ret_late, "%s%s:", ret_late->len > 0 ? ", " : "", table);
        row_text_write(hbase_bytes_get(family->name), ret_late);
        has_changed = true;
    }
    return has_changed;
}

struct status sync_tables_set_scopes(const struct sync *sync, const struct sync_tables *tables,
                                     struct arena *arena, struct buf *ret_late)
{
    struct status st = status_ok();

    for (size_t i = 0; st.code == STATUS_OK && i < sync->ntables; i++) {
        char text[HBASE_TABLE_NAME_BYTES];

        hbase_table_name_write(&sync->tables[i], text);
        if (tables->source[i] && tables->destination[i] &&
            set_scopes(text, tables->source[i], tables->destination[i], arena, ret_late)) {
            st = migration_at_source(hbase_admin_modify_table(sync->source, tables->source[i]));
            log_info("scopes set", JOB_FIELDS(sync->context), log_str("table", text), log_code(st),
                     log_str("error", st.text));
        }
    }
    return st;
}

/* ---- What does not fit */

static struct status make_missing(const struct sync *sync, const char *text)
{
    if (sync->has_to_create)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "destination: table %s is gone; make it again, with what it had: only "
                            "new changes are shipped",
                            text);
    return status_error(STATUS_FAILED_PRECONDITION,
                        "destination: there is no table %s; make it, or create the sync with "
                        "createTable=true",
                        text);
}

static struct status check_fit(const struct sync *sync, const char *text,
                               const Hb__TableSchema *source, const Hb__TableSchema *destination)
{
    struct buf missing = {.max_bytes = MAX_LIST_BYTES}, losses = {.max_bytes = MAX_LIST_BYTES};
    struct status st = status_ok();

    table_copy_find_missing(destination, source, NULL, 0, &missing);
    table_copy_find_losses(destination, source, &losses);
    if (missing.len > 0)
        st = status_error(STATUS_FAILED_PRECONDITION,
                          "destination: table %s lacks the column families %s; add them%s", text,
                          buf_get_text(&missing),
                          sync->has_to_create ? "" : ", or create the sync with createTable=true");
    else if (hbase_schema_is_read_only(destination))
        st = status_error(STATUS_FAILED_PRECONDITION,
                          "destination: table %s is read-only; set READONLY to false", text);
    else if (losses.len > 0)
        st = status_error(STATUS_FAILED_PRECONDITION,
                          "destination: table %s keeps less than the source: %s; alter it", text,
                          buf_get_text(&losses));
    buf_deinit(&losses);
    buf_deinit(&missing);
    return st;
}

static struct status check_table(const struct sync *sync, const struct sync_tables *tables,
                                 size_t i)
{
    char text[HBASE_TABLE_NAME_BYTES];

    hbase_table_name_write(&sync->tables[i], text);
    if (!tables->source[i])
        return status_error(STATUS_FAILED_PRECONDITION,
                            "source: there is no table %s; make it, or take it out of the sync's "
                            "table_names",
                            text);
    if (!tables->destination[i])
        return make_missing(sync, text);
    return check_fit(sync, text, tables->source[i], tables->destination[i]);
}

struct status sync_tables_check(const struct sync *sync, const struct sync_tables *tables)
{
    struct status st = status_ok();

    for (size_t i = 0; st.code == STATUS_OK && i < sync->ntables; i++)
        st = check_table(sync, tables, i);
    return st;
}

struct status sync_tables_check_enabled(const struct sync *sync)
{
    struct status st = status_ok();

    for (size_t i = 0; st.code == STATUS_OK && i < sync->ntables; i++) {
        Hb__TableState__State state = HB__TABLE_STATE__STATE__ENABLED;
        char text[HBASE_TABLE_NAME_BYTES];

        st = migration_at_destination(
            hbase_admin_get_state(sync->destination, &sync->tables[i], &state));
        hbase_table_name_write(&sync->tables[i], text);
        if (st.code == STATUS_OK && state != HB__TABLE_STATE__STATE__ENABLED)
            st = status_error(STATUS_FAILED_PRECONDITION,
                              "destination: table %s is not enabled; enable it", text);
    }
    return st;
}
