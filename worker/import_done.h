/*
 * worker/import_done.h - which splits of an import are done, and what they came to.
 */
#ifndef WORKER_IMPORT_DONE_H
#define WORKER_IMPORT_DONE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "connectors/writer.h"

struct import_done {
    bool *is_done; /* [0 .. nsplits) */
    size_t nsplits;
    struct unit sum; /* of all that are done; without a number */
};

void import_done_init(struct import_done *done, size_t nsplits);
void import_done_deinit(struct import_done *done);

/* FAILED_PRECONDITION: there is no such split. Adding one twice is the caller's mistake. */
struct status import_done_add(struct import_done *done, const struct unit *unit) MUST_CHECK;

/*
 * Appends the sums and the numbers of those that are done, as ranges: "10 9 1 4096 0-3,5". Splits are taken in order, so
 * there are few ranges.
 */
void import_done_write(const struct import_done *done, struct buf *out);

/* Reads what import_done_write wrote; nothing is done before. FAILED_PRECONDITION: it is of other splits, or damaged. */
struct status import_done_read(struct import_done *done, struct str text) MUST_CHECK;

#endif
