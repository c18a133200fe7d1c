/*
 * worker/checker.h - leases checks of data sources and runs them, whatever else the worker is busy with.
 */
#ifndef WORKER_CHECKER_H
#define WORKER_CHECKER_H

#include "base/status.h"

struct checker;
struct rpc_channel;

enum { CHECKER_MAX_CHECKS = 4 }; /* at once */

/* Starts leasing. What is given is borrowed until checker_destroy. */
struct status checker_create(struct rpc_channel *channel, const char *worker_id,
                             struct checker **ret) MUST_CHECK;

/* Leases no more and breaks off what runs. NULL is allowed. */
void checker_stop(struct checker *checker);

/*
 * Stops and frees. Blocks until all is quiet: as long as the system takes to give up looking up a name. NULL is allowed.
 */
void checker_destroy(struct checker *checker);

#endif
