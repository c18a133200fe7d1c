#include "gateway/task_ends.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/timers.h"
#include "gateway/enum_text.h"
#include "sluice/v1/task.pb-c.h"
#include "store/figure_store.h"
#include "store/row.h"
#include "store/store.h"

enum {
    PERIOD_MS = 1000,
    QUERY_TIMEOUT_MS = 5000,
    LONGEST_GAP_MS =
        600000, /* between looks; what lies behind a longer one would be too much at once */
};

const struct metric_family tasks_ended_total = {
    .name = "sluice_tasks_ended_total",
    .kind = METRIC_COUNTER,
    .help =
        "Tasks of the database that have ended since this gateway runs, by any gateway; one that was deleted before its end "
        "counts as KILLED.",
    .labels = {"kind", "state"},
};

const struct metric_family jobs_lost_total = {
    .name = "sluice_jobs_lost_total",
    .kind = METRIC_COUNTER,
    .help =
        "Jobs of the database that have failed since this gateway runs because their workers lost them 20 times in a row "
        "without progress.",
};

struct task_ends {
    struct store *store;
    struct timers *timers;
    struct metrics *metrics;
    struct timer timer;

    /* The query is out, or the timer is set. */
    struct query query;
    struct buf seen; /* the snapshot of the last look; empty: there was none */
    int64_t seen_us; /* its time at the database */
    int64_t seen_ms; /* its time here */

    pthread_mutex_t lock; /* for what follows */
    bool is_stopping;
};

/* What Prometheus sees first of a series is no growth to it, so all are there, at 0, from when they count. */
static void show_all(struct metrics *metrics)
{
    static const Pb__TaskState states[] = {PB__TASK_STATE__TASK_STATE_SUCCEEDED,
                                           PB__TASK_STATE__TASK_STATE_FAILED,
                                           PB__TASK_STATE__TASK_STATE_KILLED};
    const ProtobufCEnumDescriptor *kinds = &pb__task_kind__descriptor;

    for (unsigned i = 0; i < kinds->n_values; i++) {
        const char *kind = enum_text_find(kinds, kinds->values[i].value);
        for (size_t k = 0; kinds->values[i].value != 0 && k < ARRAY_LEN(states); k++) {
            const char *state = enum_text_find(&pb__task_state__descriptor, (int)states[k]);
            (void)metrics_get(metrics, &tasks_ended_total, (const char *const[]){kind, state});
        }
    }
    (void)metrics_get_only(metrics, &jobs_lost_total);
}

static void count(const struct task_ends *ends, const struct pg_result *rows, size_t row)
{
    if (row_is_null(rows, row, "note/kind"))
        return;
    char *kind = mem_copy_str(row_get_text(rows, row, "note/kind"));
    char *state = mem_copy_str(row_get_text(rows, row, "note/state"));

    metric_add(metrics_get(ends->metrics, &tasks_ended_total, (const char *const[]){kind, state}),
               row_get_int(rows, row, "note/count"));
    metric_add(metrics_get_only(ends->metrics, &jobs_lost_total),
               row_get_int(rows, row, "note/lost"));
    mem_free(kind);
    mem_free(state);
}

/* On a store thread. After a failure the next look tells what this one would have. */
static void on_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct task_ends *ends = container_of(query, struct task_ends, query);

    if (st.code == STATUS_OK) {
        show_all(ends->metrics);
        for (size_t row = 0; row < rows_get_count(rows); row++)
            count(ends, rows, row);
        buf_clear(&ends->seen);
        buf_append_str(&ends->seen, row_get_text(rows, 0, "note/snapshot"));
        ends->seen_us = row_get_int(rows, 0, "note/time");
        ends->seen_ms = clock_get_monotonic_ms();
    }
    (void)pthread_mutex_lock(&ends->lock);
    if (!ends->is_stopping)
        timers_set(ends->timers, &ends->timer, PERIOD_MS);
    (void)pthread_mutex_unlock(&ends->lock);
}

/* On the timer thread. */
static void look(struct timer *timer)
{
    struct task_ends *ends = container_of(timer, struct task_ends, timer);
    bool is_first =
        ends->seen.len == 0 || clock_get_monotonic_ms() - ends->seen_ms > LONGEST_GAP_MS;

    ends->query = (struct query){
        .statement = &figure_ends,
        .params = {is_first ? param_null() : param_str(buf_get(&ends->seen)),
                   param_int(ends->seen_us)},
        .timeout_ms = QUERY_TIMEOUT_MS,
        .on_done = on_done,
    };
    store_submit(ends->store, &ends->query);
}

struct task_ends *task_ends_create(struct store *store, struct timers *timers,
                                   struct metrics *metrics)
{
    if (!metrics)
        return NULL;
    struct task_ends *ends = mem_alloc(sizeof(*ends));
    ends->store = store;
    ends->timers = timers;
    ends->metrics = metrics;
    ends->timer.on_fire = look;
    (void)pthread_mutex_init(&ends->lock, NULL);
    timers_set(timers, &ends->timer, 0);
    return ends;
}

void task_ends_stop(struct task_ends *ends)
{
    if (!ends)
        return;
    (void)pthread_mutex_lock(&ends->lock);
    ends->is_stopping = true;
    (void)pthread_mutex_unlock(&ends->lock);
}

void task_ends_destroy(struct task_ends *ends)
{
    if (!ends)
        return;
    buf_deinit(&ends->seen);
    (void)pthread_mutex_destroy(&ends->lock);
    mem_free(ends);
}
