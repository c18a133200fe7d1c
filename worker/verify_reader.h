/*
 * worker/verify_reader.h - the cells of a range of a table, as readers see them, for a comparison.
 */
#ifndef WORKER_VERIFY_READER_H
#define WORKER_VERIFY_READER_H

#include "base/stop.h"
#include "worker/copy_plan.h"
#include "worker/migration_scan.h"
#include "worker/throttle.h"
#include "worker/verify_rows.h"

struct hbase_table;
struct migration;
struct verify_reader;

/* Borrowed until verify_reader_destroy. */
struct verify_reader_options {
    const struct migration *migration;
    struct hbase_table *table;
    enum verify_side side;
    enum migration_view view;
    const struct stop *stop;
    size_t page_bytes;
    struct throttle *throttle; /* of the thread: it counts what is read of both sides */
};

/* range is borrowed for the call. */
struct verify_reader *verify_reader_create(const struct verify_reader_options *options,
                                           struct key_range range) MUST_CHECK;
void verify_reader_destroy(struct verify_reader *reader); /* NULL is allowed */

/*
 * Errors are those of hbase_scanner_next, with the side in front; CANCELLED: the threads are to stop. Reading pauses as the
 * task's bandWidth asks for.
 */
struct verify_cells *verify_reader_get_cells(struct verify_reader *reader);

#endif
