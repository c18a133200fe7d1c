/*
 * worker/import_splits.h - moves the splits of an import, on several threads at once.
 */
#ifndef WORKER_IMPORT_SPLITS_H
#define WORKER_IMPORT_SPLITS_H

#include <stddef.h>

#include "base/status.h"
#include "connectors/reader.h"
#include "connectors/writer.h"
#include "worker/import.h"
#include "worker/import_done.h"

/*
 * Reads and writes every split of plan that is not done, notes it as done, and keeps the job's progress up to date, done ones
 * included. Where the destination does not keep units, they are saved as the job's checkpoint, behind fingerprint and a
 * line end. Returns the first failure, after all threads have stopped; what was committed until then stays. Blocks.
 */
struct status import_splits_run(struct import *import, const struct plan *plan,
                                struct str fingerprint, struct import_done *done) MUST_CHECK;

#endif
