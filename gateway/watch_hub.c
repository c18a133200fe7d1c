/*
 * gateway/watch_hub.c - asks what is new, fills the ring and has watches look at it.
 *
 * The hub has a thread of its own, that of its timers. Calls, answers of the database and wakes arrive on other threads;
 * they note under the lock what happened and set the timer. What the thread then does is go round: watches that are due
 * look at the ring, one after the other, and when all have, the next query begins. So at most one query is under way,
 * and changes are not read faster than they can be handed out.
 *
 * While the database is away, rounds fail and are tried again from the same point: nothing is lost. Progress is asked
 * for between two rounds and added before the next one, so it is never older than the changes that were told.
 */
#include "gateway/watch_hub.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "gateway/text_array.h"
#include "gateway/watch.h"
#include "rpc/packed.h"
#include "store/row.h"
#include "store/store.h"

enum {
    ROUND_PERIOD_MS = 150, /* for what other gateways have changed */
    ROUND_PAUSE_MS = 20,   /* from one round to the next when this gateway has changed something */
    RETRY_PAUSE_MS = 500,
    PROGRESS_PERIOD_MS = 1000,
    SWEEP_PERIOD_MS = 60000,
    LINGER_MS = 10000, /* how long changes are followed with nobody watching */

    ROUND_CHANGES = 1000,
    ROUND_BYTES = 2 << 20,
    PROGRESS_TASKS = 1000, /* at a time; the others have to wait for the next one */
    SWEEP_ROWS = 10000,
    NSEEN = 4096,
};

/* What was told last of a task's progress; tasks with the same place drive each other out. */
struct watch_seen {
    uint64_t key;
    uint64_t progress_key;
};

static void start_timer(struct watch_hub *hub, int64_t delay_ms)
{
    timers_set(hub->timers, &hub->timer, delay_ms);
}

/* Into the ring. */

/* Forgets what all watches have looked at; those to come go on from the boundary. */
static void trim_ring(struct watch_hub *hub)
{
    uint64_t least = hub->boundary_number;
    struct list *link;

    list_for_each (link, &hub->all) {
        const struct watch *watch = container_of(link, struct watch, all);
        if (watch->has_number && watch->number < least)
            least = watch->number;
    }
    watch_ring_drop_before(&hub->ring, least);
}

/* Has all watches look that have nothing else to do, and sends away those that have missed something. */
static void tell_watches(struct watch_hub *hub, struct list *ending)
{
    for (struct list *link = hub->all.next, *next = link->next; link != &hub->all;
         link = next, next = link->next) {
        struct watch *watch = container_of(link, struct watch, all);

        if (watch->state == WATCH_IDLE) {
            watch->state = WATCH_DUE;
            list_add_last(&hub->due, &watch->due);
        } else if (watch->state == WATCH_WAITING && watch->round <= hub->nrounds_done) {
            watch->state = WATCH_DUE;
            list_add_last(&hub->due, &watch->due);
        } else if (watch->state == WATCH_SENDING && watch->phase == WATCH_FOLLOW &&
                   watch->number < hub->ring.first) {
            watch_take(watch, FAULT_WATCH_TOO_SLOW, ending);
        }
    }
    trim_ring(hub);
}

enum which_watches {
    ALL_WATCHES,
    WAITING_WATCHES, /* those that wait for a first answer of the database */
    BEGUN_WATCHES,   /* all others */
};

static void dismiss_watches(struct watch_hub *hub, enum which_watches which, enum fault fault,
                            struct list *ending)
{
    for (struct list *link = hub->all.next, *next = link->next; link != &hub->all;
         link = next, next = link->next) {
        struct watch *watch = container_of(link, struct watch, all);
        enum which_watches kind = watch->state == WATCH_WAITING ? WAITING_WATCHES : BEGUN_WATCHES;

        if (which == ALL_WATCHES || which == kind)
            watch_dismiss(watch, fault, ending);
    }
}

/* The query that was under way is done. The lock is held; what comes next is looked at on the hub's thread. */
static void end_query(struct watch_hub *hub, struct status st)
{
    hub->is_asking = false;
    hub->retry_ms = st.code == STATUS_OK ? 0 : clock_get_monotonic_ms() + RETRY_PAUSE_MS;
    (void)pthread_cond_broadcast(&hub->changed);
    if (!hub->is_stopping)
        start_timer(hub, 0);
}

/* Rounds; what ends in _done runs on a store thread. */

