/*
 * tests/unit/spec/test_job_plan.c - the jobs of each kind of task.
 */
#include "spec/job_plan.h"

#include <string.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "spec/import_spec.h"
#include "spec/migration_spec.h"
#include "spec/sync_spec.h"
#include "tests/harness/test.h"

static const struct import_spec spec = {.namespace = "ns", .table = "t"};

static bool is_hex(const char *text, size_t len)
{
    return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

test(job_plan_of_an_import_makes_the_table_and_then_moves_rows)
{
    struct arena *arena = arena_create(0);
    struct job_plan plan;

    job_plan_make_bulkload(&spec, arena, &plan);
    check_int(plan.njobs, 2);
    check_int(plan.jobs[0].role, PB__JOB_ROLE__JOB_ROLE_SCHEMA);
    check_int(plan.jobs[0].step, 1);
    check_int(plan.jobs[0].state, PB__JOB_STATE__JOB_STATE_READY);
    check_int(plan.jobs[1].role, PB__JOB_ROLE__JOB_ROLE_FULL);
    check_int(plan.jobs[1].step, 3);
    check_int(plan.jobs[1].state, PB__JOB_STATE__JOB_STATE_WAITING);
    arena_destroy(arena);
}

test(job_plan_ids_tell_the_role)
{
    struct arena *arena = arena_create(0);
    struct job_plan plan;

    job_plan_make_bulkload(&spec, arena, &plan);
    const char *uuid = plan.jobs[0].id;
    check_int(strlen(uuid), 36);
    check(uuid[8] == '-' && uuid[13] == '-' && uuid[18] == '-' && uuid[23] == '-');
    check(strncmp(plan.jobs[1].id, "fulldata-", 9) == 0);
    check(is_hex(plan.jobs[1].id + 9, 32));
    arena_destroy(arena);
}

test(job_plan_ids_are_new_each_time)
{
    struct arena *arena = arena_create(0);
    struct job_plan a, b;

    job_plan_make_bulkload(&spec, arena, &a);
    job_plan_make_bulkload(&spec, arena, &b);
    for (size_t i = 0; i < a.njobs; i++)
        check(strcmp(a.jobs[i].id, b.jobs[i].id) != 0);
    arena_destroy(arena);
}

test(job_plan_names_the_table_with_its_namespace_if_there_is_one)
{
    static const struct import_spec bare = {.namespace = "", .table = "t"};
    struct arena *arena = arena_create(0);
    struct job_plan plan;

    job_plan_make_bulkload(&spec, arena, &plan);
    check_str(plan.jobs[0].table, "ns:t");
    check_str(plan.jobs[1].table, "ns:t");
    job_plan_make_bulkload(&bare, arena, &plan);
    check_str(plan.jobs[0].table, "t");
    arena_destroy(arena);
}

#define ROLE(name) PB__JOB_ROLE__JOB_ROLE_##name

static const struct table_entry entries[] = {{.text = "t1"}, {.text = "ns:t2/t3"}};
static const struct table_names tables = {.entries = entries, .count = 2};
static const struct table_names patterns = {.entries = entries, .count = 2, .has_pattern = true};

struct expected_job {
    Pb__JobRole role;
    const char *id_prefix;
    const char *table;
    Pb__JobState state;
};

/* The jobs are the expected ones, and their steps never go down. */
static void check_plan(const struct job_plan *plan, const struct expected_job *expected,
                       size_t count)
{
    check_int(plan->njobs, count);
    for (size_t i = 0; i < plan->njobs && i < count; i++) {
        check_int(plan->jobs[i].role, expected[i].role);
        check(strncmp(plan->jobs[i].id, expected[i].id_prefix, strlen(expected[i].id_prefix)) == 0);
        check_str(plan->jobs[i].table, expected[i].table);
        check_int(plan->jobs[i].state, expected[i].state);
        check(i == 0 || plan->jobs[i].step >= plan->jobs[i - 1].step);
        check(i == 0 || (plan->jobs[i].step == plan->jobs[i - 1].step) ==
                            (plan->jobs[i].role == plan->jobs[i - 1].role));
    }
}

#define READY PB__JOB_STATE__JOB_STATE_READY
#define WAITING PB__JOB_STATE__JOB_STATE_WAITING

test(job_plan_of_a_migration_takes_each_table_through_all_steps)
{
    static const struct expected_job expected[] = {
        {ROLE(SCHEMA), "", "t1", READY},
        {ROLE(SCHEMA), "", "ns:t2/t3", READY},
        {ROLE(FULL), "fulldata-", "t1", WAITING},
        {ROLE(FULL), "fulldata-", "ns:t2/t3", WAITING},
        {ROLE(BULKLOAD), "bulkload-", "t1", WAITING},
        {ROLE(BULKLOAD), "bulkload-", "ns:t2/t3", WAITING},
        {ROLE(CHECK), "check-", "t1", WAITING},
        {ROLE(CHECK), "check-", "ns:t2/t3", WAITING},
    };
    struct arena *arena = arena_create(0);
    struct migration_spec migration = {.tables = tables};
    struct job_plan plan;

    job_plan_make_migration(&migration, arena, &plan);
    check_plan(&plan, expected, 4);
    migration.has_to_load = true;
    job_plan_make_migration(&migration, arena, &plan);
    check_plan(&plan, expected, 6);
    migration.verify = MIGRATION_VERIFY_COUNT;
    job_plan_make_migration(&migration, arena, &plan);
    check_plan(&plan, expected, 8);
    arena_destroy(arena);
}

test(job_plan_of_a_sync_makes_tables_and_follows_all_of_them_in_one_job)
{
    static const struct expected_job expected[] = {
        {ROLE(SCHEMA), "", "t1", READY},
        {ROLE(SCHEMA), "", "ns:t2/t3", READY},
        {ROLE(INCR), "incr-", "t1,ns:t2/t3", WAITING},
    };
    static const struct expected_job alone[] = {{ROLE(INCR), "incr-", "t1,ns:t2/t3", READY}};
    struct arena *arena = arena_create(0);
    struct sync_spec sync = {.tables = tables, .has_to_create = true};
    struct job_plan plan;

    job_plan_make_sync(&sync, arena, &plan);
    check_plan(&plan, expected, ARRAY_LEN(expected));
    sync.has_to_create = false;
    job_plan_make_sync(&sync, arena, &plan);
    check_plan(&plan, alone, ARRAY_LEN(alone));
    arena_destroy(arena);
}

test(job_plan_of_a_sync_with_what_there_is_copies_behind_a_disabled_peer)
{
    static const struct expected_job expected[] = {
        {ROLE(SCHEMA), "", "t1", READY},
        {ROLE(SCHEMA), "", "ns:t2/t3", READY},
        {ROLE(PEER), "peer-", "t1,ns:t2/t3", WAITING},
        {ROLE(FULL), "fulldata-", "t1", WAITING},
        {ROLE(FULL), "fulldata-", "ns:t2/t3", WAITING},
        {ROLE(INCR), "incr-", "t1,ns:t2/t3", WAITING},
    };
    static const struct table_names one = {.entries = entries, .count = 1};
    struct arena *arena = arena_create(0);
    struct sync_spec sync = {.tables = tables, .has_to_create = true, .is_full = true};
    struct job_plan plan;

    job_plan_make_sync(&sync, arena, &plan);
    check_plan(&plan, expected, ARRAY_LEN(expected));
    sync = (struct sync_spec){.tables = one, .is_full = true};
    job_plan_make_sync(&sync, arena, &plan);
    check_int(plan.njobs, 3);
    check_int(plan.jobs[0].role, ROLE(PEER));
    check_int(plan.jobs[0].state, READY);
    arena_destroy(arena);
}

test(job_plan_of_a_comparison_moves_nothing)
{
    static const struct expected_job expected[] = {
        {ROLE(CHECK), "check-", "t1", READY},
        {ROLE(CHECK), "check-", "ns:t2/t3", READY},
    };
    struct arena *arena = arena_create(0);
    struct migration_spec migration = {
        .tables = tables, .mode = MIGRATION_VERIFY_ONLY, .verify = MIGRATION_VERIFY_FULL};
    struct job_plan plan;

    job_plan_make_migration(&migration, arena, &plan);
    check_plan(&plan, expected, ARRAY_LEN(expected));
    arena_destroy(arena);
}

test(job_plan_has_the_limit_of_its_jobs)
{
    struct arena *arena = arena_create(0);
    struct migration_spec migration = {.tables = tables, .max_bytes_s_per_thread = 7};
    struct sync_spec sync = {.tables = tables, .max_bytes_s_per_thread = 8};
    struct job_plan plan;

    job_plan_make_migration(&migration, arena, &plan);
    check_int(plan.max_bytes_s_per_thread, 7);
    job_plan_make_sync(&sync, arena, &plan);
    check_int(plan.max_bytes_s_per_thread, 8);
    job_plan_make_bulkload(&spec, arena, &plan);
    check_int(plan.max_bytes_s_per_thread, 0);
    arena_destroy(arena);
}

test(job_plan_with_a_pattern_is_one_job_that_finds_the_tables)
{
    static const struct expected_job expected[] = {{ROLE(PLAN), "plan-", "", READY}};
    struct arena *arena = arena_create(0);
    struct migration_spec migration = {.tables = patterns, .has_to_load = true};
    struct sync_spec sync = {.tables = patterns, .has_to_create = true};
    struct job_plan plan;

    job_plan_make_migration(&migration, arena, &plan);
    check_plan(&plan, expected, 1);
    job_plan_make_sync(&sync, arena, &plan);
    check_plan(&plan, expected, 1);
    arena_destroy(arena);
}
