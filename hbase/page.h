/*
 * hbase/page.h - reads the answer of a Scan call, and remembers how far the scan has come.
 *
 * A result is a row, or a part of one: a server cuts at cells, and marks all parts but the last. It may also mark the last
 * cells that a row has, when it has not looked further; so a row has ended, too, when the next one begins.
 */
#ifndef HBASE_PAGE_H
#define HBASE_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "hbase/cell.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/scan.h"

enum { HBASE_PAGE_MAX_CELLS = 1024 * 1024 }; /* a page of 2 MiB has 30,000 at most */

/* How far a scan has come. {0} is the beginning of a table. */
struct hbase_position {
    struct buf next_row; /* all rows before it are done */
    bool is_in_row;      /* the row next_row is partly done, too: up to last */
    struct buf last;     /* the last cell, without its value, as in a cell block */
    bool has_cells;      /* cells of it were given to the caller */
};

void hbase_position_deinit(struct hbase_position *position);

/* Goes to the beginning of a row, which need not be there. */
void hbase_position_set(struct hbase_position *position, struct str row);

struct hbase_page_reader {
    struct hbase_position position;
    const struct hbase_column
        *columns; /* columns[0 .. ncolumns): others are left out; none: all are taken. Borrowed */
    size_t ncolumns;
    struct hbase_cell *cells; /* of the page that was read last */
    size_t ncells_max;
};

void hbase_page_reader_deinit(struct hbase_page_reader *reader);

/*
 * Reads an answer with its cells, and moves the position behind them. Cells up to the position are left out: a scanner that is opened anew in the
 * middle of a row begins with them. Sets all of ret but is_region_end and is_end; it borrows from block, and from reader until the next call.
 * DATA_LOSS: the answer contradicts itself, or its rows are not in order; RESOURCE_EXHAUSTED: it has too many cells.
 */
struct status hbase_page_read(struct hbase_page_reader *reader, const Hb__ScanResponse *response,
                              struct str block, struct hbase_page *ret) MUST_CHECK;

#endif
