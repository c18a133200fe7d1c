/*
 * spec/job_plan.h - the jobs that a task is made of, step by step.
 *
 * Jobs of one step may run side by side; those of the next wait until all of them have ended well. Each role has its
 * step, the same in all kinds of tasks.
 *
 * Which tables a pattern means is for a worker to find out. So a task with one begins as a single job of role PLAN, and
 * what comes behind it is planned when its worker has named the tables.
 *
 * Jobs of role RELEASE are in no plan: the store makes one when a sync ends that may have left a peer at its source.
 */
#ifndef SPEC_JOB_PLAN_H
#define SPEC_JOB_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "sluice/v1/task.pb-c.h"

struct arena;
struct import_spec;
struct migration_spec;
struct sync_spec;

struct planned_job {
    /* Of role SCHEMA a UUID with dashes; else what tells the role, as "fulldata-", and 32 hex digits. */
    const char *id;
    Pb__JobRole role;
    int step;
    Pb__JobState state; /* READY in the first step that has jobs, else WAITING */
    /* As the task names it. Of role PLAN nothing; of the roles PEER and INCR all tables, with commas between. */
    const char *table;
};

struct job_plan {
    struct planned_job *jobs; /* jobs[0 .. njobs), in the order of their steps */
    size_t njobs;
    int64_t max_bytes_s_per_thread; /* of each of these jobs; 0: no limit */
};

/* Each of these makes the plan of a task of its kind, with ids that are new; all of it is allocated from arena. */

/* SCHEMA and FULL, for the table: "namespace:table", or the table alone where there is no namespace. */
void job_plan_make_bulkload(const struct import_spec *spec, struct arena *arena,
                            struct job_plan *ret);

/*
 * For each table SCHEMA and FULL, then BULKLOAD if files are loaded, and CHECK if it is to be verified; CHECK alone if
 * nothing is to be moved.
 */
void job_plan_make_migration(const struct migration_spec *spec, struct arena *arena,
                             struct job_plan *ret);

/*
 * SCHEMA for each table if tables are made, then INCR for all of them. If the rows that there are go first, PEER for all
 * and FULL for each are between these.
 */
void job_plan_make_sync(const struct sync_spec *spec, struct arena *arena, struct job_plan *ret);

#endif
