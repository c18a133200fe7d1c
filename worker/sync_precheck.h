/*
 * worker/sync_precheck.h - what has to be right before a sync begins, looked for all at once.
 */
#ifndef WORKER_SYNC_PRECHECK_H
#define WORKER_SYNC_PRECHECK_H

#include "base/status.h"
#include "worker/sync.h"

struct sync_tables;

/*
 * Both clusters answer and are two, the user may do what is to be done, the tables are on both sides and fit. UNAVAILABLE: one
 * does not answer; PERMISSION_DENIED, FAILED_PRECONDITION: the text says what is wrong and what to do. Blocks.
 */
struct status sync_precheck(const struct sync *sync) MUST_CHECK;

/*
 * FAILED_PRECONDITION: the clocks of both clusters' servers are apart. It hinders no change from being shipped, but the cells carry the
 * source's times. Blocks.
 */
struct status sync_precheck_clocks(const struct sync *sync) MUST_CHECK;

#endif
