/*
 * tests/unit/hbase/fake_table.h - a table in a fake cluster: answers Scan and Multi for the regions that its hbase:meta has.
 *
 * It checks what a server checks: that the region is there, that the scanner is known and the call its next one, that rows belong
 * to the region. Faults happen at calls that the test names; and all scanners are lost when the regions change.
 */
#ifndef TESTS_UNIT_HBASE_FAKE_TABLE_H
#define TESTS_UNIT_HBASE_FAKE_TABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "hbase/table.h"
#include "tests/unit/hbase/cell_text.h"
#include "tests/unit/hbase/cluster_fixture.h"

enum fake_table_fault_kind {
    FAKE_TABLE_THROWS, /* and does nothing */
    FAKE_TABLE_HANGS_UP,
    FAKE_TABLE_HANGS_UP_LATE, /* after it is done, instead of the answer */
    FAKE_TABLE_CHANGES,       /* has other regions from here on */
    FAKE_TABLE_REGION_FAILS,  /* of a Multi the first region */
    FAKE_TABLE_ROW_FAILS,     /* of a Multi the first row of the first region */
    FAKE_TABLE_SAYS_LESS,     /* of a Multi nothing of that row, which is not written */
};

struct fake_table_fault {
    unsigned call;  /* a number from 0; those about hbase:meta are not counted */
    unsigned count; /* of calls in a row; 0: one */
    enum fake_table_fault_kind kind;
    const char *class_name;
    const char *text;                  /* NULL: "x" */
    const struct fake_region *regions; /* regions[0 .. nregions), of FAKE_TABLE_CHANGES */
    size_t nregions;
};

struct fake_table {
    struct cluster_fixture base;
    struct hbase_table *table;

    const struct fake_table_fault *faults; /* faults[0 .. nfaults) */
    size_t nfaults;
    size_t page_cells;     /* of a Scan's answer, whose last row is cut; 0: no limit */
    bool sends_heartbeats; /* each second answer to a Scan is nothing else */
    size_t max_cell_bytes; /* of a Multi; 0: no limit */
    unsigned nkept; /* a Multi is answered when so many wait; 0: at once. See fake_table_keep */

    pthread_mutex_t mutex; /* guards all below */
    struct hbase_cell cells[CELL_TEXT_MAX_CELLS];
    size_t ncells;
    unsigned ncalls;
    char region[600];    /* of the scanner that was opened last; "": there is none */
    uint64_t scanner_id; /* of it */
    uint64_t next_call_seq;
    size_t next_cell;
    struct str stop_row;
    bool is_get; /* HBase takes it for one row that is asked for, the last included */
    struct fake_call *kept[8];
    unsigned nwaiting;
    struct buf written; /* as a cell block */
    unsigned nlists;    /* of actions, in all Multi calls */
};

/* The table t1 with these regions and cells. All else may be set before the first call. */
void fake_table_open(struct fake_table *f, const struct fake_region *regions, size_t nregions,
                     const char *cells);
void fake_table_close(struct fake_table *f);

/* Changes nkept after the first call, and answers what waits if that is enough then. */
void fake_table_keep(struct fake_table *f, unsigned nkept);

/* The cells that were written, in order and each of them once. */
const char *fake_table_show_written(struct fake_table *f, struct buf *ret);

#endif
