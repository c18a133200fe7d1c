/*
 * connectors/hbase/hbase_target.h - where an import's columns go in HBase, and the table that takes them.
 */
#ifndef CONNECTORS_HBASE_HBASE_TARGET_H
#define CONNECTORS_HBASE_HBASE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/str.h"
#include "connectors/batch.h"
#include "hbase/table.h"
#include "spec/import_spec.h"

struct row_sampler;

struct hbase_target_place {
    struct str family; /* empty for the row key */
    struct str qualifier;
};

/* {0} before hbase_target_init. */
struct hbase_target {
    const struct import_spec *spec; /* borrowed until hbase_target_deinit */
    struct arena *arena;
    struct hbase_table_name name;
    char text[HBASE_TABLE_NAME_BYTES]; /* of it */
    struct target_column *columns;     /* [0 .. spec->ncolumns) */
    struct hbase_target_place *places; /* the same */
    size_t key;                        /* index of the row key */
    int64_t timestamp_ms;              /* of all cells */
};

/*
 * timestamp_ms is that of cells if the spec has none. INVALID_ARGUMENT: spec asks for what HBase does not have. deinit is
 * to follow in any case.
 */
struct status hbase_target_init(struct hbase_target *target, const struct import_spec *spec,
                                int64_t timestamp_ms) MUST_CHECK;
void hbase_target_deinit(struct hbase_target *target);

/*
 * Checks that the table takes the import's rows, or makes it. FAILED_PRECONDITION: it is disabled, read-only or lacks a
 * family; PERMISSION_DENIED; otherwise as hbase/admin.h has it. Blocks.
 */
struct status hbase_target_make_table(struct hbase_target *target, struct hbase_cluster *cluster,
                                      struct row_sampler *sampler, bool *ret_made) MUST_CHECK;

#endif
