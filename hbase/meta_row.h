/*
 * hbase/meta_row.h - reads a row of hbase:meta: a region and where it is (org.apache.hadoop.hbase.CatalogFamilyFormat).
 */
#ifndef HBASE_META_ROW_H
#define HBASE_META_ROW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "hbase/cell.h"
#include "hbase/table.h"

enum {
    HBASE_META_MAX_CELLS = 16, /* of a row, of the columns that are asked for */
    /* A region's name is a table's name, a key, and 60 bytes at most. */
    HBASE_META_MAX_NAME_BYTES = HBASE_TABLE_NAME_BYTES + HBASE_MAX_ROW_BYTES + 64,
};

struct hbase_meta_row {
    struct hbase_region region; /* its server is set if is_open */
    bool is_open;
    bool is_past;   /* split, and replaced by its daughters; or a copy that is only read from */
    char state[24]; /* as hbase:meta has it, cut to fit; "" before HBase 2 */
};

/* Columns of family info that are needed, and how many. */
enum { HBASE_META_NCOLUMNS = 4 };
extern const char *const hbase_meta_columns[HBASE_META_NCOLUMNS];

/*
 * Reads cells[0 .. ncells) of one row; ret's texts are in arena. DATA_LOSS: they are no region; RESOURCE_EXHAUSTED: the arena is
 * full.
 */
struct status hbase_meta_row_read(const struct hbase_cell *cells, size_t ncells,
                                  struct arena *arena, struct hbase_meta_row *ret) MUST_CHECK;

#endif
