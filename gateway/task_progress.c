#include "gateway/task_progress.h"

#include <stdbool.h>

#include "base/arena.h"

/* Of the jobs that count for how far a task is: others only prepare or clean up. */
struct main_jobs {
    size_t count;
    size_t nmeasured; /* whose size in bytes is known */
    double done;      /* their fractions, added up */
};

static bool is_main(const Pb__Job *job)
{
    return job->role != PB__JOB_ROLE__JOB_ROLE_PLAN && job->role != PB__JOB_ROLE__JOB_ROLE_SCHEMA &&
           job->role != PB__JOB_ROLE__JOB_ROLE_PEER && job->role != PB__JOB_ROLE__JOB_ROLE_RELEASE;
}

static void count_main(struct main_jobs *jobs, const Pb__Job *job, const Pb__Progress *progress)
{
    bool is_done = job->state == PB__JOB_STATE__JOB_STATE_SUCCEEDED ||
                   job->state == PB__JOB_STATE__JOB_STATE_SKIPPED;

    if (!is_main(job))
        return;
    jobs->count++;
    jobs->nmeasured += progress->bytes_total > 0;
    jobs->done += is_done ? 1 : progress->fraction;
}

static void take_earlier(Google__Protobuf__Timestamp **sum, Google__Protobuf__Timestamp *time)
{
    if (time && (!*sum || time->seconds < (*sum)->seconds ||
                 (time->seconds == (*sum)->seconds && time->nanos < (*sum)->nanos)))
        *sum = time;
}

static void take_longer(Google__Protobuf__Duration **sum, Google__Protobuf__Duration *time)
{
    if (time && (!*sum || time->seconds > (*sum)->seconds ||
                 (time->seconds == (*sum)->seconds && time->nanos > (*sum)->nanos)))
        *sum = time;
}

static void add_comparison(Pb__Comparison **sum, const Pb__Comparison *part, struct arena *arena)
{
    if (!part)
        return;
    if (!*sum) {
        *sum = arena_alloc(arena, sizeof(**sum));
        pb__comparison__init(*sum);
    }
    (*sum)->cells += part->cells;
    (*sum)->missing += part->missing;
    (*sum)->extra += part->extra;
    (*sum)->changed_values += part->changed_values;
    (*sum)->changed_timestamps += part->changed_timestamps;
    (*sum)->repaired += part->repaired;
}

static void add_progress(Pb__Progress *sum, const Pb__Progress *part, struct arena *arena)
{
    sum->rows_read += part->rows_read;
    sum->rows_written += part->rows_written;
    sum->bad_rows += part->bad_rows;
    sum->bytes_read += part->bytes_read;
    sum->bytes_total += part->bytes_total;
    sum->regions_done += part->regions_done;
    sum->regions_total += part->regions_total;
    sum->queued_logs += part->queued_logs;
    take_earlier(&sum->checkpoint_time, part->checkpoint_time);
    take_earlier(&sum->sync_time, part->sync_time);
    take_longer(&sum->lag, part->lag);
    add_comparison(&sum->comparison, part->comparison, arena);
}

/* By bytes if all jobs that count know how many they have, else by what the jobs say. */
static double get_fraction(const Pb__Task *task, const struct main_jobs *jobs,
                           const Pb__Progress *sum)
{
    if (task->state == PB__TASK_STATE__TASK_STATE_SUCCEEDED)
        return 1;
    if (jobs->count == 0)
        return 0;
    if (jobs->nmeasured < jobs->count)
        return jobs->done / (double)jobs->count;
    double fraction = (double)sum->bytes_read / (double)sum->bytes_total;
    return fraction < 1 ? fraction : 1;
}

void task_progress_sum(Pb__Task *task, struct arena *arena)
{
    Pb__Progress *sum = arena_alloc(arena, sizeof(*sum));
    struct main_jobs jobs = {0};

    pb__progress__init(sum);
    for (size_t i = 0; i < task->n_jobs; i++) {
        const Pb__Job *job = task->jobs[i];
        if (!job->progress)
            continue;
        add_progress(sum, job->progress, arena);
        count_main(&jobs, job, job->progress);
    }
    sum->fraction = get_fraction(task, &jobs, sum);
    task->progress = sum;
}
