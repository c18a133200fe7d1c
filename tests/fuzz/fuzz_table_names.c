/*
 * tests/fuzz/fuzz_table_names.c - tasks between clusters: the first line is the list of tables as a form has it, the
 * rest extraAttrs.
 *
 * Whatever comes, reading does not crash; a spec without violations keeps its promises.
 */
#include <assert.h>
#include <stdint.h>

#include "base/arena.h"
#include "rpc/message_json.h"
#include "sluice/v1/task.pb-c.h"
#include "spec/migration_spec.h"
#include "spec/sync_spec.h"
#include "spec/violations.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tables(const struct table_names *tables)
{
    assert(tables->count >= 1 && tables->count <= TABLE_NAMES_MAX_COUNT);
    for (size_t i = 0; i < tables->count; i++) {
        const struct table_entry *entry = &tables->entries[i];

        assert((entry->kind == TABLE_ENTRY_ONE) == (entry->source.qualifier.len > 0));
        assert((entry->kind == TABLE_ENTRY_ALL) == (entry->source.namespace.len == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create(0);
    struct str rest = str_from_bytes(data, size);
    struct str list = str_cut(&rest, '\n');
    Pb__FullMigrationSpec migration = PB__FULL_MIGRATION_SPEC__INIT;
    Pb__IncrementalSyncSpec sync = PB__INCREMENTAL_SYNC_SPEC__INIT;
    struct violations violations = {0};
    struct migration_spec migration_spec;
    struct sync_spec sync_spec;

    if (message_set_text(&migration.base, str_from("table_names"), list, arena).code != STATUS_OK)
        goto out;
    migration.extra_attrs_json = arena_copy_str(arena, rest);
    migration_spec_read(&migration, size % 2 == 0, arena, &violations, &migration_spec);
    if (violations.count == 0) {
        check_tables(&migration_spec.tables);
        assert(migration_spec.start_ms < migration_spec.end_ms);
        assert(migration_spec.start_key.len <= MIGRATION_MAX_KEY_BYTES);
    }
    sync.table_names = migration.table_names;
    sync.n_table_names = migration.n_table_names;
    sync.extra_attrs_json = migration.extra_attrs_json;
    violations.count = 0;
    sync_spec_read(&sync, size % 2 == 0, arena, &violations, &sync_spec);
    if (violations.count == 0)
        check_tables(&sync_spec.tables);
out:
    arena_destroy(arena);
    return 0;
}
