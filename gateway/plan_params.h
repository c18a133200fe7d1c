/*
 * gateway/plan_params.h - a plan of jobs as the statements of the store take it.
 */
#ifndef GATEWAY_PLAN_PARAMS_H
#define GATEWAY_PLAN_PARAMS_H

#include "store/query.h"

struct arena;
struct job_plan;

enum { PLAN_NPARAMS = 4 };

/* Sets params[0 .. PLAN_NPARAMS): ids, roles, steps and tables of the jobs, each as an array in a text from arena. */
void plan_params_set(const struct job_plan *plan, struct arena *arena, struct param *params);

#endif
