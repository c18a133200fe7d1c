/*
 * spec/job_plan.h - the jobs that a task is made of, step by step.
 *
 * Jobs of one step may run side by side; those of the next wait until all of them have
 * ended well.
 */
#ifndef SPEC_JOB_PLAN_H
#define SPEC_JOB_PLAN_H

#include <stddef.h>

#include "sluice/v1/task.pb-c.h"

struct arena;
struct import_spec;

struct planned_job {
    const char
        *id; /* of role SCHEMA a UUID with dashes; else "fulldata-" or the like and 32 hex digits */
    Pb__JobRole role;
    int step;           /* from 1 */
    Pb__JobState state; /* READY in step 1, else WAITING */
    const char *table;  /* "namespace:table", or the table alone where there is no namespace */
};

struct job_plan {
    struct planned_job *jobs; /* jobs[0 .. njobs), in the order of their steps */
    size_t njobs;
};

/* The plan of a bulk import, with ids that are new; all of it is allocated from arena. */
void job_plan_make_bulkload(const struct import_spec *spec, struct arena *arena,
                            struct job_plan *ret);

#endif
