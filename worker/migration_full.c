/*
 * worker/migration_full.c - the FULL job of a table: copies its rows.
 *
 * Threads take ranges of rows from the job's plan; the job's own thread tells how far they are and saves the plan every few
 * seconds. A range that cannot go on, because a server is away, is tried again from where it was for as long as users
 * are told what it waits for; only when that lasts is the job given back, and the gateway decides.
 */
#include <pthread.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "hbase/table.h"
#include "worker/copy_plan.h"
#include "worker/job_context.h"
#include "worker/migration.h"
#include "worker/migration_range.h"
#include "worker/runner.h"

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

struct copier;

/* What the threads of one job share. */
struct copy {
    struct migration migration;
    struct hbase_table *source;
    struct hbase_table *destination;
    size_t page_bytes;
    struct stop stop; /* of the copiers: the job is to stop, or one of them has failed */

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct copy_plan *plan;
    bool is_changed;        /* since the plan was saved */
    struct copier *copiers; /* copiers[0 .. ncopiers) */
    unsigned ncopiers;
    unsigned nrunning;
    struct status status; /* the first failure */
};

/* One thread. */
struct copier {
    struct range_owner owner;
    struct copy *copy;
    pthread_t thread;
    int64_t number;      /* of the range in the plan */
    int64_t advanced_ms; /* when it was begun, or came on last */
    char waiting
        [STATUS_TEXT_BYTES]; /* what it waits for; "" if it does not. Guarded by the copy's mutex */
};

/* A copier's work. */

static bool is_passing(struct status st)
{
    return st.code == STATUS_UNAVAILABLE || st.code == STATUS_DEADLINE_EXCEEDED ||
           st.code == STATUS_RESOURCE_EXHAUSTED;
}

static void set_waiting(struct copier *copier, const char *text)
{
    (void)pthread_mutex_lock(&copier->copy->mutex);
    memcpy(copier->waiting, text, strlen(text) + 1);
    (void)pthread_mutex_unlock(&copier->copy->mutex);
}

static void note_advance(struct range_owner *owner, struct str next_row,
                         const struct copy_counts *counts)
{
    struct copier *copier = container_of(owner, struct copier, owner);
    struct copy *copy = copier->copy;

    copier->advanced_ms = clock_get_monotonic_ms();
    (void)pthread_mutex_lock(&copy->mutex);
    copy_plan_advance(copy->plan, copier->number, next_row, counts);
    copier->waiting[0] = '\0';
    copy->is_changed = true;
    (void)pthread_mutex_unlock(&copy->mutex);
}

static void note_end_of_range(struct copier *copier, const struct copy_counts *counts)
{
    struct copy *copy = copier->copy;

    (void)pthread_mutex_lock(&copy->mutex);
    copy_plan_finish(copy->plan, copier->number, counts);
    copier->waiting[0] = '\0';
    copy->is_changed = true;
    (void)pthread_mutex_unlock(&copy->mutex);
}

/* Tries once to copy what is left of the copier's range. */
static struct status try_range(struct copier *copier)
{
    struct copy *copy = copier->copy;
    struct copy_counts counts;
    struct range_options options = {
        .migration = &copy->migration,
        .source = copy->source,
        .destination = copy->destination,
        .stop = &copy->stop,
        .page_bytes = copy->page_bytes,
    };

    (void)pthread_mutex_lock(&copy->mutex);
    options.range = copy_plan_get_range(copy->plan, copier->number);
    (void)pthread_mutex_unlock(&copy->mutex);
    struct status st = migration_range_copy(&options, &copier->owner, &counts);
    if (st.code == STATUS_OK)
        note_end_of_range(copier, &counts);
    return st;
}

static struct status copy_range(struct copier *copier)
{
    copier->advanced_ms = clock_get_monotonic_ms();
    for (;;) {
        struct status st = try_range(copier);

        if (!is_passing(st) || clock_get_monotonic_ms() - copier->advanced_ms > GIVE_UP_MS)
            return st;
        set_waiting(copier, st.text);
        if (!stop_pause(&copier->copy->stop, RETRY_PAUSE_MS))
            return status_error(STATUS_CANCELLED, "stopped");
    }
}

