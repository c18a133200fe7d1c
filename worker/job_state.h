/*
 * worker/job_state.h - the engine's side of a job's context: what is told to the gateway, and what it wants.
 */
#ifndef WORKER_JOB_STATE_H
#define WORKER_JOB_STATE_H

#include <stdbool.h>

#include "base/status.h"
#include "sluice/worker/v1/worker_service.pb-c.h"
#include "worker/job_context.h"
#include "worker/runner.h"

struct job_context;
struct link_worker;
struct metrics;
struct tracer;
struct rpc_channel;

/*
 * leased is taken over (freed by free_unpacked with a NULL allocator); channel, metrics and tracer, of which the last two may be NULL, are borrowed
 * until job_context_destroy.
 */
struct job_context *job_context_create(Pb__LeaseJobResponse *leased, struct rpc_channel *channel,
                                       struct metrics *metrics, struct tracer *tracer) MUST_CHECK;
void job_context_destroy(struct job_context *context);

/* What job_context_set_progress was told last. Any thread. */
struct job_progress job_context_get_progress(struct job_context *context);

/* Reports once, and takes in what the gateway wants; one that does not answer is told with the next report. Blocks. */
void job_context_report(struct job_context *context);

/* The job is no longer ours: the runner is asked to stop, and its end is not told. Any thread. */
void job_context_drop(struct job_context *context, const char *why);
bool job_context_is_dropped(struct job_context *context);

/* Once nothing is done any more for a job that was dropped: gives back its lease, if that holds; others wait for its end. Blocks. */
void job_context_leave(struct job_context *context);

/* Asks the runner to stop; the gateway is still told how it ended. Any thread. */
void job_context_stop(struct job_context *context);

/* Gives up telling the gateway how it ended. Any thread. */
void job_context_abandon(struct job_context *context);

/*
 * Tells the gateway how the job ended; true if it took it. If asker is not NULL, *ret_next is a job that asker was given
 * instead, owned by the caller (pb__lease_job_response__free_unpacked), or stays as it is. Blocks until the gateway has answered.
 */
bool job_context_finish(struct job_context *context, const struct runner_result *result,
                        const struct link_worker *asker, Pb__LeaseJobResponse **ret_next);

#endif
