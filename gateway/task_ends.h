/*
 * gateway/task_ends.h - counts the tasks that end, whoever ends them: a metric for who watches.
 *
 * Most ends follow from the ends of jobs, which any gateway may take in, and only the database knows which one was the last.
 * So each gateway asks it once a second which changes are visible now that were not visible at the look before, as watches do.
 */
#ifndef GATEWAY_TASK_ENDS_H
#define GATEWAY_TASK_ENDS_H

#include "base/metrics.h"

struct store;
struct task_ends;
struct timers;

extern const struct metric_family tasks_ended_total;
extern const struct metric_family jobs_lost_total;

#define TASK_ENDS_METRIC_FAMILIES &tasks_ended_total, &jobs_lost_total

/*
 * Counts from the first look on, which is made at once, and shows nothing before. store is borrowed until task_ends_destroy, timers until task_ends_stop, metrics,
 * which may be NULL, until both. Without metrics the result is NULL, which all functions take.
 */
struct task_ends *task_ends_create(struct store *store, struct timers *timers,
                                   struct metrics *metrics) MUST_CHECK;

/* Looks no more. Comes before timers_destroy. */
void task_ends_stop(struct task_ends *ends);

/* When the store is gone. */
void task_ends_destroy(struct task_ends *ends);

#endif
