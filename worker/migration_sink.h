/*
 * worker/migration_sink.h - where the cells of a range go: through the destination's write path, or into files that it loads.
 */
#ifndef WORKER_MIGRATION_SINK_H
#define WORKER_MIGRATION_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "hbase/cell.h"

struct hbase_staging;
struct hbase_table;
struct hbase_writer_options;

/* One thread uses a sink. Nothing can be put after an error. */
struct migration_sink {
    /* Takes cells[0 .. ncells), which are in HBase's order and behind those before. Blocks. */
    struct status (*put)(struct migration_sink *sink, const struct hbase_cell *cells,
                         size_t ncells);
    /* All that was put is at the destination for good then. Blocks. */
    struct status (*flush)(struct migration_sink *sink);
    /* Whether to flush now that what was put first, since the last time, is so old. */
    bool (*is_due)(const struct migration_sink *sink, int64_t age_ms);
    void (*destroy)(struct migration_sink *sink);
};

/* Errors are those of hbase_writer_put. options are borrowed, the table must outlive the sink. */
struct migration_sink *migration_sink_create(struct hbase_table *table,
                                             const struct hbase_writer_options *options) MUST_CHECK;

/* Files in staging. Errors are those of hbase_bulk_writer_put. Both must outlive the sink. */
struct migration_sink *migration_sink_create_files(struct hbase_table *table,
                                                   struct hbase_staging *staging) MUST_CHECK;

#endif