/* The database is another one, or was restored: what was told may never have been. */
static void start_anew(struct watch_hub *hub, struct list *ending)
{
    hub->point = (struct watch_point){.is_between = false};
    watch_ring_clear(&hub->ring);
    dismiss_watches(hub, BEGUN_WATCHES, FAULT_CURSOR_EXPIRED, ending);
}

static void take_in_round(struct watch_hub *hub, const struct watch_point *point,
                          const struct watch_page *page, struct arena *arena, struct list *ending)
{
    watch_ring_add(&hub->ring, page->changes, page->nchanges, arena);
    hub->point = *point;
    if (page->is_expired)
        start_anew(hub, ending);
    if (!page->is_expired && !point->is_between) {
        hub->boundary = *point;
        hub->boundary_number = hub->ring.end;
        hub->nrounds_done = hub->nrounds_begun;
    }
    tell_watches(hub, ending);
}

static void round_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct watch_hub *hub = container_of(query, struct watch_hub, query);
    struct watch_point point = hub->point; /* which only queries of the hub move */
    struct arena *arena = arena_create(WATCH_ARENA_BYTES);
    struct watch_page page = {.nchanges = 0};
    struct list ending;

    list_init(&ending);
    if (st.code == STATUS_OK)
        st = watch_page_read(rows, arena, &point, &page);
    if (st.code == STATUS_INTERNAL)
        log_error("changes of tasks not read", log_str("error", st.text));
    (void)pthread_mutex_lock(&hub->lock);
    if (st.code == STATUS_OK) {
        take_in_round(hub, &point, &page, arena, &ending);
    } else {
        for (size_t i = 0; i < page.nchanges; i++)
            rpc_packed_unref(page.changes[i].packed);
        arena_destroy(arena);
        dismiss_watches(hub, WAITING_WATCHES, FAULT_DATABASE_UNAVAILABLE, &ending);
    }
    end_query(hub, st);
    (void)pthread_mutex_unlock(&hub->lock);
    watch_end_all(&ending);
}

static void begin_round(struct watch_hub *hub, int64_t now_ms)
{
    if (!hub->point.is_between)
        hub->nrounds_begun++;
    hub->is_woken = false;
    hub->round_ms = now_ms;
    watch_question_write(&hub->question, &hub->point, NULL, ROUND_CHANGES, ROUND_BYTES,
                         &hub->query);
    hub->query.on_done = round_done;
}

/* Progress. */

/* Whether it is another progress than the one that was told last, which it is from now on. */
static bool note_progress(struct watch_hub *hub, const struct watch_change *change)
{
    struct watch_seen *seen = &hub->seen[change->key % NSEEN];
    bool is_new = seen->key != change->key || seen->progress_key != change->progress_key;

    *seen = (struct watch_seen){change->key, change->progress_key};
    return is_new;
}

static struct status read_progress(struct watch_hub *hub, const struct pg_result *rows,
                                   struct arena *arena, struct watch_page *ret)
{
    size_t nrows = rows_get_count(rows);

    ret->changes = arena_alloc(arena, (nrows + 1) * sizeof(*ret->changes));
    for (size_t i = 0; i < nrows; i++) {
        struct watch_change change;
        struct status st = watch_change_read_task(
            rows, i, PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_PROGRESS, &hub->point, arena, &change);
        if (st.code != STATUS_OK)
            return st;
        if (note_progress(hub, &change))
            ret->changes[ret->nchanges++] = change;
        else
            rpc_packed_unref(change.packed);
    }
    bool is_last = nrows == 0 || row_get_int(rows, 0, "note/is_last") != 0;
    hub->progress_seq = is_last ? 0 : row_get_int(rows, nrows - 1, "note/seq");
    return status_ok();
}

static void progress_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct watch_hub *hub = container_of(query, struct watch_hub, query);
    struct arena *arena = arena_create(WATCH_ARENA_BYTES);
    struct watch_page page = {.nchanges = 0};
    struct list ending;

    list_init(&ending);
    if (st.code == STATUS_OK)
        st = read_progress(hub, rows, arena, &page);
    if (st.code == STATUS_INTERNAL)
        log_error("progress of tasks not read", log_str("error", st.text));
    (void)pthread_mutex_lock(&hub->lock);
    watch_ring_add(&hub->ring, page.changes, page.nchanges, arena);
    if (!hub->point.is_between)
        hub->boundary_number = hub->ring.end;
    tell_watches(hub, &ending);
    end_query(hub, st);
    (void)pthread_mutex_unlock(&hub->lock);
    watch_end_all(&ending);
}

