/*
 * tests/unit/hbase/cell_text.h - cells as tests write them: "row/family:qualifier@timestamp", separated by spaces.
 *
 * A letter behind the timestamp makes a marker: D of one version, C of a column, V of a family's version, F of a family. All values are
 * "v", those of markers are empty.
 */
#ifndef TESTS_UNIT_HBASE_CELL_TEXT_H
#define TESTS_UNIT_HBASE_CELL_TEXT_H

#include <stddef.h>

#include "base/buf.h"
#include "hbase/cell.h"

enum { CELL_TEXT_MAX_CELLS = 64 };

/* At most CELL_TEXT_MAX_CELLS cells, which borrow from text; returns how many. */
size_t cell_text_read(const char *text, struct hbase_cell ret[CELL_TEXT_MAX_CELLS]);

/* Appends the cells as a cell block; returns how many. */
size_t cell_text_write(struct buf *block, const char *text);

/* The text of cells, borrowed from ret until it changes. */
const char *cell_text_show(const struct hbase_cell *cells, size_t ncells, struct buf *ret);

/* The text of a cell block, which is well formed. */
const char *cell_text_show_block(struct str block, struct buf *ret);

#endif
