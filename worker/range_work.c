#include "worker/range_work.h"

#include <pthread.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "hbase/table.h"
#include "worker/difference_log.h"
#include "worker/job_context.h"
#include "worker/migration.h"

enum {
    DEFAULT_CONCURRENCY = 5,
    LOOK_EVERY_MS = 100, /* for a stop, and for what is to be told */
    SAVE_EVERY_MS = 3000,
    RETRY_PAUSE_MS = 1000,
    GIVE_UP_MS = 10 * 60 * 1000, /* without a row */
    MAX_PAGE_BYTES = 2 * 1024 * 1024,
    MIN_PAGE_BYTES = 64 * 1024,
    ALL_PAGES_BYTES = 64 * 1024 * 1024, /* of all threads of a job together, if they are many */
};

struct worker;

/* What the threads of one job share. */
struct range_work {
    const struct range_work_options *options;
    size_t page_bytes;
    struct stop stop; /* of the workers: the job is to stop, or one of them has failed */

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct copy_plan *plan;
    struct difference_log differences; /* that are counted in the plan and not stored yet */
    bool is_changed;                   /* since the plan was saved */
    struct worker *workers;            /* workers[0 .. nworkers) */
    unsigned nworkers;
    unsigned nrunning;
    struct status status; /* the first failure */
};

/* One thread. */
struct worker {
    struct range_owner owner;
    struct range_work *work;
    pthread_t thread;
    int64_t number;      /* of the range in the plan */
    int64_t advanced_ms; /* when it was begun, or came on last */
    char waiting
        [STATUS_TEXT_BYTES]; /* what it waits for; "" if it does not. Guarded by the work's mutex */
};

/* A thread's work. */

static bool is_passing(struct status st)
{
    return st.code == STATUS_UNAVAILABLE || st.code == STATUS_DEADLINE_EXCEEDED ||
           st.code == STATUS_RESOURCE_EXHAUSTED;
}

static void set_waiting(struct worker *worker, const char *text)
{
    (void)pthread_mutex_lock(&worker->work->mutex);
    memcpy(worker->waiting, text, strlen(text) + 1);
    (void)pthread_mutex_unlock(&worker->work->mutex);
}

/* How many differences were counted before; their numbers follow from it. */
static int64_t count_differences(const struct job_comparison *counts)
{
    return counts->missing + counts->extra + counts->changed_values + counts->changed_timestamps;
}

static void note_advance(struct range_owner *owner, struct str next_row,
                         const struct range_news *news)
{
    struct worker *worker = container_of(owner, struct worker, owner);
    struct range_work *work = worker->work;

    worker->advanced_ms = clock_get_monotonic_ms();
    (void)pthread_mutex_lock(&work->mutex);
    const struct copy_progress before = copy_plan_get_progress(work->plan);
    difference_log_add(&work->differences, news->differences, news->ndifferences,
                       count_differences(&before.counts.comparison));
    copy_plan_advance(work->plan, worker->number, next_row, &news->counts);
    worker->waiting[0] = '\0';
    work->is_changed = true;
    (void)pthread_mutex_unlock(&work->mutex);
}

static void note_end_of_range(struct worker *worker, const struct copy_counts *counts)
{
    struct range_work *work = worker->work;

    (void)pthread_mutex_lock(&work->mutex);
    copy_plan_finish(work->plan, worker->number, counts);
    worker->waiting[0] = '\0';
    work->is_changed = true;
    (void)pthread_mutex_unlock(&work->mutex);
}

/* Tries once to do what is left of the worker's range. */
static struct status try_range(struct worker *worker)
{
    struct range_work *work = worker->work;
    struct copy_counts counts;
    struct range_options options = {
        .migration = work->options->migration,
        .source = work->options->source,
        .destination = work->options->destination,
        .stop = &work->stop,
        .page_bytes = work->page_bytes,
        .self = work->options->self,
    };

    (void)pthread_mutex_lock(&work->mutex);
    options.range = copy_plan_get_range(work->plan, worker->number);
    (void)pthread_mutex_unlock(&work->mutex);
    struct span span;
    job_context_begin_part(work->options->migration->context, "range", &span);
    struct status st = work->options->run(&options, &worker->owner, &counts);
    if (st.code != STATUS_OK)
        span_fail(&span, st.text);
    span_end(&span);
    if (st.code == STATUS_OK)
        note_end_of_range(worker, &counts);
    return st;
}

