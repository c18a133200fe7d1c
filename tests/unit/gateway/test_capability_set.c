/*
 * tests/unit/gateway/test_capability_set.c - what a worker says it can do, read and put in order.
 */
#include "gateway/capability_set.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "spec/violations.h"
#include "tests/harness/test.h"

static struct violations read_entries(struct arena *arena, char *const *entries, size_t nentries,
                                      struct capability_set *ret)
{
    struct violations violations = {0};

    capability_set_read(entries, nentries, arena, &violations, ret);
    return violations;
}

test(capability_sets_are_equal_whatever_the_order_and_the_repeats)
{
    char *const entries[] = {"full_migration:hbase:lindorm",
                             "check:s3",
                             "bulkload:file:postgres",
                             "check:file",
                             "check:s3",
                             "bulkload:file:postgres"};
    struct arena *arena = arena_create(0);
    struct capability_set set = {0};

    check_int(read_entries(arena, entries, ARRAY_LEN(entries), &set).count, 0);
    check_str(set.jobs, "{\"bulkload:file:postgres\",\"full_migration:hbase:lindorm\"}");
    check_str(set.checks, "{\"check:file\",\"check:s3\"}");
    arena_destroy(arena);
}

test(capability_set_of_one_sort_has_an_empty_list_of_the_other)
{
    char *const jobs[] = {"incremental_sync:hbase:hbase"};
    char *const checks[] = {"check:spark"};
    struct arena *arena = arena_create(0);
    struct capability_set set = {0};

    check_int(read_entries(arena, jobs, 1, &set).count, 0);
    check(!capability_list_is_empty(set.jobs) && capability_list_is_empty(set.checks));
    check_int(read_entries(arena, checks, 1, &set).count, 0);
    check(capability_list_is_empty(set.jobs) && !capability_list_is_empty(set.checks));
    arena_destroy(arena);
}

test(capability_set_refuses_what_is_no_capability_and_names_it)
{
    static const char *const wrong[] = {
        "",
        "bulkload",
        "bulkload:file",
        "bulkload:file:",
        "bulkload:file:postgres:",
        "bulkload:file:postgres:more",
        "Bulkload:file:postgres",
        "BULKLOAD:FILE:POSTGRES",
        "bulkload:file:oracle",
        "copy:file:postgres",
        "unspecified:file:postgres",
        "task_kind_bulkload:file:postgres",
        " bulkload:file:postgres",
        "bulkload:file:postgr\xc3\xa9s",
        "check:",
        "check:unspecified",
        "check:file:",
        "check:FILE",
        "check:a_word_that_is_longer_than_the_name_of_any_value",
        "check",
        "file",
    };
    struct arena *arena = arena_create(0);

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char *const entries[] = {"check:file", (char *)(uintptr_t)wrong[i]};
        struct capability_set set = {.jobs = "as it was"};
        struct violations violations = read_entries(arena, entries, 2, &set);

        check_int(violations.count, 1);
        check_str(violations.items[0].field, "capabilities");
        check(strncmp(violations.items[0].text, "capabilities[1]: '", 18) == 0);
        check(strncmp(violations.items[0].text + 18, wrong[i], strlen(wrong[i]) % 60) == 0);
        check_str(set.jobs, "as it was");
    }
    arena_destroy(arena);
}

test(capability_set_has_limits)
{
    static char longest[CAPABILITY_MAX_BYTES + 1], longer[CAPABILITY_MAX_BYTES + 2];
    static char *entries[CAPABILITY_MAX_ENTRIES + 1];
    struct arena *arena = arena_create(0);
    struct capability_set set = {0};

    for (size_t i = 0; i < ARRAY_LEN(entries); i++)
        entries[i] = "check:file";
    check_int(read_entries(arena, entries, CAPABILITY_MAX_ENTRIES, &set).count, 0);
    check_str(set.checks, "{\"check:file\"}");
    check_int(read_entries(arena, entries, CAPABILITY_MAX_ENTRIES + 1, &set).count, 1);
    check_int(read_entries(arena, entries, 0, &set).count, 1);

    memset(longest, 'x', sizeof(longest) - 1);
    memset(longer, 'x', sizeof(longer) - 1);
    entries[0] = longest;
    struct violations violations = read_entries(arena, entries, 1, &set);
    check(strstr(violations.items[0].text, "is neither"));
    entries[0] = longer;
    violations = read_entries(arena, entries, 1, &set);
    check_str(violations.items[0].text, "capabilities[0] has 129 bytes; at most 128 are taken");
    arena_destroy(arena);
}

test(capability_set_names_all_that_is_wrong)
{
    char *const entries[] = {"one", "check:file", "two"};
    struct arena *arena = arena_create(0);
    struct capability_set set = {0};

    check_int(read_entries(arena, entries, 3, &set).count, 2);
    arena_destroy(arena);
}

test(capability_list_has_whole_entries_only)
{
    char *const entries[] = {"check:file", "bulkload:file:postgres"};
    struct arena *arena = arena_create(0);
    struct capability_set set = {0};

    check_int(read_entries(arena, entries, 2, &set).count, 0);
    check(capability_list_has(set.checks, str_from("check:file")));
    check(capability_list_has(set.jobs, str_from("bulkload:file:postgres")));
    check(!capability_list_has(set.jobs, str_from("bulkload:file")));
    check(!capability_list_has(set.jobs, str_from("check:file")));
    arena_destroy(arena);
}