/* The tasks that watches are about, if these are few and not about all. */
static bool list_ids(struct watch_hub *hub)
{
    struct list *link;

    buf_clear(&hub->ids);
    if (hub->nwatches_of_all > 0 || hub->nwatches > PROGRESS_TASKS)
        return false;
    list_for_each (link, &hub->all)
        text_array_add(&hub->ids, container_of(link, struct watch, all)->scope.task_id);
    return true;
}

static void begin_progress(struct watch_hub *hub, int64_t now_ms)
{
    bool has_ids = list_ids(hub);

    hub->progress_ms = now_ms;
    hub->query = (struct query){
        .statement = &task_watch_current,
        .params = {has_ids ? param_str(buf_get(&hub->ids)) : param_null(), param_int(1),
                   param_int(hub->progress_seq), param_int(PROGRESS_TASKS), param_int(ROUND_BYTES)},
        .on_done = progress_done,
    };
}

/* What is no longer kept. */

static void sweep_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct watch_hub *hub = container_of(query, struct watch_hub, query);
    bool has_more = st.code == STATUS_OK && row_get_int(rows, 0, "note/count") >= SWEEP_ROWS;

    if (st.code != STATUS_OK)
        log_warn("traces of deleted tasks not removed", log_code(st), log_str("error", st.text));
    (void)pthread_mutex_lock(&hub->lock);
    if (has_more)
        hub->sweep_ms = 0;
    end_query(hub, st);
    (void)pthread_mutex_unlock(&hub->lock);
}

static void begin_sweep(struct watch_hub *hub, int64_t now_ms)
{
    hub->sweep_ms = now_ms;
    hub->query = (struct query){
        .statement = &task_watch_sweep,
        .params = {param_int(SWEEP_ROWS)},
        .on_done = sweep_done,
    };
}

/* Going round; on the hub's thread. */

static void hand_out(struct watch_hub *hub)
{
    struct list ending;
    struct list *link;

    list_init(&ending);
    do {
        (void)pthread_mutex_lock(&hub->lock);
        link = list_take_first(&hub->due);
        struct watch *watch = link ? container_of(link, struct watch, due) : NULL;
        if (watch && watch->phase == WATCH_FOLLOW)
            watch_advance(watch, &ending);
        else if (watch)
            watch_begin(watch, &ending);
        (void)pthread_mutex_unlock(&hub->lock);
        watch_end_all(&ending);
    } while (link);
}

/* When the next round is to begin. */
static int64_t get_round_ms(const struct watch_hub *hub)
{
    if (hub->point.is_between)
        return hub->round_ms;
    return hub->round_ms + (hub->is_woken ? ROUND_PAUSE_MS : ROUND_PERIOD_MS);
}

static bool is_lonely(struct watch_hub *hub, int64_t now_ms)
{
    if (hub->nwatches > 0)
        hub->lonely_ms = now_ms;
    return now_ms - hub->lonely_ms >= LINGER_MS;
}

/*
 * Sets up the query that is due, and returns true; or sets *ret_delay_ms to when to look again. With nobody
 * watching, the point is forgotten, and the next round takes a new one. The lock is held.
 */
static bool begin_query(struct watch_hub *hub, int64_t *ret_delay_ms)
{
    int64_t now_ms = clock_get_monotonic_ms();
    int64_t sweep_ms = hub->sweep_ms + SWEEP_PERIOD_MS;
    int64_t round_ms = get_round_ms(hub);
    bool is_followed = hub->point.told.end > 0;

    if (is_lonely(hub, now_ms)) {
        hub->point = (struct watch_point){.is_between = false};
        watch_ring_clear(&hub->ring);
        round_ms = sweep_ms;
    }
    *ret_delay_ms = (round_ms < sweep_ms ? round_ms : sweep_ms) - now_ms;
    if (now_ms < hub->retry_ms) {
        *ret_delay_ms = hub->retry_ms - now_ms;
        return false;
    }
    if (sweep_ms <= now_ms)
        begin_sweep(hub, now_ms);
    else if (round_ms <= now_ms)
        begin_round(hub, now_ms);
    else if (is_followed && hub->nwatches > 0 && !hub->point.is_between &&
             now_ms - hub->progress_ms >= PROGRESS_PERIOD_MS)
        begin_progress(hub, now_ms);
    else
        return false;
    return true;
}

