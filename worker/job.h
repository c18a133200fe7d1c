/*
 * worker/job.h - one leased job: the thread that runs it, and the one that reports.
 *
 * The reporting thread renews the lease every second and brings back what the gateway wants. When that is a stop, or
 * the lease is lost, the runner is asked to stop and nothing more is reported. A gateway that is away is waited for:
 * the work goes on meanwhile, since whoever took over in the meantime would hold a newer token, and the
 * destination knows.
 */
#ifndef WORKER_JOB_H
#define WORKER_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "sluice/worker/v1/worker_service.pb-c.h"

struct job;
struct link_worker;
struct metrics;
struct rpc_channel;
struct tracer;

/* All of this runs on the job's thread and must not block. */
struct job_owner {
    /* Once, as the last thing; job_destroy may be called from then on, by another thread. */
    void (*on_end)(struct job_owner *owner, struct job *job);
    /* Who wants another job in the place of one that is about to end; NULL: nobody. If somebody does, take_next follows. */
    const struct link_worker *(*find_asker)(struct job_owner *owner);
    /* Takes over that job; NULL: there was none. False: it was not taken, and one that came is to be given back. */
    bool (*take_next)(struct job_owner *owner, Pb__LeaseJobResponse *leased);
    struct metrics *metrics; /* NULL: nothing is counted */
    struct tracer *tracer;   /* NULL: there are no spans */
};

/* Starts a job; leased is taken over (freed by free_unpacked with a NULL allocator). RESOURCE_EXHAUSTED: no thread; leased is freed. */
struct status job_start(Pb__LeaseJobResponse *leased, struct rpc_channel *channel,
                        struct job_owner *owner, struct job **ret) MUST_CHECK;

/* Asks the job to stop and to give itself back to the gateway, because this worker stops. Any thread. */
void job_release(struct job *job);

/* Gives up telling the gateway how it ended. After job_release, when patience has run out. Any thread. */
void job_abandon(struct job *job);

/* How far a sync is. */
struct job_sync {
    int64_t lag_ms; /* -1: not known */
    int64_t queued_logs;
};

/* False: the job is none of role INCR. Any thread. */
bool job_get_sync(struct job *job, struct job_sync *ret);

/* Waits for the job's thread and frees it. Blocks for as long as the job runs. */
void job_destroy(struct job *job);

#endif
