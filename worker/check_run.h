/*
 * worker/check_run.h - one check: the thread that tries, and the one that tells.
 *
 * What a check has found so far is told when its time is nearly up, though a step may still hang.
 */
#ifndef WORKER_CHECK_RUN_H
#define WORKER_CHECK_RUN_H

#include "base/status.h"
#include "sluice/worker/v1/worker_service.pb-c.h"

struct check_run;
struct rpc_channel;

struct check_run_owner {
    /* Runs once, as the last thing on the run's thread, and must not block. check_run_destroy may be called from then on. */
    void (*on_end)(struct check_run_owner *owner, struct check_run *run);
};

struct check_run_options {
    struct rpc_channel *channel; /* borrowed until check_run_destroy, as is what follows */
    const char *worker_id;
    struct check_run_owner *owner;
};

/* leased is taken over, also on failure (freed by free_unpacked with a NULL allocator). RESOURCE_EXHAUSTED: no thread. */
struct status check_run_start(Pb__LeaseJobResponse *leased, const struct check_run_options *options,
                              struct check_run **ret) MUST_CHECK;

/* Breaks the check off. Any thread. */
void check_run_stop(struct check_run *run);

/* Waits for the run's thread and frees. */
void check_run_destroy(struct check_run *run);

#endif
