/*
 * worker/engine.h - leases jobs and keeps them running.
 */
#ifndef WORKER_ENGINE_H
#define WORKER_ENGINE_H

#include "base/status.h"

struct engine;
struct rpc_channel;

enum { ENGINE_MAX_JOBS = 64 };

struct engine_options {
    struct rpc_channel *channel; /* borrowed until engine_destroy */
    const char *worker_id;       /* borrowed until engine_destroy */
    unsigned max_jobs;           /* at once: 1 to ENGINE_MAX_JOBS */
};

/* Starts leasing. */
struct status engine_create(const struct engine_options *options, struct engine **ret) MUST_CHECK;

/*
 * Leases no more and asks all jobs to give themselves back; after grace_ms those that could not tell the gateway
 * are left to their lease. Blocks until all is quiet, then frees. NULL is allowed.
 */
void engine_destroy(struct engine *engine, unsigned grace_ms);

#endif