static struct status do_range(struct worker *worker)
{
    worker->advanced_ms = clock_get_monotonic_ms();
    for (;;) {
        struct status st = try_range(worker);

        if (!is_passing(st) || clock_get_monotonic_ms() - worker->advanced_ms > GIVE_UP_MS)
            return st;
        set_waiting(worker, st.text);
        if (!stop_pause(&worker->work->stop, RETRY_PAUSE_MS))
            return status_error(STATUS_CANCELLED, "stopped");
    }
}

static bool take_range(struct worker *worker)
{
    (void)pthread_mutex_lock(&worker->work->mutex);
    worker->number = copy_plan_take(worker->work->plan);
    (void)pthread_mutex_unlock(&worker->work->mutex);
    return worker->number != COPY_PLAN_NONE;
}

static void fail(struct range_work *work, struct status st)
{
    (void)pthread_mutex_lock(&work->mutex);
    if (work->status.code == STATUS_OK)
        work->status = st;
    (void)pthread_mutex_unlock(&work->mutex);
    stop_request(&work->stop);
}

static void *run_worker(void *arg)
{
    struct worker *worker = arg;
    struct range_work *work = worker->work;
    struct status st = status_ok();

    while (st.code == STATUS_OK && !stop_is_requested(&work->stop) && take_range(worker))
        st = do_range(worker);
    if (st.code != STATUS_OK)
        fail(work, st);
    (void)pthread_mutex_lock(&work->mutex);
    work->nrunning--;
    (void)pthread_cond_signal(&work->changed);
    (void)pthread_mutex_unlock(&work->mutex);
    return NULL;
}

/* The job's own thread. */

/* Has the next report say how far the work is, and what stands in its way. */
static void tell(struct range_work *work)
{
    char waiting[STATUS_TEXT_BYTES] = "";

    (void)pthread_mutex_lock(&work->mutex);
    struct copy_progress progress = copy_plan_get_progress(work->plan);
    for (unsigned i = 0; i < work->nworkers && waiting[0] == '\0'; i++)
        memcpy(waiting, work->workers[i].waiting, sizeof(waiting));
    (void)pthread_mutex_unlock(&work->mutex);

    job_context_set_progress(work->options->migration->context,
                             &(struct job_progress){
                                 .rows_read = progress.counts.rows_read,
                                 .rows_written = progress.counts.rows_written,
                                 .bad_rows = progress.counts.bad_rows,
                                 .bytes_read = progress.counts.bytes_read,
                                 .regions_done = (int64_t)progress.nregions_done,
                                 .regions_total = (int64_t)progress.nregions,
                                 .has_comparison = work->options->is_comparison,
                                 .comparison = progress.counts.comparison,
                                 .lag_ms = -1,
                             });
    job_context_set_message(work->options->migration->context, waiting);
}

/*
 * Saves the plan, if it has changed. One that is too large is not saved: keys are very long then, and what was saved before
 * stays good. The differences that it counts are stored before; those that a later attempt finds again have their numbers.
 */
static struct status save(struct range_work *work)
{
    struct buf saved = {0};

    (void)pthread_mutex_lock(&work->mutex);
    bool has_to_save = work->is_changed && copy_plan_write(work->plan, &saved);
    struct difference_log differences = work->differences;
    work->differences = (struct difference_log){0};
    work->is_changed = false;
    (void)pthread_mutex_unlock(&work->mutex);
    tell(work);
    struct status st = difference_log_store(&differences, work->options->migration->context);
    difference_log_deinit(&differences);
    if (st.code == STATUS_OK && has_to_save)
        st = job_context_save_checkpoint(work->options->migration->context, buf_get(&saved));
    buf_deinit(&saved);
    return st;
}

/* Waits a moment for the workers to end; false: they have. */
static bool wait_for_workers(struct range_work *work)
{
    (void)pthread_mutex_lock(&work->mutex);
    if (work->nrunning > 0)
        thread_wait_until(&work->changed, &work->mutex, clock_get_monotonic_ms() + LOOK_EVERY_MS);
    bool is_running = work->nrunning > 0;
    (void)pthread_mutex_unlock(&work->mutex);
    return is_running;
}

static void watch(struct range_work *work)
{
    const struct stop *stop = job_context_get_stop(work->options->migration->context);
    int64_t saved_ms = clock_get_monotonic_ms();

    while (wait_for_workers(work)) {
        if (stop_is_requested(stop))
            fail(work, status_error(STATUS_CANCELLED, "stopped"));
        tell(work);
        if (clock_get_monotonic_ms() - saved_ms < SAVE_EVERY_MS)
            continue;
        struct status st = save(work);
        if (st.code != STATUS_OK)
            fail(work, st);
        saved_ms = clock_get_monotonic_ms();
    }
}

