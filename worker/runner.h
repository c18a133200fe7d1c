/*
 * worker/runner.h - what runs the jobs of one role: one vtable a role.
 */
#ifndef WORKER_RUNNER_H
#define WORKER_RUNNER_H

#include <stddef.h>

#include "base/status.h"
#include "sluice/worker/v1/worker_service.pb-c.h"

struct job_context;

enum { RUNNER_TEXT_BYTES = 200 };

struct runner_result {
    /*
     * OK: done. UNAVAILABLE, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED, UNKNOWN: a passing failure, to be tried again.
     * CANCELLED: stopped as asked. ABORTED: the lease is lost. Anything else: the task fails with the text.
     */
    struct status status;
    char skipped[RUNNER_TEXT_BYTES]; /* with OK: why there was nothing to do; "" if there was */
    char done[RUNNER_TEXT_BYTES];    /* with OK: what users should know of how it was done; or "" */
    /* Of role PLAN, with OK: the tables, table_names[0 .. ntable_names), borrowed from the state until close. */
    char **table_names;
    size_t ntable_names;
};

struct runner {
    Pb__TaskKind kind;
    Pb__JobRole role;
    /* Does the job; blocks. *ret_state is given to close; NULL at first. */
    struct runner_result (*run)(struct job_context *context, void **ret_state);
    /* After the result was reported. is_over: the gateway took it as the job's success. NULL: nothing to close. */
    void (*close)(void *state, bool is_over);
};

/* The runner for a job, or NULL. */
const struct runner *runner_find(Pb__TaskKind kind, Pb__JobRole role);

extern const struct runner import_schema_runner;
extern const struct runner import_full_runner;

/* Full migrations, and what syncs have in common with them. */
extern const struct runner migration_plan_runner;
extern const struct runner sync_plan_runner;
extern const struct runner migration_schema_runner;
extern const struct runner sync_schema_runner;
extern const struct runner sync_peer_runner;
extern const struct runner migration_full_runner;
extern const struct runner sync_full_runner;
extern const struct runner sync_incr_runner;
extern const struct runner sync_release_runner;
extern const struct runner migration_load_runner;
extern const struct runner verify_runner;

#endif
