/*
 * worker/row_tally.h - counts the rows and bytes of pages, each row once and when it is complete.
 *
 * A row that is larger than a page comes in parts: its bytes wait here until its last part is there, so that what has been
 * counted is always what is before the page's next_row.
 */
#ifndef WORKER_ROW_TALLY_H
#define WORKER_ROW_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "hbase/scan.h"

/* {0} has counted nothing. */
struct row_tally {
    int64_t nrows;
    int64_t nbytes;
    bool has_part; /* of the row part_row came part_bytes, and more may come */
    struct buf part_row;
    int64_t part_bytes;
};

/* Counts a page, which follows on the one before. */
void row_tally_add(struct row_tally *tally, const struct hbase_page *page);

/* Forgets what was counted, but not the part of a row. */
void row_tally_clear(struct row_tally *tally);

void row_tally_deinit(struct row_tally *tally);

#endif