static bool take_range(struct copier *copier)
{
    (void)pthread_mutex_lock(&copier->copy->mutex);
    copier->number = copy_plan_take(copier->copy->plan);
    (void)pthread_mutex_unlock(&copier->copy->mutex);
    return copier->number != COPY_PLAN_NONE;
}

static void fail(struct copy *copy, struct status st)
{
    (void)pthread_mutex_lock(&copy->mutex);
    if (copy->status.code == STATUS_OK)
        copy->status = st;
    (void)pthread_mutex_unlock(&copy->mutex);
    stop_request(&copy->stop);
}

static void *run_copier(void *arg)
{
    struct copier *copier = arg;
    struct copy *copy = copier->copy;
    struct status st = status_ok();

    while (st.code == STATUS_OK && !stop_is_requested(&copy->stop) && take_range(copier))
        st = copy_range(copier);
    if (st.code != STATUS_OK)
        fail(copy, st);
    (void)pthread_mutex_lock(&copy->mutex);
    copy->nrunning--;
    (void)pthread_cond_signal(&copy->changed);
    (void)pthread_mutex_unlock(&copy->mutex);
    return NULL;
}

/* The job's own thread. */

/* Has the next report say how far the copy is, and what stands in its way. */
static void tell(struct copy *copy)
{
    char waiting[STATUS_TEXT_BYTES] = "";

    (void)pthread_mutex_lock(&copy->mutex);
    struct copy_progress progress = copy_plan_get_progress(copy->plan);
    for (unsigned i = 0; i < copy->ncopiers && waiting[0] == '\0'; i++)
        memcpy(waiting, copy->copiers[i].waiting, sizeof(waiting));
    (void)pthread_mutex_unlock(&copy->mutex);

    job_context_set_progress(copy->migration.context,
                             &(struct job_progress){
                                 .rows_read = progress.counts.rows_read,
                                 .rows_written = progress.counts.rows_written,
                                 .bad_rows = progress.counts.bad_rows,
                                 .bytes_read = progress.counts.bytes_read,
                                 .regions_done = (int64_t)progress.nregions_done,
                                 .regions_total = (int64_t)progress.nregions,
                                 .lag_ms = -1,
                             });
    job_context_set_message(copy->migration.context, waiting);
}

/*
 * Saves the plan, if it has changed. One that is too large is not saved: keys are very long then, and what was saved before
 * stays good.
 */
static struct status save(struct copy *copy)
{
    struct buf saved = {0};
    struct status st = status_ok();

    (void)pthread_mutex_lock(&copy->mutex);
    bool has_to_save = copy->is_changed && copy_plan_write(copy->plan, &saved);
    copy->is_changed = false;
    (void)pthread_mutex_unlock(&copy->mutex);
    tell(copy);
    if (has_to_save)
        st = job_context_save_checkpoint(copy->migration.context, buf_get(&saved));
    buf_deinit(&saved);
    return st;
}

/* Waits a moment for the copiers to end; false: they have. */
static bool wait_for_copiers(struct copy *copy)
{
    (void)pthread_mutex_lock(&copy->mutex);
    if (copy->nrunning > 0)
        thread_wait_until(&copy->changed, &copy->mutex, clock_get_monotonic_ms() + LOOK_EVERY_MS);
    bool is_running = copy->nrunning > 0;
    (void)pthread_mutex_unlock(&copy->mutex);
    return is_running;
}

static void watch(struct copy *copy)
{
    const struct stop *stop = job_context_get_stop(copy->migration.context);
    int64_t saved_ms = clock_get_monotonic_ms();

    while (wait_for_copiers(copy)) {
        if (stop_is_requested(stop))
            fail(copy, status_error(STATUS_CANCELLED, "stopped"));
        tell(copy);
        if (clock_get_monotonic_ms() - saved_ms < SAVE_EVERY_MS)
            continue;
        struct status st = save(copy);
        if (st.code != STATUS_OK)
            fail(copy, st);
        saved_ms = clock_get_monotonic_ms();
    }
}

static struct status start_copier(struct copy *copy, struct copier *copier)
{
    *copier = (struct copier){.owner = {note_advance}, .copy = copy};
    return thread_start("copier", run_copier, copier, &copier->thread);
}

static struct status run_copiers(struct copy *copy, unsigned ncopiers)
{
    struct status st = status_ok();
    unsigned nstarted = 0;

