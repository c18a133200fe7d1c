#include "worker/migration_scan.h"

#include "base/arena.h"
#include "hbase/scan.h"
#include "worker/migration.h"

static const struct hbase_column *make_columns(const struct migration_spec *spec,
                                               struct arena *arena)
{
    struct hbase_column *columns = arena_alloc(arena, (spec->ncolumns + 1) * sizeof(*columns));

    for (size_t i = 0; i < spec->ncolumns; i++)
        columns[i] = (struct hbase_column){
            spec->columns[i].family, spec->columns[i].is_whole_family, spec->columns[i].qualifier};
    return columns;
}

struct hbase_scanner *migration_scan_create(const struct migration *migration,
                                            struct hbase_table *table, struct key_range range,
                                            enum migration_view view, size_t page_bytes)
{
    const struct migration_spec *spec = &migration->spec;
    struct arena *arena = arena_create(0);
    struct hbase_scan_options options = {
        .start_row = range.start,
        .stop_row = range.end,
        .columns = make_columns(spec, arena),
        .ncolumns = spec->ncolumns,
        .start_ms = spec->start_ms,
        .end_ms = spec->end_ms,
        .max_versions = HBASE_ALL_VERSIONS,
        .is_raw = view == MIGRATION_RAW,
        .is_keys_only = view == MIGRATION_KEYS,
        .page_bytes = page_bytes,
    };
    struct hbase_scanner *scanner = hbase_scanner_create(table, &options);

    arena_destroy(arena);
    return scanner;
}
