#include "gateway/retention.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "gateway/archive.h"
#include "gateway/task_rows.h"
#include "gateway/text_array.h"
#include "store/retention_store.h"
#include "store/row.h"
#include "store/store.h"
#include "store/task_event_store.h"
#include "store/task_store.h"

enum {
    PERIOD_MS = 10000,
    HOLD_MS = 60000, /* a round is shorter, but nothing depends on that */
    QUERY_TIMEOUT_MS = 20000,
    TASKS = 100,   /* a round */
    EVENTS = 1000, /* a round, and those of a task in one answer */
    ARENA_BYTES = 16 * 1024 * 1024,
    LINES_BYTES = 1024 * 1024, /* are gathered before they are written */
    DATE_BYTES = 16,
    NUMBER_BYTES = 24,
};

const struct metric_family retention_removed_total = {
    .name = "sluice_retention_removed_total",
    .kind = METRIC_COUNTER,
    .help = "Tasks and events that this gateway removed because they were old.",
    .labels = {"what"},
};

const struct metric_family retention_failures_total = {
    .name = "sluice_retention_failures_total",
    .kind = METRIC_COUNTER,
    .help =
        "How often what is old could not be looked for, written down or removed; it is tried every ten seconds.",
};

struct retention {
    const struct retention_settings *settings;
    struct store *store;
    struct metric *ntasks; /* that were removed; NULL: nobody asks, as of these */
    struct metric *nevents;
    struct metric *nfailures;
    char holder[ID_HEX_BYTES];
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows, up to answer */
    pthread_cond_t changed;
    bool is_stopping;
    bool is_answered;
    struct status answer;

    /* The rest is the thread's, and the answer's while the thread waits for it. */
    struct query query;
    struct status (*take)(struct retention *retention, const struct pg_result *rows);
    bool is_held;
    bool is_failing;
    char date[DATE_BYTES];
    struct arena *arena; /* of a round */
    size_t nfound;       /* tasks or events, as are these */
    const char *found_ids[TASKS];
    struct buf ids; /* of those that are to go; arrays */
    struct buf numbers;
    size_t nlisted;   /* events of a task in the last answer */
    int64_t last_seq; /* of events that were read */
    int64_t nremoved;
    struct buf lines; /* for the archive */
};

/* Asking. */

/* On a store thread. */
static void on_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct retention *retention = container_of(query, struct retention, query);

    if (st.code == STATUS_OK)
        st = retention->take(retention, rows);
    (void)pthread_mutex_lock(&retention->lock);
    retention->answer = st;
    retention->is_answered = true;
    (void)pthread_cond_broadcast(&retention->changed);
    (void)pthread_mutex_unlock(&retention->lock);
}

/* Has take read the rows of query, on a store thread, and waits for that. */
static struct status ask(struct retention *retention, struct query query,
                         struct status (*take)(struct retention *, const struct pg_result *))
{
    retention->query = query;
    retention->query.timeout_ms = QUERY_TIMEOUT_MS;
    retention->query.on_done = on_done;
    retention->take = take;
    retention->is_answered = false;
    store_submit(retention->store, &retention->query);

    (void)pthread_mutex_lock(&retention->lock);
    while (!retention->is_answered)
        (void)pthread_cond_wait(&retention->changed, &retention->lock);
    (void)pthread_mutex_unlock(&retention->lock);
    return retention->answer;
}

static struct status take_hold(struct retention *retention, const struct pg_result *rows)
{
    struct str date = row_get_text(rows, 0, "note/date");

    retention->is_held = row_get_int(rows, 0, "note/is_held") != 0;
    (void)snprintf(retention->date, sizeof(retention->date), "%.*s", (int)date.len, date.data);
    return status_ok();
}

static struct status hold(struct retention *retention)
{
    return ask(retention,
               (struct query){.statement = &retention_hold,
                              .params = {param_text(retention->holder), param_int(HOLD_MS)}},
               take_hold);
}

static struct status take_count(struct retention *retention, const struct pg_result *rows)
{
    retention->nremoved = row_get_int(rows, 0, "note/count");
    return status_ok();
}

static bool is_stopping(struct retention *retention)
{
    (void)pthread_mutex_lock(&retention->lock);
    bool is_stopping = retention->is_stopping;
    (void)pthread_mutex_unlock(&retention->lock);
    return is_stopping;
}

/* Writing down. */

static struct status flush_lines(struct retention *retention, size_t min_bytes)
{
    struct str lines = buf_get(&retention->lines);

    if (lines.len == 0 || lines.len < min_bytes)
        return status_ok();
    struct status st = archive_append(retention->settings->archive_folder, retention->date, lines);
    buf_clear(&retention->lines);
    return st;
}

/* There is no row if somebody else was faster. */
static struct status take_task(struct retention *retention, const struct pg_result *rows)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct status st = status_ok();
    Pb__Task *task = NULL;
    size_t row = 0;

    if (rows_get_count(rows) > 0) {
        st = task_rows_read(rows, &row, arena, &task);
        if (st.code == STATUS_OK)
            archive_write_task(task, &retention->lines);
    }
    arena_destroy(arena);
    return st;
}