static void on_timer(struct timer *timer)
{
    struct watch_hub *hub = container_of(timer, struct watch_hub, timer);
    int64_t delay_ms = 0;

    hand_out(hub);
    (void)pthread_mutex_lock(&hub->lock);
    if (!hub->is_asking && !hub->is_stopping) {
        hub->is_asking = begin_query(hub, &delay_ms);
        hub->query.timeout_ms = WATCH_QUERY_TIMEOUT_MS;
        if (hub->is_asking)
            store_submit(hub->store, &hub->query);
        else
            start_timer(hub, delay_ms);
    }
    (void)pthread_mutex_unlock(&hub->lock);
}

/* What others ask for. */

void watch_hub_wake(struct watch_hub *hub)
{
    (void)pthread_mutex_lock(&hub->lock);
    if (hub->nwatches > 0 && !hub->is_woken && !hub->is_stopping) {
        hub->is_woken = true;
        if (!hub->is_asking)
            start_timer(hub, 0);
    }
    (void)pthread_mutex_unlock(&hub->lock);
}

static void admit(struct watch_hub *hub, struct watch *watch)
{
    watch->state = WATCH_WAITING;
    watch->round = hub->nrounds_begun + 1;
    list_add_last(&hub->all, &watch->all);
    hub->nwatches++;
    if (!watch->scope.task_id)
        hub->nwatches_of_all++;
    hub->is_woken = true;
    if (!hub->is_asking)
        start_timer(hub, 0);
}

void watch_hub_add(struct watch_hub *hub, struct rpc_call *call, const struct watch_scope *scope,
                   const struct watch_point *cursor)
{
    struct watch *watch = rpc_call_alloc(call, sizeof(*watch)); /* freed with the call */
    struct list ending;

    list_init(&ending);
    watch->hub = hub;
    watch->call = call;
    watch->scope = *scope;
    watch->is_resumed = cursor;
    if (cursor)
        watch->point = *cursor;
    watch_init(watch);
    rpc_call_set_cancel(call, &watch->cancel);

    (void)pthread_mutex_lock(&hub->lock);
    if (watch->state != WATCH_OVER && hub->is_stopping)
        watch_take(watch, FAULT_STOPPING, &ending);
    else if (watch->state != WATCH_OVER && hub->nwatches == WATCH_HUB_MAX_WATCHES)
        watch_take(watch, FAULT_OVERLOADED, &ending);
    else if (watch->state != WATCH_OVER) /* else it was cancelled meanwhile */
        admit(hub, watch);
    (void)pthread_mutex_unlock(&hub->lock);
    watch_end_all(&ending);
}

/* From here to the end of life. */

struct status watch_hub_create(struct store *store, struct watch_hub **ret)
{
    struct timers *timers;
    struct status st = timers_create(&timers);

    if (st.code != STATUS_OK)
        return st;
    struct watch_hub *hub = mem_alloc(sizeof(*hub));
    hub->store = store;
    hub->timers = timers;
    hub->timer.on_fire = on_timer;
    hub->seen = mem_alloc_array(NSEEN, sizeof(*hub->seen));
    (void)pthread_mutex_init(&hub->lock, NULL);
    (void)pthread_cond_init(&hub->changed, NULL);
    list_init(&hub->all);
    list_init(&hub->due);
    watch_ring_init(&hub->ring);
    hub->lonely_ms = clock_get_monotonic_ms() - LINGER_MS;
    hub->sweep_ms = clock_get_monotonic_ms() - SWEEP_PERIOD_MS;
    *ret = hub;
    start_timer(hub, 0);
    return st;
}

void watch_hub_stop(struct watch_hub *hub)
{
    struct list ending;

    list_init(&ending);
    (void)pthread_mutex_lock(&hub->lock);
    hub->is_stopping = true;
    dismiss_watches(hub, ALL_WATCHES, FAULT_STOPPING, &ending);
    (void)pthread_mutex_unlock(&hub->lock);
    watch_end_all(&ending);

    (void)pthread_mutex_lock(&hub->lock);
    while (hub->is_asking)
        (void)pthread_cond_wait(&hub->changed, &hub->lock);
    (void)pthread_mutex_unlock(&hub->lock);
    timers_destroy(hub->timers);
    hub->timers = NULL;
}

void watch_hub_destroy(struct watch_hub *hub)
{
    if (!hub)
        return;
    timers_destroy(hub->timers);
    watch_ring_deinit(&hub->ring);
    watch_question_deinit(&hub->question);
    buf_deinit(&hub->ids);
    (void)pthread_cond_destroy(&hub->changed);
    (void)pthread_mutex_destroy(&hub->lock);
    mem_free(hub->seen);
    mem_free(hub);
}
