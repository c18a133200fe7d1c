/*
 * hbase/cell.h - a cell: what HBase's tables are made of, its order, and its bytes in a cell block.
 *
 * A cell block is what org.apache.hadoop.hbase.codec.KeyValueCodec writes: cells one after another, each with its length
 * in front, without tags. Cells are views: they borrow from the block.
 */
#ifndef HBASE_CELL_H
#define HBASE_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

enum {
    HBASE_MAX_ROW_BYTES = 32767,
    HBASE_MAX_FAMILY_BYTES = 127,
};

/* What a cell says of its column: a value, or that older ones are gone. The numbers travel. */
enum hbase_cell_type {
    HBASE_PUT = 4,
    HBASE_DELETE = 8,                 /* the one version of this timestamp */
    HBASE_DELETE_FAMILY_VERSION = 10, /* of all columns, the version of this timestamp */
    HBASE_DELETE_COLUMN = 12,         /* all versions up to this timestamp */
    HBASE_DELETE_FAMILY = 14,         /* of all columns, all versions up to this timestamp */
};

struct hbase_cell {
    struct str row;
    struct str family;
    struct str qualifier; /* may be empty */
    struct str value;
    int64_t timestamp_ms;
    enum hbase_cell_type type;
};

/* Compares as memcmp, a shorter prefix first: the order of row keys. */
int hbase_bytes_compare(struct str a, struct str b);

/*
 * HBase's order: row, family, qualifier; then newer timestamps first; then markers before values. Values are not compared.
 * <0, 0, >0.
 */
int hbase_cell_compare(const struct hbase_cell *a, const struct hbase_cell *b);

/* Appends the cell's bytes, its length in front. */
void hbase_cell_write(struct buf *block, const struct hbase_cell *cell);

/* The same without that length, as cells stand in files. */
void hbase_cell_write_body(struct buf *block, const struct hbase_cell *cell);

/* Appends the cell's key, from the length of its row to its type; returns it, borrowed until the next append. */
struct str hbase_cell_write_key(struct buf *block, const struct hbase_cell *cell);

/* How many bytes hbase_cell_write appends. */
size_t hbase_cell_get_size_bytes(const struct hbase_cell *cell);

/* Cuts the first cell off *block, which is not empty. DATA_LOSS: it is not well formed; *block is as it was. */
struct status hbase_cell_take(struct str *block, struct hbase_cell *ret) MUST_CHECK;

#endif
