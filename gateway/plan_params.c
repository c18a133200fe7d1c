#include "gateway/plan_params.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "gateway/enum_text.h"
#include "gateway/text_array.h"
#include "spec/job_plan.h"

void plan_params_set(const struct job_plan *plan, struct arena *arena, struct param *params)
{
    struct buf arrays[PLAN_NPARAMS] = {{0}};

    for (size_t i = 0; i < plan->njobs; i++) {
        const struct planned_job *job = &plan->jobs[i];

        text_array_add(&arrays[0], job->id);
        text_array_add(&arrays[1], enum_text_find(&pb__job_role__descriptor, (int)job->role));
        text_array_add(&arrays[2], arena_printf(arena, "%d", job->step));
        text_array_add(&arrays[3], job->table);
    }
    for (size_t i = 0; i < ARRAY_LEN(arrays); i++) {
        params[i] = param_text(arena_copy_str(arena, buf_get(&arrays[i])));
        buf_deinit(&arrays[i]);
    }
}
