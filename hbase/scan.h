/*
 * hbase/scan.h - reads a range of a table, page by page.
 *
 * The scanner goes from region to region, and on behind splits, merges, moves and restarts of servers: it opens a new one
 * behind the last cell that it gave. While a page is being used the next one is on its way. A row that is larger than a page comes in parts.
 */
#ifndef HBASE_SCAN_H
#define HBASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "hbase/cell.h"
#include "hbase/table.h"

struct hbase_scanner;

/* A family, or one column of it. */
struct hbase_column {
    struct str family;
    bool is_whole_family;
    struct str qualifier;
};

enum { HBASE_ALL_VERSIONS = INT32_MAX };

/* Borrowed for the call; the scanner keeps copies. */
struct hbase_scan_options {
    struct str start_row; /* [start_row, stop_row); empty: no bound */
    struct str stop_row;
    const struct hbase_column *columns; /* columns[0 .. ncolumns); none: all */
    size_t ncolumns;
    int64_t start_ms; /* cells of [start_ms, end_ms); all: 0 and INT64_MAX */
    int64_t end_ms;
    int32_t max_versions; /* of a column, as readers see them */
    /*
     * Markers too, and what they hide, as long as it is there. HBase takes families only then: the scanner leaves out the
     * other columns' cells itself (markers of the whole family stay).
     */
    bool is_raw;
    bool is_keys_only; /* the servers leave out the values */
    bool
        keeps_cache; /* the servers' block cache is used; a copy of all rows would only wash it out */
    size_t page_bytes; /* about how large a page is; 0: 2 MiB */
};

/* Borrowed until the next call for the same scanner. */
struct hbase_page {
    const struct hbase_cell *cells; /* cells[0 .. ncells), in order */
    size_t ncells;
    size_t nrows; /* rows that end in this page */
    size_t nbytes;
    /*
     * All rows before it are complete with this page: where another scanner would go on. Of a row that comes in parts it
     * is the row itself until its last part.
     */
    struct str next_row;
    bool
        is_region_end; /* the region is done; next_row is its end key, or stop_row if that is before it */
    bool is_end;       /* there are no more pages */
};

struct hbase_scanner *hbase_scanner_create(struct hbase_table *table,
                                           const struct hbase_scan_options *options) MUST_CHECK;
void hbase_scanner_destroy(
    struct hbase_scanner *scanner); /* closes it at the server, too; NULL is allowed */

/*
 * The next page, which may be empty (a server says so now and then that it is still looking). NOT_FOUND: there is no such
 * table; FAILED_PRECONDITION: it has no such family, or is disabled; PERMISSION_DENIED; UNAVAILABLE: no answer for the cluster's
 * patience; DATA_LOSS: an answer cannot be read; RESOURCE_EXHAUSTED: it is too large; CANCELLED. Blocks.
 */
struct status hbase_scanner_next(struct hbase_scanner *scanner, struct hbase_page *ret) MUST_CHECK;

#endif
