/*
 * hbase/bulk_writer.h - writes cells into files, and has regions load them.
 *
 * A writer has one file for each family of the region that it is at, and has them loaded when the next region begins, or as its owner likes.
 * One thread uses a writer.
 */
#ifndef HBASE_BULK_WRITER_H
#define HBASE_BULK_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "hbase/cell.h"
#include "hbase/table.h"

struct hbase_bulk_writer;
struct hbase_staging;

enum {
    HBASE_BULK_MAX_FAMILIES = 256,            /* of a table: each has an open file */
    HBASE_BULK_MAX_BYTES = 256 * 1024 * 1024, /* of files that are written and not loaded */
};

/* Both must outlive the writer. */
struct hbase_bulk_writer *hbase_bulk_writer_create(struct hbase_table *table,
                                                   struct hbase_staging *staging) MUST_CHECK;

/* Removes what is not loaded. NULL is allowed. */
void hbase_bulk_writer_destroy(struct hbase_bulk_writer *writer);

/*
 * Writes cells[0 .. ncells), which are in HBase's order, behind those before. Errors are those of hbase_bulk_load, hbase_hfile_add and
 * hbase_staging_create_file; FAILED_PRECONDITION: too many families. After an error nothing more can be written: what was not loaded is to
 * be written anew. Blocks.
 */
struct status hbase_bulk_writer_put(struct hbase_bulk_writer *writer,
                                    const struct hbase_cell *cells, size_t ncells) MUST_CHECK;

/* Whether so much is written that it should be loaded. */
bool hbase_bulk_writer_is_full(const struct hbase_bulk_writer *writer);

/* Has all loaded that is not. Errors as above. Blocks. */
struct status hbase_bulk_writer_flush(struct hbase_bulk_writer *writer) MUST_CHECK;

/*
 * Whether the table's servers can load what is in the staging folder; family is one of the table's. Loads nothing. Errors are those of
 * hbase_bulk_check and hbase_staging_create_file. Blocks.
 */
struct status hbase_bulk_writer_check(struct hbase_table *table, struct hbase_staging *staging,
                                      struct str family) MUST_CHECK;

#endif