static struct status start_worker(struct range_work *work, struct worker *worker)
{
    *worker = (struct worker){.owner = {note_advance}, .work = work};
    return thread_start(work->options->thread_name, run_worker, worker, &worker->thread);
}

static struct status run_workers(struct range_work *work, unsigned nworkers)
{
    struct status st = status_ok();
    unsigned nstarted = 0;

    work->workers = mem_alloc_array(nworkers, sizeof(*work->workers));
    work->nworkers = nworkers;
    work->nrunning = nworkers;
    while (nstarted < nworkers && st.code == STATUS_OK) {
        st = start_worker(work, &work->workers[nstarted]);
        nstarted += st.code == STATUS_OK;
    }
    (void)pthread_mutex_lock(&work->mutex);
    work->nrunning -= nworkers - nstarted;
    (void)pthread_mutex_unlock(&work->mutex);
    if (st.code != STATUS_OK)
        fail(work, st);
    watch(work);
    for (unsigned i = 0; i < nstarted; i++)
        (void)pthread_join(work->workers[i].thread, NULL);
    if (work->status.code == STATUS_OK)
        work->status = save(work);
    return work->status;
}

static struct status make_plan(struct range_work *work, struct arena *arena)
{
    const struct migration *migration = work->options->migration;
    const Pb__LeasedJob *job = job_context_get_job(migration->context);
    struct str saved = str_from_bytes(job->checkpoint.data, job->checkpoint.len);
    const struct hbase_region *regions = NULL;
    size_t nregions = 0;
    struct status st = hbase_table_list_regions(work->options->source, arena, &regions, &nregions);

    if (st.code != STATUS_OK)
        return migration_at_source(st);
    struct str *starts = arena_alloc(arena, nregions * sizeof(*starts));
    for (size_t i = 0; i < nregions; i++)
        starts[i] = regions[i].start_key;
    struct copy_plan_options options = {
        .whole = {migration->spec.start_key, migration->spec.end_key},
        .starts = starts,
        .nstarts = nregions,
    };
    if (saved.len > 0)
        return copy_plan_resume(&options, saved, &work->plan);
    work->plan = copy_plan_create(&options);
    return st;
}

static unsigned choose_workers(const struct range_work *work)
{
    struct copy_progress progress = copy_plan_get_progress(work->plan);
    size_t nleft = progress.nregions - progress.nregions_done;
    unsigned nworkers = work->options->migration->spec.concurrency;

    if (nworkers == 0)
        nworkers = DEFAULT_CONCURRENCY;
    return nleft < nworkers ? (unsigned)nleft : nworkers;
}

/* A page is what is read at once: no more than a second's worth, and less where many threads have one each. */
static size_t choose_page_bytes(const struct range_work *work, unsigned nworkers)
{
    int64_t rate = job_context_get_bytes_per_second(work->options->migration->context);
    size_t page_bytes = nworkers > 0 ? ALL_PAGES_BYTES / nworkers : MAX_PAGE_BYTES;

    if (rate > 0 && (uint64_t)rate < page_bytes)
        page_bytes = (size_t)rate;
    if (page_bytes < MIN_PAGE_BYTES)
        page_bytes = MIN_PAGE_BYTES;
    return page_bytes < MAX_PAGE_BYTES ? page_bytes : MAX_PAGE_BYTES;
}

static struct status run_plan(struct range_work *work)
{
    struct arena *arena = arena_create(MIGRATION_ARENA_BYTES); /* of the regions */
    struct status st = make_plan(work, arena);

    arena_destroy(arena);
    if (st.code != STATUS_OK)
        return st;
    tell(work);
    unsigned nworkers = choose_workers(work);
    work->page_bytes = choose_page_bytes(work, nworkers);
    return run_workers(work, nworkers);
}

struct status range_work_run(const struct range_work_options *options,
                             struct copy_counts *ret_counts)
{
    struct range_work work = {.options = options};

    (void)pthread_mutex_init(&work.mutex, NULL);
    thread_init_condition(&work.changed);
    struct status st = run_plan(&work);
    if (st.code == STATUS_OK)
        *ret_counts = copy_plan_get_progress(work.plan).counts;
    mem_free(work.workers);
    copy_plan_destroy(work.plan);
    difference_log_deinit(&work.differences);
    (void)pthread_cond_destroy(&work.changed);
    (void)pthread_mutex_destroy(&work.mutex);
    return st;
}
