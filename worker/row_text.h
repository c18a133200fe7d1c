/*
 * worker/row_text.h - row keys and columns, which may hold any byte, in messages for users.
 */
#ifndef WORKER_ROW_TEXT_H
#define WORKER_ROW_TEXT_H

#include "base/buf.h"

enum { ROW_TEXT_MAX_BYTES = 80 }; /* of one key */

/*
 * Appends a key as HBase's shell shows it (org.apache.hadoop.hbase.util.Bytes.toStringBinary): what is no printable ASCII, and
 * the backslash, as "\xHH". Cut behind a whole byte, with "..." then, to at most ROW_TEXT_MAX_BYTES.
 */
void row_text_write(struct str key, struct buf *ret);

#endif
