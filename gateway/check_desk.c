/*
 * gateway/check_desk.c - looks up all who wait, time and again.
 *
 * Who takes a wait out of the list, under the lock, is the one who runs its on_end. A wait whose query is under way
 * stays until that has come back, since the query is part of it.
 */
#include "gateway/check_desk.h"

#include <pthread.h>

#include "base/mem.h"
#include "base/timers.h"
#include "store/check_store.h"
#include "store/row.h"
#include "store/store.h"

enum {
    POLL_MS = 200,
    QUERY_TIMEOUT_MS = 5000,
};

struct check_desk {
    struct store *store;
    struct timers *timers;
    struct timer timer;

    pthread_mutex_t lock; /* for all below */
    struct list waits;
    unsigned nwaits;
    bool is_stopping;
};

/* The lock is held. */
static void take_out(struct check_desk *desk, struct check_wait *wait)
{
    list_remove(&wait->link);
    desk->nwaits--;
    wait->state = CHECK_WAIT_LEFT;
}

static struct status make_cancelled(void)
{
    return status_error(STATUS_CANCELLED, "nobody waits for the check any more");
}

/* On a store thread. */
static void poll_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct check_wait *wait = container_of(query, struct check_wait, query);
    struct check_desk *desk = wait->desk;
    bool is_waiting =
        st.code == STATUS_OK && str_is(row_get_text(rows, 0, "note/outcome"), "WAITING");

    (void)pthread_mutex_lock(&desk->lock);
    wait->is_asking = false;
    bool is_cancelled = wait->is_cancelled;
    bool is_over = is_cancelled || !is_waiting;
    if (is_over)
        take_out(desk, wait);
    (void)pthread_mutex_unlock(&desk->lock);
    if (is_over && is_cancelled)
        wait->on_end(wait, make_cancelled(), NULL);
    else if (is_over)
        wait->on_end(wait, st, rows);
}

void check_desk_look(struct check_desk *desk)
{
    struct list asking;
    struct list *link;

    list_init(&asking);
    (void)pthread_mutex_lock(&desk->lock);
    list_for_each (link, &desk->waits) {
        struct check_wait *wait = container_of(link, struct check_wait, link);

        if (wait->is_asking)
            continue;
        wait->is_asking = true;
        list_add_last(&asking, &wait->errand);
    }
    (void)pthread_mutex_unlock(&desk->lock);

    while ((link = list_take_first(&asking)) != NULL) {
        struct check_wait *wait = container_of(link, struct check_wait, errand);

        wait->query = (struct query){
            .statement = &check_poll,
            .params = {param_text(wait->id)},
            .timeout_ms = QUERY_TIMEOUT_MS,
            .on_done = poll_done,
        };
        store_submit(desk->store, &wait->query);
    }
}

/* On the timer thread. */
static void on_timer(struct timer *timer)
{
    struct check_desk *desk = container_of(timer, struct check_desk, timer);

    check_desk_look(desk);
    timers_set(desk->timers, timer, POLL_MS);
}

/* Ends a wait that is cancelled, at once or when its query is back. The lock is held. */
static bool cancel_wait(struct check_desk *desk, struct check_wait *wait)
{
    wait->is_cancelled = true;
    if (wait->is_asking)
        return false;
    take_out(desk, wait);
    return true;
}

static void on_cancel(struct rpc_cancel *cancel)
{
    struct check_wait *wait = container_of(cancel, struct check_wait, cancel);
    struct check_desk *desk = wait->desk;
    bool is_ours = false;

    (void)pthread_mutex_lock(&desk->lock);
    if (wait->state == CHECK_WAIT_NEW)
        wait->state = CHECK_WAIT_LEFT;
    else if (wait->state == CHECK_WAIT_WAITING)
        is_ours = cancel_wait(desk, wait);
    (void)pthread_mutex_unlock(&desk->lock);
    if (is_ours)
        wait->on_end(wait, make_cancelled(), NULL);
}

struct status check_desk_wait(struct check_desk *desk, struct check_wait *wait)
{
    struct status st = status_ok();

    wait->desk = desk;
    wait->cancel.on_cancel = on_cancel;
    rpc_call_set_cancel(wait->call, &wait->cancel);

    (void)pthread_mutex_lock(&desk->lock);
    if (desk->is_stopping || wait->state != CHECK_WAIT_NEW)
        st = make_cancelled();
    else if (desk->nwaits == CHECK_DESK_MAX_WAITS)
        st = status_error(STATUS_RESOURCE_EXHAUSTED, "too many checks are waited for");
    wait->state = st.code == STATUS_OK ? CHECK_WAIT_WAITING : CHECK_WAIT_LEFT;
    if (st.code == STATUS_OK) {
        list_add_last(&desk->waits, &wait->link);
        desk->nwaits++;
    }
    (void)pthread_mutex_unlock(&desk->lock);
    return st;
}

struct check_desk *check_desk_create(struct store *store, struct timers *timers)
{
    struct check_desk *desk = mem_alloc(sizeof(*desk));

    desk->store = store;
    desk->timers = timers;
    desk->timer.on_fire = on_timer;
    (void)pthread_mutex_init(&desk->lock, NULL);
    list_init(&desk->waits);
    timers_set(timers, &desk->timer, POLL_MS);
    return desk;
}

void check_desk_stop(struct check_desk *desk)
{
    struct list leaving;
    struct list *link, *next;

    list_init(&leaving);
    (void)pthread_mutex_lock(&desk->lock);
    desk->is_stopping = true;
    for (link = desk->waits.next; link != &desk->waits; link = next) {
        struct check_wait *wait = container_of(link, struct check_wait, link);

        next = link->next;
        if (cancel_wait(desk, wait))
            list_add_last(&leaving, link);
    }
    (void)pthread_mutex_unlock(&desk->lock);
    while ((link = list_take_first(&leaving)) != NULL) {
        struct check_wait *wait = container_of(link, struct check_wait, link);

        wait->on_end(wait, make_cancelled(), NULL);
    }
}

void check_desk_destroy(struct check_desk *desk)
{
    if (!desk)
        return;
    (void)pthread_mutex_destroy(&desk->lock);
    mem_free(desk);
}