static struct status take_events(struct retention *retention, const struct pg_result *rows)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct status st = status_ok();
    const char *task_id = retention->query.params[0].text.data; /* which was a C string */

    retention->nlisted = 0;
    for (size_t row = 0; row < rows_get_count(rows) && st.code == STATUS_OK; row++) {
        Pb__TaskEvent event = PB__TASK_EVENT__INIT;

        if (row_is_null(rows, row, "sequence"))
            continue;
        st = row_read(rows, row, "", arena, &event.base);
        if (st.code == STATUS_OK)
            archive_write_event(task_id, &event, &retention->lines);
        retention->last_seq = event.sequence;
        retention->nlisted++;
    }
    arena_destroy(arena);
    return st;
}

static struct status archive_events(struct retention *retention, const char *id)
{
    retention->last_seq = 0;
    for (;;) {
        struct status st = ask(retention,
                               (struct query){.statement = &task_event_list,
                                              .params = {param_text(id), param_int(EVENTS),
                                                         param_int(retention->last_seq)}},
                               take_events);
        if (st.code == STATUS_OK)
            st = flush_lines(retention, LINES_BYTES);
        if (st.code != STATUS_OK || retention->nlisted < EVENTS)
            return st;
    }
}

static struct status archive_tasks(struct retention *retention)
{
    struct status st = status_ok();

    for (size_t i = 0; i < retention->nfound && st.code == STATUS_OK; i++) {
        const char *id = retention->found_ids[i];

        st = ask(retention,
                 (struct query){.statement = &task_get, .params = {param_text(id), param_int(1)}},
                 take_task);
        if (st.code == STATUS_OK)
            st = archive_events(retention, id);
        if (st.code == STATUS_OK && is_stopping(retention))
            st = status_error(STATUS_CANCELLED, "the program stops");
    }
    return st.code == STATUS_OK ? flush_lines(retention, 0) : st;
}

/* Tasks. */

static void add_number(struct retention *retention, int64_t number)
{
    char text[NUMBER_BYTES];

    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    text_array_add(&retention->numbers, text);
}

static struct status take_found_tasks(struct retention *retention, const struct pg_result *rows)
{
    retention->nfound = rows_get_count(rows);
    assert(retention->nfound <= TASKS);
    for (size_t i = 0; i < retention->nfound; i++) {
        const char *id = arena_copy_str(retention->arena, row_get_text(rows, i, "note/id"));

        retention->found_ids[i] = id;
        text_array_add(&retention->ids, id);
        add_number(retention, row_get_int(rows, i, "note/version"));
    }
    return status_ok();
}

/* *ret_has_more: there may be others that can go at once. */
static struct status remove_tasks(struct retention *retention, bool *ret_has_more)
{
    struct status st =
        ask(retention,
            (struct query){
                .statement = &retention_task_find,
                .params = {param_int(retention->settings->keep_tasks_days), param_int(TASKS)}},
            take_found_tasks);

    if (st.code != STATUS_OK || retention->nfound == 0)
        return st;
    if (retention->settings->archive_folder)
        st = archive_tasks(retention);
    if (st.code == STATUS_OK)
        st = ask(retention,
                 (struct query){.statement = &retention_task_remove,
                                .params = {param_str(buf_get(&retention->ids)),
                                           param_str(buf_get(&retention->numbers))}},
                 take_count);
    if (st.code != STATUS_OK)
        return st;
    metric_add(retention->ntasks, retention->nremoved);
    if (retention->nremoved > 0)
        log_info("old tasks removed", log_int("tasks", retention->nremoved));
    *ret_has_more = retention->nremoved > 0;
    return st;
}

/* Events. */

static struct status take_found_events(struct retention *retention, const struct pg_result *rows)
{
    struct status st = status_ok();

    retention->nfound = rows_get_count(rows);
    for (size_t row = 0; row < retention->nfound && st.code == STATUS_OK; row++) {
        Pb__TaskEvent event = PB__TASK_EVENT__INIT;

        retention->last_seq = row_get_int(rows, row, "note/seq");
        if (row_get_int(rows, row, "note/goes") == 0)
            continue;
        const char *id = arena_copy_str(retention->arena, row_get_text(rows, row, "note/task_id"));
        text_array_add(&retention->ids, id);
        add_number(retention, retention->last_seq);
        st = row_read(rows, row, "event/", retention->arena, &event.base);
        if (st.code == STATUS_OK && retention->settings->archive_folder)
            archive_write_event(id, &event, &retention->lines);
    }
    return st;
}

static struct param get_array(const struct buf *array)
{
    return array->len > 0 ? param_str(buf_get(array)) : param_text("{}");
}

/* As remove_tasks. */
static struct status remove_events(struct retention *retention, bool *ret_has_more)
{
    struct status st =
        ask(retention,
            (struct query){
                .statement = &retention_event_find,
                .params = {param_int(retention->settings->keep_events_days), param_int(EVENTS)}},
            take_found_events);

