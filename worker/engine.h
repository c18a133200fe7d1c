/*
 * worker/engine.h - leases jobs and keeps them running.
 */
#ifndef WORKER_ENGINE_H
#define WORKER_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/metrics.h"
#include "base/status.h"

struct engine;
struct rpc_channel;

extern const struct metric_family worker_leases_failed_total;
extern const struct metric_family worker_jobs_running;
extern const struct metric_family worker_jobs_max;

#define ENGINE_METRIC_FAMILIES &worker_leases_failed_total, &worker_jobs_running, &worker_jobs_max

enum { ENGINE_MAX_JOBS = 64 };

struct engine_options {
    struct rpc_channel *channel; /* borrowed until engine_destroy */
    const char *worker_id;       /* borrowed until engine_destroy */
    unsigned max_jobs;           /* at once: 1 to ENGINE_MAX_JOBS */
    struct metrics *metrics;     /* borrowed until engine_destroy; NULL: nothing is counted */
    struct tracer *tracer;       /* the same; NULL: there are no spans */
};

/* Starts leasing. */
struct status engine_create(const struct engine_options *options, struct engine **ret) MUST_CHECK;

/* Whether the gateway has answered the last question for work. Any thread. */
bool engine_is_answered(struct engine *engine);

/* How far the syncs are that run now. */
struct engine_syncs {
    unsigned count;
    int64_t lag_ms; /* of the one that is furthest behind; -1: not known of any */
    int64_t queued_logs;
};

/* Any thread. */
void engine_get_syncs(struct engine *engine, struct engine_syncs *ret);

/*
 * Leases no more and asks all jobs to give themselves back; after grace_ms those that could not tell the gateway
 * are left to their lease. Blocks until all is quiet, then frees. NULL is allowed.
 */
void engine_destroy(struct engine *engine, unsigned grace_ms);

#endif
