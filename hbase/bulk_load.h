/*
 * hbase/bulk_load.h - has a region's server load files, in place of writing their cells.
 *
 * The calls are those of HBase's own loader (BulkLoadHFilesTool; on the server SecureBulkLoadManager): the server makes a folder, takes the files
 * over into it in the name of the caller, and then into the region, all families of it at once. It does not say why it has not: that
 * stands in its log.
 */
#ifndef HBASE_BULK_LOAD_H
#define HBASE_BULK_LOAD_H

#include <stddef.h>

#include "base/status.h"
#include "base/str.h"
#include "hbase/table.h"

/* A file with cells of one family. Borrowed. */
struct hbase_bulk_file {
    struct str family;
    const char *url;
};

/* Files whose rows are of one region; files[0 .. nfiles), one a family. */
struct hbase_bulk {
    const struct hbase_bulk_file *files;
    size_t nfiles;
    struct str first_row; /* of all of them */
    struct str last_row;
};

/*
 * Loads the files: all, or none. UNAVAILABLE: there is no region any more that has all rows, or a connection was lost and they may be loaded or not;
 * make them anew, which changes nothing if they were. FAILED_PRECONDITION: the server does not load them; PERMISSION_DENIED, NOT_FOUND,
 * CANCELLED. Tries again what passes, for the cluster's patience. Blocks.
 */
struct status hbase_bulk_load(struct hbase_table *table, const struct hbase_bulk *bulk) MUST_CHECK;

/*
 * Whether the server of the table's first region can read and write what is where probe is: a whole file without cells, which is not loaded.
 * FAILED_PRECONDITION: it cannot, and why; PERMISSION_DENIED: or the user may not load files. Blocks.
 */
struct status hbase_bulk_check(struct hbase_table *table, const struct hbase_bulk_file *probe)
    MUST_CHECK;

#endif
