/*
 * store/job_store.h - statements over table job: how workers get jobs and tell what becomes of them.
 *
 * "note/outcome" is CONTINUE or DONE, STOP (there is no such job, or it was killed), or LOST (the token is not the
 * current one).
 */
#ifndef STORE_JOB_STORE_H
#define STORE_JOB_STORE_H

#include "store/query.h"

enum {
    JOB_MAX_TRIES = 20, /* leases of a job in a row without progress */
};

/*
 * Leases the jobs that have waited longest, one to a worker.
 *
 *     1 text   the workers' ids, an array as PostgreSQL writes it
 *     2 int8   for how many ms
 *     3 text   what each of these workers can do, an array, too
 *     4 int8   begin behind the job that became leasable at this time, in microseconds since 1970; NULL: look at all
 *     5 text   ... and has this id
 *
 * A row for each job, at most as many as workers: what a Pb__LeasedJob holds, but for lease_duration; parameters_json with
 * secrets. "note/worker" is whose it is, from 1; the rows are in this order and leave out nobody but the last ones.
 * "note/place_us" is when it became leasable. "note/taken_over", a bool: another worker had it, whose lease ended without a
 * report.
 *
 * A job that its workers lost JOB_MAX_TRIES times in a row is not handed out: it and its task fail instead. Only one of
 * role RELEASE is given out for ever, and only such a one is of a task that has ended.
 */
extern const struct statement job_lease;

/*
 * Stores progress and renews the lease.
 *
 *     1 text   the job's id
 *     2 int8   its token
 *     3 int8   the lease ends this many ms from now
 *     4 text   progress, a JSON object whose members are columns of table job; what it does not have stays as it is
 *     5 bytes  the checkpoint; NULL keeps what is stored
 *     6 text   what stands in its way, for users; empty: nothing
 *
 * One row: "note/outcome"; and if that is CONTINUE "note/bytes_per_second" (int8: the task's limit; 0: none) and
 * "note/is_said" (bool: the task has another message).
 */
extern const struct statement job_report;

/*
 * Takes in how a job ended.
 *
 *     1 text   the job's id
 *     2 int8   its token
 *     3 text   SUCCEEDED, SKIPPED, FAILED, RETRY or RELEASED
 *     4 text   the message
 *     5 text   progress, as job_report has it
 *     6 int8   RETRY: leasable again after this many ms, doubled for each lease without progress but the first
 *     7 int8   RETRY: after so many leases in a row without progress it is a failure, unless the role is RELEASE:
 *              JOB_MAX_TRIES
 *     8 - 11   of a job of role PLAN that succeeded the jobs that follow: ids, roles, steps and tables, as task_create
 *              has them; else empty
 *
 * One row: "note/outcome" (a repeat under the same token is DONE again; UNPLANNED: a job of role PLAN does not end well
 * without jobs that follow) and "note/ready", a bool: a job may be leased at once; "note/given_up", a bool: it was to be tried
 * again, and failed as it had been too often.
 */
extern const struct statement job_finish;

#endif
