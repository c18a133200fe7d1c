/*
 * store/check_store.h - statements over table data_source_check: checks that are asked for, done and answered.
 */
#ifndef STORE_CHECK_STORE_H
#define STORE_CHECK_STORE_H

#include "store/query.h"

/*
 * Asks for a check.
 *
 *     1 text   its id
 *     2 text   the data source's name
 *     3 int8   a worker may take it for so many ms
 *     4 int8   the result is waited for so many ms
 *
 * One row: "note/capability", what a worker must be able to do; NULL: there is no such data source.
 * FAILED_PRECONDITION: it was deleted in this moment.
 */
extern const struct statement check_create;

/*
 * Gives the oldest check to a worker. 1 text: the worker's id; 2 text: what it can do, an array as PostgreSQL writes it.
 * No row: there is none for it. One row: what a Pb__LeasedCheck holds, secrets included, but for timeout, which is
 * "note/timeout_ms".
 */
extern const struct statement check_lease;

/* Takes a check back from a worker that did not hear of it. 1 text: the check's id; 2 text: the worker's. */
extern const struct statement check_give_back;

/*
 * Stores a result. 1 text: the check's id; 2 text: the worker's; 3 bytes: the packed response. One row: "note/outcome" is
 * DONE, also for a repeat, or LOST: nobody waits for it, or another worker has it.
 */
extern const struct statement check_finish;

/*
 * Looks what became of a check. 1 text: its id. One row: "note/outcome" is DONE (with "note/result"), WAITING, NO_WORKER
 * (nobody took it in time), LATE (who took it, "note/worker_id", has not answered in time) or GONE (the data source was
 * deleted).
 */
extern const struct statement check_poll;

/* Forgets a check that nobody waits for. 1 text: its id. One row. */
extern const struct statement check_drop;

#endif
