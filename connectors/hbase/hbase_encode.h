/*
 * connectors/hbase/hbase_encode.h - values as HBase's own tools write them: org.apache.hadoop.hbase.util.Bytes.toBytes.
 *
 * Numbers are big-endian and keep their sign bit, so that negative ones do not sort before positive ones. A BOOLEAN is 0xff
 * or 0x00; a DECIMAL is java.math.BigDecimal's scale, then its unscaled value in as few bytes as it takes.
 */
#ifndef CONNECTORS_HBASE_HBASE_ENCODE_H
#define CONNECTORS_HBASE_HBASE_ENCODE_H

#include <stddef.h>

#include "base/buf.h"
#include "connectors/batch.h"

/* Appends a value that is not null, of one of the ten types of column_type_find. Returns NULL, or why HBase has no such value. */
const char *hbase_encode(const struct batch_column *column, size_t row, struct buf *out) MUST_CHECK;

#endif
