/*
 * tests/unit/spec/test_job_plan.c - the jobs of a bulk import.
 */
#include "spec/job_plan.h"

#include <string.h>

#include "base/arena.h"
#include "spec/import_spec.h"
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
    check_int(plan.jobs[1].step, 2);
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