    if (st.code != STATUS_OK || retention->nfound == 0)
        return st;
    st = flush_lines(retention, 0);
    if (st.code == STATUS_OK)
        st = ask(
            retention,
            (struct query){.statement = &retention_event_remove,
                           .params = {get_array(&retention->ids), get_array(&retention->numbers),
                                      param_int(retention->last_seq)}},
            take_count);
    if (st.code != STATUS_OK)
        return st;
    metric_add(retention->nevents, retention->nremoved);
    if (retention->nremoved > 0)
        log_info("old events removed", log_int("events", retention->nremoved));
    *ret_has_more = retention->nfound == EVENTS;
    return st;
}

/* Going round. */

static struct status run_part(struct retention *retention,
                              struct status (*part)(struct retention *, bool *), bool *ret_has_more)
{
    buf_clear(&retention->ids);
    buf_clear(&retention->numbers);
    buf_clear(&retention->lines);
    retention->arena = arena_create(ARENA_BYTES);
    struct status st = part(retention, ret_has_more);
    arena_destroy(retention->arena);
    return st;
}

static struct status run_round(struct retention *retention, bool *ret_has_more)
{
    bool has_more_tasks = false;
    bool has_more_events = false;
    struct status st = hold(retention);

    if (st.code == STATUS_OK && retention->is_held && retention->settings->keep_tasks_days > 0)
        st = run_part(retention, remove_tasks, &has_more_tasks);
    if (st.code == STATUS_OK && retention->is_held && retention->settings->keep_events_days > 0)
        st = run_part(retention, remove_events, &has_more_events);
    *ret_has_more = has_more_tasks || has_more_events;
    return st;
}

/* Each trouble is told once. */
static void note_end(struct retention *retention, struct status st)
{
    if (st.code == STATUS_OK && retention->is_failing)
        log_info("what is old is removed again", log_str("holder", retention->holder));
    if (st.code != STATUS_OK && !retention->is_failing)
        log_error("what is old is not removed", log_code(st), log_str("error", st.text));
    retention->is_failing = st.code != STATUS_OK;
    metric_add(retention->nfailures, retention->is_failing);
}

static void *run(void *arg)
{
    struct retention *retention = arg;

    while (!is_stopping(retention)) {
        bool has_more = false;
        struct status st = run_round(retention, &has_more);
        int64_t next_ms = clock_get_monotonic_ms() + (has_more ? 0 : PERIOD_MS);

        if (is_stopping(retention))
            break;
        note_end(retention, st);
        (void)pthread_mutex_lock(&retention->lock);
        while (!retention->is_stopping && clock_get_monotonic_ms() < next_ms)
            thread_wait_until(&retention->changed, &retention->lock, next_ms);
        (void)pthread_mutex_unlock(&retention->lock);
    }
    return NULL;
}

static void free_retention(struct retention *retention)
{
    (void)pthread_cond_destroy(&retention->changed);
    (void)pthread_mutex_destroy(&retention->lock);
    buf_deinit(&retention->ids);
    buf_deinit(&retention->numbers);
    buf_deinit(&retention->lines);
    mem_free(retention);
}

void retention_validate(const struct retention_settings *settings, struct buf *errors)
{
    int64_t days = settings->keep_events_days;

    if (days > 0 && days < RETENTION_MIN_EVENT_DAYS)
        buf_printf(errors, "keep-events-days: %" PRId64 " is neither 0 nor at least %d\n", days,
                   RETENTION_MIN_EVENT_DAYS);
    if (settings->archive_folder && settings->keep_tasks_days == 0 && days == 0)
        buf_append_text(errors, "archive-folder: nothing is removed: give keep-tasks-days or "
                                "keep-events-days, too\n");
}

struct status retention_create(const struct retention_settings *settings, struct store *store,
                               struct metrics *metrics, struct retention **ret)
{
    if (settings->keep_tasks_days == 0 && settings->keep_events_days == 0)
        return status_ok();
    struct retention *retention = mem_alloc(sizeof(*retention));

    retention->settings = settings;
    retention->store = store;
    retention->ntasks =
        metrics_get(metrics, &retention_removed_total, (const char *const[]){"tasks"});
    retention->nevents =
        metrics_get(metrics, &retention_removed_total, (const char *const[]){"events"});
    retention->nfailures = metrics_get_only(metrics, &retention_failures_total);
    id_make_hex(retention->holder);
    (void)pthread_mutex_init(&retention->lock, NULL);
    thread_init_condition(&retention->changed);
    struct status st = thread_start("retention", run, retention, &retention->thread);
    if (st.code != STATUS_OK) {
        free_retention(retention);
        return st;
    }
    *ret = retention;
    return st;
}

void retention_destroy(struct retention *retention)
{
    if (!retention)
        return;
    (void)pthread_mutex_lock(&retention->lock);
    retention->is_stopping = true;
    (void)pthread_cond_broadcast(&retention->changed);
    (void)pthread_mutex_unlock(&retention->lock);
    (void)pthread_join(retention->thread, NULL);
    free_retention(retention);
}
