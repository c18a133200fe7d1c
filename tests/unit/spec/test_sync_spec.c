/*
 * tests/unit/spec/test_sync_spec.c - what an incremental sync may ask for.
 */
#include "spec/sync_spec.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "sluice/v1/task.pb-c.h"
#include "spec/violations.h"
#include "tests/harness/test.h"

static struct sync_spec read_spec(const char *table, const char *attrs, struct arena *arena,
                                  struct violations *violations)
{
    Pb__IncrementalSyncSpec message = PB__INCREMENTAL_SYNC_SPEC__INIT;
    char *tables[] = {arena_copy_str(arena, str_from(table))};
    struct sync_spec spec = {.is_full = false};

    message.table_names = tables;
    message.n_table_names = ARRAY_LEN(tables);
    message.extra_attrs_json = arena_copy_str(arena, str_from(attrs));
    sync_spec_read(&message, false, arena, violations, &spec);
    return spec;
}

test(sync_spec_is_read_from_the_texts_that_were_sent)
{
    struct arena *arena = arena_create(0);
    struct violations violations = {0};
    struct sync_spec spec =
        read_spec("ns:t1", "{\"full\":true,\"bandWidth\":1000}", arena, &violations);

    check_int(violations.count, 0);
    check(spec.is_full);
    check_int(spec.max_bytes_s_per_thread, 1000);
    check_int(spec.tables.count, 1);
    arena_destroy(arena);
}

test(sync_spec_refuses_tables_with_another_name_at_the_destination)
{
    static const struct {
        const char *table;
        bool is_refused;
    } cases[] = {
        {"t1/t2", true},          {"t1/ns:t1", true}, {"t1/t1", false},
        {"t1/default:t1", false}, {"ns:*", false},    {"*", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_create(0);
        struct violations violations = {0};

        (void)read_spec(cases[i].table, "", arena, &violations);
        check_int(violations.count, cases[i].is_refused);
        if (cases[i].is_refused)
            check_str(violations.items[0].field, "task.incremental_sync.table_names");
        arena_destroy(arena);
    }
}
