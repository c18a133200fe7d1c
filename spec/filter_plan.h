/*
 * spec/filter_plan.h - a filter as the database wants it: what it asks for, and where to look.
 *
 * Whether a task is taken is for the database to say, from the filter itself. To look at few tasks it needs to know
 * more, which follows from the filter alone:
 *
 * - Covers. A cover is a list of terms, comparisons that an index helps with, of which each task that the filter takes
 *   fits at least one. Of a AND b, a's covers and b's are covers; of a OR b, one of a's and one of b's together. Kinds
 *   and states are so few that all pairs are tried: those of which the filter can be true are one cover more.
 * - The time between which all tasks that it takes were created.
 */
#ifndef SPEC_FILTER_PLAN_H
#define SPEC_FILTER_PLAN_H

#include "spec/filter.h"

struct arena;

/*
 * Writes the plan as a JSON object: "condition", "covers", "from" and "to", as migrations/0007_filter.sql tells at
 * task_find. No cover: all tasks must be looked at. What is made meanwhile comes from arena.
 */
void filter_plan_write(const struct filter *filter, struct arena *arena, struct buf *buf);

#endif
