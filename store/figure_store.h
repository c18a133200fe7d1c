/*
 * store/figure_store.h - statements that count, for who watches the whole.
 */
#ifndef STORE_FIGURE_STORE_H
#define STORE_FIGURE_STORE_H

#include "store/query.h"

enum { FIGURES_MAX_JOBS = 10000 };

/*
 * Counts the jobs that may be leased or are, by the index of leases.
 *
 *     1 int8   how many of a capability are looked at, those that have waited longest first
 *
 * A row for each capability and role: "note/capability" and "note/role" (text); "note/ready", "note/delayed" (to be tried
 * again later), "note/leased" and "note/expired" (its worker has not reported in time), which are counts; and
 * "note/oldest_ms" (int8), for how long the oldest of those ready and expired has waited; 0: there is none.
 */
extern const struct statement figure_jobs;

/*
 * Counts the tasks that have ended between an earlier look and now, by kind and state: also when a look is made late, and in whatever
 * order transactions end, each is counted once. Not counted is a task that was made before the earlier look, and has both ended
 * and been deleted since.
 *
 *     1 text   "note/snapshot" of the earlier look; NULL: there was none, and nothing is counted
 *     2 int8   "note/time" of the same
 *
 * A row for each, and one without kind and state if there is none: "note/kind", "note/state", "note/count", and "note/lost", of
 * how many of them a job was given up because its workers had lost it. All rows have "note/snapshot" (text) and "note/time"
 * (int8, microseconds since 1970).
 */
extern const struct statement figure_ends;

#endif
