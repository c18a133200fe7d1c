/*
 * worker/migration_scan.h - reads of a table what a task is about: its times, rows and columns.
 */
#ifndef WORKER_MIGRATION_SCAN_H
#define WORKER_MIGRATION_SCAN_H

#include <stddef.h>

#include "base/compiler.h"
#include "worker/copy_plan.h"

struct hbase_scanner;
struct hbase_table;
struct migration;

enum migration_view {
    MIGRATION_RAW,     /* all cells that are there: what is to be copied */
    MIGRATION_VISIBLE, /* the versions that readers see: what is to be compared */
    MIGRATION_KEYS,    /* the same, without values */
};

/* A scanner of a range of table, at either side; as hbase_scanner_create. */
struct hbase_scanner *migration_scan_create(const struct migration *migration,
                                            struct hbase_table *table, struct key_range range,
                                            enum migration_view view, size_t page_bytes) MUST_CHECK;

#endif
