/*
 * tests/fuzz/fuzz_migration_spec.c - what a migration and a sync ask for: the first line is a table's name, the rest the
 * JSON of extraAttrs.
 *
 * What is read without a violation keeps the limits of migration_spec.h.
 */
#include <assert.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/mem.h"
#include "sluice/v1/task.pb-c.h"
#include "spec/migration_spec.h"
#include "spec/sync_spec.h"
#include "spec/violations.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA_BYTES = 4 << 20 };

static void read_migration(char *table, char *attrs, bool is_one_source)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    Pb__FullMigrationSpec message = PB__FULL_MIGRATION_SPEC__INIT;
    struct violations violations = {0};
    struct migration_spec spec;

    message.table_names = &table;
    message.n_table_names = 1;
    message.extra_attrs_json = attrs;
    migration_spec_read(&message, is_one_source, arena, &violations, &spec);
    if (violations.count == 0) {
        assert(spec.concurrency <= MIGRATION_MAX_CONCURRENCY);
        assert(spec.ncolumns <= MIGRATION_MAX_COLUMNS);
        assert(spec.start_key.len <= MIGRATION_MAX_KEY_BYTES);
        assert(spec.end_key.len <= MIGRATION_MAX_KEY_BYTES);
        assert(spec.start_ms < spec.end_ms);
    }
    arena_destroy(arena);
}

static void read_sync(char *table, char *attrs, bool is_one_source)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    Pb__IncrementalSyncSpec message = PB__INCREMENTAL_SYNC_SPEC__INIT;
    struct violations violations = {0};
    struct sync_spec spec;

    message.table_names = &table;
    message.n_table_names = 1;
    message.extra_attrs_json = attrs;
    sync_spec_read(&message, is_one_source, arena, &violations, &spec);
    assert(violations.count > 0 || spec.max_bytes_s_per_thread >= 0);
    arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_from_bytes(data, size);
    char *table = mem_copy_str(str_cut(&rest, '\n'));
    char *attrs = mem_copy_str(rest);
    bool is_one_source = size % 2 == 1;

    read_migration(table, attrs, is_one_source);
    read_sync(table, attrs, is_one_source);
    mem_free(table);
    mem_free(attrs);
    return 0;
}
