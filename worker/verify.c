/*
 * worker/verify.c - the CHECK job of a table: compares it with the one at the destination.
 *
 * Both are read, as readers see them, and compared cell by cell. A digest of a range would save nothing: HBase makes none, so the
 * cells would have to come here for it, too.
 */
#include <inttypes.h>

#include "base/arena.h"
#include "hbase/admin.h"
#include "worker/job_context.h"
#include "worker/migration.h"
#include "worker/migration_table.h"
#include "worker/range_work.h"
#include "worker/runner.h"
#include "worker/table_copy.h"
#include "worker/verify_range.h"
#include "worker/verify_tables.h"

enum { MS_PER_S = 1000 };

/* What a family keeps; the default values are HBase's (ColumnFamilyDescriptorBuilder). */
static struct verify_family read_family(const Hb__ColumnFamilySchema *family)
{
    int64_t ttl_s = table_copy_get_number(family, "TTL", INT32_MAX);

    return (struct verify_family){
        .name = str_from_bytes(family->name.data, family->name.len),
        .max_versions = table_copy_get_number(family, "VERSIONS", 1),
        .min_versions = table_copy_get_number(family, "MIN_VERSIONS", 0),
        .ttl_ms = ttl_s == INT32_MAX ? INT64_MAX : ttl_s * MS_PER_S,
    };
}

static struct verify_families read_families(const Hb__TableSchema *table, struct arena *arena)
{
    struct verify_family *families =
        arena_alloc(arena, (table->n_column_families + 1) * sizeof(*families));

    for (size_t i = 0; i < table->n_column_families; i++)
        families[i] = read_family(table->column_families[i]);
    return (struct verify_families){families, table->n_column_families};
}

static struct status check_table(struct migration *migration, struct hbase_cluster *cluster,
                                 const struct hbase_table_name *name, const char *actions,
                                 Hb__TableSchema **ret)
{
    struct status st = hbase_admin_describe(cluster, name, migration->arena, ret);

    return st.code == STATUS_OK ? migration_table_check(cluster, name, actions) : st;
}

/* Looks for all that would keep the tables from being compared, and reads what they keep. */
static struct status read_rules(struct migration *migration, struct verify_rules *ret)
{
    const struct migration_spec *spec = &migration->spec;
    Hb__TableSchema *source = NULL, *destination = NULL;
    struct status st = migration_at_source(
        check_table(migration, migration->source, &migration->source_name, "R", &source));

    if (st.code == STATUS_OK)
        st = migration_at_source(
            migration_table_check_families(migration, source, source, migration->source_text));
    if (st.code == STATUS_OK)
        st = migration_at_destination(check_table(migration, migration->destination,
                                                  &migration->destination_name,
                                                  spec->has_to_repair ? "RW" : "R", &destination));
    if (st.code == STATUS_OK)
        st = migration_at_destination(migration_table_check_families(migration, destination, source,
                                                                     migration->destination_text));
    if (st.code != STATUS_OK)
        return st;
    *ret = (struct verify_rules){
        .families = {read_families(source, migration->arena),
                     read_families(destination, migration->arena)},
        .has_values = spec->verify == MIGRATION_VERIFY_FULL,
        .has_to_repair = spec->has_to_repair,
    };
    return st;
}

static struct status conclude(const struct migration *migration,
                              const struct job_comparison *counts)
{
    int64_t ndifferences =
        counts->missing + counts->extra + counts->changed_values + counts->changed_timestamps;

    if (ndifferences == counts->repaired)
        return status_ok();
    return status_error(STATUS_FAILED_PRECONDITION,
                        "cells missing: %" PRId64 ", extra: %" PRId64 ", of another value: %" PRId64
                        ", of another timestamp: %" PRId64 ", repaired of these: %" PRId64
                        " (see the task's differences); table %s",
                        counts->missing, counts->extra, counts->changed_values,
                        counts->changed_timestamps, counts->repaired, migration->destination_text);
}

static struct status compare(struct migration *migration)
{
    struct verify_rules rules;
    struct copy_counts counts;
    struct status st = read_rules(migration, &rules);

    if (st.code != STATUS_OK)
        return st;
    struct range_work_options options = {
        .migration = migration,
        .source = hbase_table_create(migration->source, &migration->source_name),
        .destination = hbase_table_create(migration->destination, &migration->destination_name),
        .thread_name = "verifier",
        .run = verify_range_compare,
        .self = &rules,
        .is_comparison = true,
    };
    st = range_work_run(&options, &counts);
    hbase_table_destroy(options.source);
    hbase_table_destroy(options.destination);
    return st.code == STATUS_OK ? conclude(migration, &counts.comparison) : st;
}

static struct runner_result run(struct job_context *context, void **ret_state)
{
    struct migration migration = {0};
    struct runner_result result = {.status = migration_open(context, &migration)};

    (void)ret_state;
    if (result.status.code == STATUS_OK)
        result.status = compare(&migration);
    migration_close(&migration);
    return result;
}

const struct runner verify_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_FULL_MIGRATION,
    .role = PB__JOB_ROLE__JOB_ROLE_CHECK,
    .run = run,
};
