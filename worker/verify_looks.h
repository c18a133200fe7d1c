/*
 * worker/verify_looks.h - looks again at rows that differ, and repairs them.
 *
 * Looks come after pauses that grow, so that what is on its way arrives meanwhile: a difference that counts has lasted for the
 * time of the last one. Rows that are repaired are looked at once more in the same way.
 */
#ifndef WORKER_VERIFY_LOOKS_H
#define WORKER_VERIFY_LOOKS_H

#include "worker/verify_suspects.h"
#include "worker/verify_tables.h"

/*
 * Looks at suspects, which were seen until seen_ms, by clock_get_monotonic_ms, until they are none or have been looked at often enough, and
 * repairs them if tables are compared so. *ret_nrows is the number of rows that were written to. Errors are those of
 * hbase_scanner_next, hbase_writer_put and hbase_writer_flush; CANCELLED. Blocks.
 */
struct status verify_looks_run(struct verify_tables *tables, struct verify_suspects *suspects,
                               int64_t seen_ms, int64_t *ret_nrows) MUST_CHECK;

#endif
