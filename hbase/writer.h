/*
 * hbase/writer.h - writes cells, batch by batch, with several batches on their way.
 *
 * Cells carry their timestamps and types, so that writing them twice changes nothing: whatever is not acknowledged is sent
 * again, also to where the region is by then. One thread uses a writer.
 */
#ifndef HBASE_WRITER_H
#define HBASE_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "hbase/cell.h"
#include "hbase/table.h"

struct hbase_writer;

enum {
    HBASE_WRITER_BATCH_BYTES = 2 * 1024 * 1024,
    /*
     * So many batches are on their way to a server, of all writers that share a cluster: it does not write any faster with more, for they
     * only fill its memory.
     */
    HBASE_WRITER_MAX_AT_SERVER = 2,
};

/* Borrowed for the call. */
struct hbase_writer_options {
    unsigned
        max_in_flight; /* batches on their way; 0: 2. It is fewer while a server says that it is overloaded */
    /*
     * A cell that the server will never take (too large, say): return OK to leave its row out of this batch, or what ends the writer.
     * NULL: the writer ends with reason.
     */
    struct status (*on_refused)(void *self, const struct hbase_cell *cell, struct status reason);
    void *self;
};

struct hbase_writer *hbase_writer_create(struct hbase_table *table,
                                         const struct hbase_writer_options *options) MUST_CHECK;

/* Gives up what is not written yet. NULL is allowed. */
void hbase_writer_destroy(struct hbase_writer *writer);

/*
 * Takes cells[0 .. ncells), in HBase's order or not; they are copied. Blocks while enough is on its way. NOT_FOUND: there is no
 * such table; FAILED_PRECONDITION: it lacks a family, is disabled or read-only; PERMISSION_DENIED; UNAVAILABLE: no answer for
 * the cluster's patience; CANCELLED. After an error nothing more can be written.
 */
struct status hbase_writer_put(struct hbase_writer *writer, const struct hbase_cell *cells,
                               size_t ncells) MUST_CHECK;

/* Sends what is left and waits until all is acknowledged: it is in the servers' logs then. Errors as above. Blocks. */
struct status hbase_writer_flush(struct hbase_writer *writer) MUST_CHECK;

#endif
