/*
 * worker/migration_plan.c - the PLAN job: which tables the patterns of a task mean.
 *
 * A table that is named besides a pattern is taken as it is named, so "ns:*" and "ns:t1/ns:t2" together copy t1 once, to t2.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"
#include "hbase/admin.h"
#include "spec/violations.h"
#include "worker/job_context.h"
#include "worker/migration.h"
#include "worker/runner.h"

static const char field[] = "task.table_names";

/* The names that are found, in the migration's arena. */
struct found {
    char *texts[TABLE_NAMES_MAX_COUNT];
    size_t count;
};

struct plan_state {
    struct migration migration;
    struct found found;
};

static struct status add(struct found *found, const char *text)
{
    if (found->count == TABLE_NAMES_MAX_COUNT)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "the patterns mean more than %d tables; name fewer of them in one task",
                            TABLE_NAMES_MAX_COUNT);
    found->texts[found->count++] = (char *)(uintptr_t)text;
    return status_ok();
}

static bool is_named(const struct table_names *tables, const struct hbase_table_name *name)
{
    for (size_t i = 0; i < tables->count; i++) {
        const struct table_entry *entry = &tables->entries[i];

        if (entry->kind == TABLE_ENTRY_ONE && str_is(entry->source.namespace, name->namespace) &&
            str_is(entry->source.qualifier, name->qualifier))
            return true;
    }
    return false;
}

static struct status expand(struct migration *migration, const struct table_entry *entry,
                            struct found *found)
{
    const char *namespace = entry->kind == TABLE_ENTRY_ALL
                                ? NULL
                                : arena_copy_str(migration->arena, entry->source.namespace);
    struct hbase_table_name *names = NULL;
    size_t count = 0;
    char text[HBASE_TABLE_NAME_BYTES];
    struct status st = migration_at_source(
        hbase_admin_list_tables(migration->source, namespace, migration->arena, &names, &count));

    for (size_t i = 0; st.code == STATUS_OK && i < count; i++) {
        if (is_named(&migration->spec.tables, &names[i]))
            continue;
        hbase_table_name_write(&names[i], text);
        st = add(found, arena_copy_str(migration->arena, str_from(text)));
    }
    return st;
}

/* Names that are right one by one may not be right together: two tables may become one. */
static struct status check_names(struct migration *migration, const struct found *found)
{
    const Pb__Task *task = job_context_get_job(migration->context)->task;
    const struct table_names_rules rules = {
        .field = field, .is_one_source = str_is(str_from(task->source), task->destination)};
    struct violations violations = {0};
    struct table_names names;

    if (found->count == 0)
        return migration_at_source(status_error(STATUS_NOT_FOUND, "no table matches the patterns"));
    table_names_read(found->texts, found->count, &rules, migration->arena, &violations, &names);
    return violations_get_status(&violations);
}

static struct status find_tables(struct migration *migration, struct found *found)
{
    const struct table_names *tables = &migration->spec.tables;
    struct status st = status_ok();

    for (size_t i = 0; st.code == STATUS_OK && i < tables->count; i++) {
        const struct table_entry *entry = &tables->entries[i];

        st = entry->kind == TABLE_ENTRY_ONE ? add(found, entry->text)
                                            : expand(migration, entry, found);
    }
    return st.code == STATUS_OK ? check_names(migration, found) : st;
}

static struct runner_result run(struct job_context *context, void **ret_state)
{
    struct plan_state *state = mem_alloc(sizeof(*state));
    struct runner_result result = {.status = migration_open(context, &state->migration)};

    *ret_state = state;
    if (result.status.code == STATUS_OK)
        result.status = find_tables(&state->migration, &state->found);
    if (result.status.code == STATUS_OK) {
        result.table_names = state->found.texts;
        result.ntable_names = state->found.count;
    }
    return result;
}

static void close_plan(void *state, bool is_over)
{
    struct plan_state *plan = state;

    (void)is_over;
    migration_close(&plan->migration);
    mem_free(plan);
}

const struct runner migration_plan_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_FULL_MIGRATION,
    .role = PB__JOB_ROLE__JOB_ROLE_PLAN,
    .run = run,
    .close = close_plan,
};

const struct runner sync_plan_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_INCREMENTAL_SYNC,
    .role = PB__JOB_ROLE__JOB_ROLE_PLAN,
    .run = run,
    .close = close_plan,
};