    copy->copiers = mem_alloc_array(ncopiers, sizeof(*copy->copiers));
    copy->ncopiers = ncopiers;
    copy->nrunning = ncopiers;
    while (nstarted < ncopiers && st.code == STATUS_OK) {
        st = start_copier(copy, &copy->copiers[nstarted]);
        nstarted += st.code == STATUS_OK;
    }
    (void)pthread_mutex_lock(&copy->mutex);
    copy->nrunning -= ncopiers - nstarted;
    (void)pthread_mutex_unlock(&copy->mutex);
    if (st.code != STATUS_OK)
        fail(copy, st);
    watch(copy);
    for (unsigned i = 0; i < nstarted; i++)
        (void)pthread_join(copy->copiers[i].thread, NULL);
    if (copy->status.code == STATUS_OK)
        copy->status = save(copy);
    return copy->status;
}

static struct status make_plan(struct copy *copy, struct arena *arena)
{
    const struct migration *migration = &copy->migration;
    const Pb__LeasedJob *job = job_context_get_job(migration->context);
    struct str saved = str_from_bytes(job->checkpoint.data, job->checkpoint.len);
    const struct hbase_region *regions = NULL;
    size_t nregions = 0;
    struct status st = hbase_table_list_regions(copy->source, arena, &regions, &nregions);

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
        return copy_plan_resume(&options, saved, &copy->plan);
    copy->plan = copy_plan_create(&options);
    return st;
}

static unsigned choose_copiers(const struct copy *copy)
{
    struct copy_progress progress = copy_plan_get_progress(copy->plan);
    size_t nleft = progress.nregions - progress.nregions_done;
    unsigned ncopiers = copy->migration.spec.concurrency;

    if (ncopiers == 0)
        ncopiers = DEFAULT_CONCURRENCY;
    return nleft < ncopiers ? (unsigned)nleft : ncopiers;
}

/* A page is what is read at once: no more than a second's worth, and less where many threads have one each. */
static size_t choose_page_bytes(const struct copy *copy, unsigned ncopiers)
{
    int64_t rate = job_context_get_bytes_per_second(copy->migration.context);
    size_t page_bytes = ncopiers > 0 ? ALL_PAGES_BYTES / ncopiers : MAX_PAGE_BYTES;

    if (rate > 0 && (uint64_t)rate < page_bytes)
        page_bytes = (size_t)rate;
    if (page_bytes < MIN_PAGE_BYTES)
        page_bytes = MIN_PAGE_BYTES;
    return page_bytes < MAX_PAGE_BYTES ? page_bytes : MAX_PAGE_BYTES;
}

static struct status copy_rows(struct copy *copy)
{
    struct arena *arena = arena_create(0); /* of the regions, of which there may be many */
    struct status st = make_plan(copy, arena);

    arena_destroy(arena);
    if (st.code != STATUS_OK)
        return st;
    tell(copy);
    unsigned ncopiers = choose_copiers(copy);
    copy->page_bytes = choose_page_bytes(copy, ncopiers);
    return run_copiers(copy, ncopiers);
}

static void close_copy(struct copy *copy)
{
    mem_free(copy->copiers);
    copy_plan_destroy(copy->plan);
    hbase_table_destroy(copy->source);
    hbase_table_destroy(copy->destination);
    migration_close(&copy->migration);
    (void)pthread_cond_destroy(&copy->changed);
    (void)pthread_mutex_destroy(&copy->mutex);
}

static struct runner_result run(struct job_context *context, void **ret_state)
{
    struct copy copy = {.status = {0}};
    struct runner_result result = {.status = status_ok()};

    (void)ret_state;
    (void)pthread_mutex_init(&copy.mutex, NULL);
    thread_init_condition(&copy.changed);
    result.status = migration_open(context, &copy.migration);
    if (result.status.code == STATUS_OK) {
        copy.source = hbase_table_create(copy.migration.source, &copy.migration.source_name);
        copy.destination =
            hbase_table_create(copy.migration.destination, &copy.migration.destination_name);
        result.status = copy_rows(&copy);
    }
    close_copy(&copy);
    return result;
}

const struct runner migration_full_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_FULL_MIGRATION,
    .role = PB__JOB_ROLE__JOB_ROLE_FULL,
    .run = run,
};

const struct runner sync_full_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_INCREMENTAL_SYNC,
    .role = PB__JOB_ROLE__JOB_ROLE_FULL,
    .run = run,
};
