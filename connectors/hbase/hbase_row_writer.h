/*
 * connectors/hbase/hbase_row_writer.h - writes the rows of one thread of an import: the writer of hbase_destination.
 */
#ifndef CONNECTORS_HBASE_HBASE_ROW_WRITER_H
#define CONNECTORS_HBASE_HBASE_ROW_WRITER_H

#include "base/status.h"
#include "connectors/writer.h"

struct hbase_table;
struct hbase_target;

/* All are borrowed until the writer is closed; bytes_written counts keys and values, or is NULL. */
struct writer *hbase_row_writer_create(struct hbase_table *table, const struct hbase_target *target,
                                       struct metric *bytes_written) MUST_CHECK;
void hbase_row_writer_destroy(struct writer *writer); /* NULL is allowed */

/* As struct destination_type has them. */
struct status hbase_row_writer_write(struct writer *writer, const char *file,
                                     const struct batch *batch, struct bad_row_sink *bad_rows,
                                     bool *ret_again) MUST_CHECK;
struct status hbase_row_writer_commit(struct writer *writer, const struct unit *unit,
                                      bool *ret_again) MUST_CHECK;
void hbase_row_writer_rollback(struct writer *writer);

#endif
