/*
 * worker/migration_schema.c - the SCHEMA job of a table: it is at the destination, or is made there, and fits.
 *
 * All that would keep rows from being copied later is looked for here, so that it is told within seconds: servers that do not
 * answer, rights, a table or a family that is missing, a destination that takes no rows.
 */
#include <stdio.h>

#include "base/arena.h"
#include "base/log.h"
#include "hbase/admin.h"
#include "worker/job_context.h"
#include "worker/migration.h"
#include "worker/migration_table.h"
#include "worker/runner.h"
#include "worker/table_copy.h"

enum { MAX_LIST_BYTES = 120 }; /* of families, in a message */

static struct status check_source(struct migration *migration, Hb__TableSchema **ret)
{
    const char *text = migration->source_text;
    struct status st = migration_table_describe(migration->source, &migration->source_name, "R",
                                                migration->arena, ret);

    if (st.code == STATUS_OK)
        st = migration_table_check(migration->source, &migration->source_name, "R");
    if (st.code == STATUS_OK)
        st = migration_table_check_families(migration, *ret, *ret, text);
    return migration_at_source(st);
}

/* A table that exists stays as it is. */
static struct status check_existing(struct migration *migration, const Hb__TableSchema *table,
                                    const Hb__TableSchema *source)
{
    const char *text = migration->destination_text;
    struct status st =
        migration_table_check(migration->destination, &migration->destination_name, "W");

    if (st.code == STATUS_OK && hbase_schema_is_read_only(table))
        st = status_error(STATUS_FAILED_PRECONDITION, "table %s is read-only (READONLY is true)",
                          text);
    if (st.code == STATUS_OK)
        st = migration_table_check_families(migration, table, source, text);
    return st;
}

/* "exists with 4 regions and the column families a, b; a has VERSIONS 1, the source 3" */
static struct status describe_existing(struct migration *migration, const Hb__TableSchema *table,
                                       const Hb__TableSchema *source, char ret[RUNNER_TEXT_BYTES])
{
    struct buf families = {.max_bytes = MAX_LIST_BYTES}, losses = {.max_bytes = MAX_LIST_BYTES};
    struct hbase_table *open =
        hbase_table_create(migration->destination, &migration->destination_name);
    const struct hbase_region *regions = NULL;
    size_t nregions = 0;
    struct status st = hbase_table_list_regions(open, migration->arena, &regions, &nregions);

    if (st.code == STATUS_OK) {
        table_copy_list_families(table, &families);
        table_copy_find_losses(table, source, &losses);
        (void)snprintf(ret, RUNNER_TEXT_BYTES,
                       "exists with %zu region%s and the column families %s%s%s", nregions,
                       nregions == 1 ? "" : "s", buf_get_text(&families),
                       losses.len > 0 ? "; " : "", buf_get_text(&losses));
    }
    buf_deinit(&losses);
    buf_deinit(&families);
    hbase_table_destroy(open);
    return st;
}

static struct status create_table(struct migration *migration, const Hb__TableSchema *source)
{
    const struct hbase_table_name *name = &migration->destination_name;
    struct hbase_table *open = hbase_table_create(migration->source, &migration->source_name);
    const struct hbase_region *regions = NULL;
    size_t nregions = 0;
    struct status st =
        migration_at_source(hbase_table_list_regions(open, migration->arena, &regions, &nregions));

    hbase_table_destroy(open);
    if (st.code != STATUS_OK)
        return st;
    /* The first region begins where the table does. */
    struct str *keys = arena_alloc(migration->arena, nregions * sizeof(*keys));
    for (size_t i = 1; i < nregions; i++)
        keys[i - 1] = regions[i].start_key;
    st = hbase_admin_check_rights(migration->destination, name, "C");
    const Hb__TableSchema *schema = table_copy_make(source, name, migration->arena);
    if (st.code == STATUS_OK)
        st = hbase_admin_make_table(migration->destination, schema, keys, nregions - 1);
    if (st.code == STATUS_OK)
        log_info("table made", JOB_FIELDS(migration->context),
                 log_str("table", migration->destination_text),
                 log_int("regions", (int64_t)nregions));
    return migration_at_destination(st);
}

static struct status describe_destination(struct migration *migration, Hb__TableSchema **ret)
{
    return migration_table_describe(migration->destination, &migration->destination_name, "W",
                                    migration->arena, ret);
}

static struct status check_destination(struct migration *migration, const Hb__TableSchema *source,
                                       char ret_skipped[RUNNER_TEXT_BYTES])
{
    Hb__TableSchema *table = NULL;
    struct status st = describe_destination(migration, &table);

    if (st.code == STATUS_NOT_FOUND && migration->spec.has_to_create) {
        st = create_table(migration, source);
        if (st.code != STATUS_ALREADY_EXISTS)
            return st;
        st = describe_destination(migration, &table); /* somebody else was faster */
    }
    if (st.code == STATUS_NOT_FOUND)
        st =
            status_error(st.code, "%s; make it, or create the task with createTable=true", st.text);
    if (st.code == STATUS_OK)
        st = check_existing(migration, table, source);
    if (st.code == STATUS_OK)
        st = describe_existing(migration, table, source, ret_skipped);
    return migration_at_destination(st);
}

static struct runner_result run(struct job_context *context, void **ret_state)
{
    struct runner_result result = {.status = status_ok()};
    struct migration migration = {0};
    Hb__TableSchema *source = NULL;

    (void)ret_state;
    result.status = migration_open(context, &migration);
    if (result.status.code == STATUS_OK)
        result.status = check_source(&migration, &source);
    if (result.status.code == STATUS_OK)
        result.status = check_destination(&migration, source, result.skipped);
    migration_close(&migration);
    return result;
}

const struct runner migration_schema_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_FULL_MIGRATION,
    .role = PB__JOB_ROLE__JOB_ROLE_SCHEMA,
    .run = run,
};

const struct runner sync_schema_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_INCREMENTAL_SYNC,
    .role = PB__JOB_ROLE__JOB_ROLE_SCHEMA,
    .run = run,
};
