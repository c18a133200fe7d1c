/*
 * gateway/lease_desk.c - questions to the database on behalf of workers that wait.
 *
 * Calls, answers of the database, timers and wakes arrive on different threads. Each notes
 * under the lock what happened and then calls run, which looks at the queue and does what
 * is due. One thread at a time is in run: a second one only leaves word, and the first
 * looks again. So what is done is in order, and is done without the lock.
 *
 * The query belongs to the line and not to the calls it is for: so a call can end while its
 * question is under way. Who takes a waiter out of the queue, under the lock, is the one
 * who ends its call.
 */
#include "gateway/lease_desk.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timers.h"
#include "gateway/capability_set.h"
#include "gateway/fault.h"
#include "gateway/lease_line.h"
#include "gateway/lease_reply.h"
#include "gateway/lease_wish.h"
#include "gateway/text_array.h"
#include "gateway/watch_hub.h"
#include "rpc/call.h"
#include "store/check_store.h"
#include "store/job_store.h"
#include "store/row.h"
#include "store/store.h"

enum { QUERY_TIMEOUT_MS = 10000 };

struct lease_desk {
    struct store *store;
    struct timers *timers;
    struct watch_hub *watches;
    int64_t lease_ms;
    struct timer timer;

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    struct lease_lines lines;
    bool is_running; /* a thread is in run */
    bool is_dirty;   /* ... and is to look again */
    bool is_stopping;
};

enum wait_state {
    WAIT_NEW,     /* not in the queue yet */
    WAIT_WAITING, /* in the queue */
    WAIT_TAKEN,   /* somebody ends the call, or has */
};

/* One call that waits; lives in the call's arena. */
struct lease_wait {
    struct lease_waiter waiter;
    struct rpc_cancel cancel;
    struct lease_desk *desk;
    struct rpc_call *call;
    const struct lease_wish *wish;
    enum wait_state state;   /* under the desk's lock */
    struct lease_line *line; /* while it is WAIT_WAITING */
};

/* What run has found to do. */
struct errands {
    struct list expired; /* waiters to be told that there is no job */
    struct list asking;  /* lines whose query is to be submitted */
    int64_t delay_ms;    /* when to look again; LEASE_QUEUE_NEVER: when something happens */
};

static void run(struct lease_desk *desk);

static struct lease_wait *wait_of(const struct list *link)
{
    return container_of(link, struct lease_wait, waiter.link);
}

/* Marks waiters that were moved from the queue into a list of their own. The lock is held. */
static void mark_taken(struct list *waiters)
{
    struct list *link;

    list_for_each (link, waiters)
        wait_of(link)->state = WAIT_TAKEN;
}

static void end_all(struct list *waiters, enum fault fault)
{
    struct list *link;

    while ((link = list_take_first(waiters)) != NULL)
        fault_end(wait_of(link)->call, fault, NULL);
}

/* The answers of the database; on a store thread. */

static void release_next(struct lease_line *line);

static void release_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct lease_line *line = container_of(query, struct lease_line, query);
    struct lease_desk *desk = line->desk;

    (void)rows;
    if (st.code != STATUS_OK)
        log_warn("not given back; the lease will end",
                 log_str("id", line->given[line->ngiven - 1].id), log_code(st),
                 log_str("error", st.text));
    if (--line->ngiven > 0) {
        release_next(line);
        return;
    }
    (void)pthread_mutex_lock(&desk->lock);
    line->is_releasing = false; /* from here on the line may be freed */
    (void)pthread_mutex_unlock(&desk->lock);
    run(desk);
}

/* Gives back what was leased for calls that are gone: the last of what is left of that. */
static void release_next(struct lease_line *line)
{
    const struct lease_given *given = &line->given[line->ngiven - 1];

    if (line->query.statement == &check_lease || line->query.statement == &check_give_back)
        line->query = (struct query){
            .statement = &check_give_back,
            .params = {param_text(given->id), param_text(line->worker_id)},
        };
    else
        line->query = (struct query){
            .statement = &job_finish,
            .params = {param_text(given->id), param_int(given->lease_token),
                       param_text("RELEASED")},
        };
    line->query.timeout_ms = QUERY_TIMEOUT_MS;
    line->query.on_done = release_done;
    store_submit(line->desk->store, &line->query);
}

/* A job or check that is to be given back. */
static void note_given(struct lease_line *line, const struct pg_result *rows, size_t row)
{
    struct lease_given *given = &line->given[line->ngiven++];
    struct str id = row_get_text(rows, row, "id");

    (void)snprintf(given->id, sizeof(given->id), "%.*s", (int)id.len, id.data);
    if (line->query.statement != &check_lease)
        given->lease_token = row_get_int(rows, row, "lease_token");
}

/* Who gets a row. */
struct gift {
    struct lease_wait *wait; /* NULL: nobody */
    bool is_refused;         /* the call is cancelled */
};

/* Finds who gets what; what nobody does is noted, to be given back. The lock is held. */
static void assign(struct lease_line *line, const struct pg_result *rows, struct gift *ret_gifts)
{
    bool is_check = line->query.statement == &check_lease;

    for (size_t row = 0; row < rows_get_count(rows); row++) {
        unsigned place = is_check ? 1 : (unsigned)row_get_int(rows, row, "note/worker");
        struct lease_waiter *asker = lease_queue_take_asker(&line->queue, place);
        struct lease_wait *wait = asker ? container_of(asker, struct lease_wait, waiter) : NULL;

        ret_gifts[row] = (struct gift){wait, wait && rpc_call_is_cancelled(wait->call)};
        if (wait)
            wait->state = WAIT_TAKEN;
        if (!wait || ret_gifts[row].is_refused)
            note_given(line, rows, row);
    }
    line->is_releasing = line->ngiven > 0;
}

static void give(const struct lease_desk *desk, const struct gift *gift, bool is_check,
                 const struct pg_result *rows, size_t row)
{
    const struct lease_wait *wait = gift->wait;

    if (gift->is_refused)
        fault_end(wait->call, FAULT_STOPPING, NULL);
    else if (is_check)
        lease_reply_end_with_check(wait->call, wait->wish->worker_id, rows);
    else
        lease_reply_end_with_job(wait->call, wait->wish->worker_id, desk->lease_ms, rows, row);
}

static void end_question_with_work(struct lease_line *line, const struct pg_result *rows,
                                   int64_t now_ms)
{
    struct gift gifts[LEASE_QUEUE_MAX_ASKERS];
    struct lease_desk *desk = line->desk;
    bool is_check = line->query.statement == &check_lease;
    size_t nrows = rows_get_count(rows);

    assert(nrows <= LEASE_QUEUE_MAX_ASKERS);
    (void)pthread_mutex_lock(&desk->lock);
    assign(line, rows, gifts);
    if (is_check || nrows == line->queue.nasked)
        lease_queue_end_with_more(&line->queue);
    else
        lease_queue_end_with_none(&line->queue, now_ms);
    bool is_releasing = line->is_releasing; /* if not, the line may be freed from here on */
    (void)pthread_mutex_unlock(&desk->lock);

    for (size_t row = 0; row < nrows; row++) {
        if (gifts[row].wait)
            give(desk, &gifts[row], is_check, rows, row);
    }
    if (!is_check)
        watch_hub_wake(desk->watches);
    if (is_releasing)
        release_next(line);
}

typedef void answer_fn(struct query *query, struct status st, const struct pg_result *rows);

/* For jobs, or for checks. */
static void prepare_question(struct lease_line *line, const struct statement *statement,
                             answer_fn *on_done)
{
    line->query =
        (struct query){.statement = statement, .timeout_ms = QUERY_TIMEOUT_MS, .on_done = on_done};
    struct param *params = line->query.params;

    if (statement == &check_lease) {
        params[0] = param_text(line->worker_id);
        params[1] = param_text(line->checks);
        return;
    }
    params[0] = param_str(buf_get(&line->workers));
    params[1] = param_int(line->desk->lease_ms);
    params[2] = param_text(line->jobs);
    lease_place_begin(&line->place, clock_get_monotonic_ms(), &params[3]);
}

/* Checks go first, since somebody waits for them: was that the first half of a question? */
static bool goes_on(const struct lease_line *line)
{
    return line->query.statement == &check_lease && !capability_list_is_empty(line->jobs);
}

static void question_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct lease_line *line = container_of(query, struct lease_line, query);
    struct lease_desk *desk = line->desk;
    int64_t now_ms = clock_get_monotonic_ms();
    struct list failed;

    if (st.code == STATUS_OK && rows_get_count(rows) == 0 && goes_on(line)) {
        prepare_question(line, &job_lease, question_done);
        store_submit(desk->store, &line->query);
        return;
    }
    if (st.code == STATUS_OK && query->statement == &job_lease)
        lease_place_end(&line->place, now_ms, rows);
    list_init(&failed);
    if (st.code == STATUS_OK && rows_get_count(rows) > 0) {
        end_question_with_work(line, rows, now_ms);
    } else {
        (void)pthread_mutex_lock(&desk->lock);
        if (st.code == STATUS_OK)
            lease_queue_end_with_none(&line->queue, now_ms);
        else
            lease_queue_end_with_failure(&line->queue, now_ms, &failed);
        mark_taken(&failed);
        (void)pthread_mutex_unlock(&desk->lock);
    }
    /* A lease whose fate is unknown ends by itself, so that is no reason to tell it apart. */
    if (st.code != STATUS_OK && !list_is_empty(&failed))
        log_warn("jobs not leased", log_code(st), log_str("error", st.text));
    end_all(&failed, FAULT_DATABASE_UNAVAILABLE);
    run(desk);
}

/* Looking and doing. */

static void begin_question(struct lease_line *line)
{
    const struct list *link = line->queue.waiters.next;

    (void)snprintf(line->worker_id, sizeof(line->worker_id), "%s", wait_of(link)->wish->worker_id);
    buf_clear(&line->workers);
    for (unsigned i = 0; i < line->queue.nasked; i++, link = link->next)
        text_array_add(&line->workers, wait_of(link)->wish->worker_id);
    prepare_question(line, capability_list_is_empty(line->checks) ? &job_lease : &check_lease,
                     question_done);
}

/* Finds what is due in one line. The lock is held. */
static void look_at(struct lease_line *line, int64_t now_ms, struct errands *errands)
{
    const struct lease_desk *desk = line->desk;

    lease_queue_take_expired(&line->queue, now_ms, &errands->expired);
    if (line->is_releasing || desk->is_stopping)
        return;
    if (lease_queue_begin(&line->queue, now_ms)) {
        begin_question(line);
        list_add_last(&errands->asking, &line->errand);
    }
    int64_t delay_ms = lease_queue_get_delay_ms(&line->queue, now_ms);
    if (delay_ms != LEASE_QUEUE_NEVER &&
        (errands->delay_ms == LEASE_QUEUE_NEVER || delay_ms < errands->delay_ms))
        errands->delay_ms = delay_ms;
}

/* Finds what is due. The lock is held. */
static void look(struct lease_desk *desk, struct errands *errands)
{
    int64_t now_ms = clock_get_monotonic_ms();
    struct list *link;

    errands->delay_ms = LEASE_QUEUE_NEVER;
    list_init(&errands->expired);
    list_init(&errands->asking);
    list_for_each (link, &desk->lines.all)
        look_at(container_of(link, struct lease_line, link), now_ms, errands);
    mark_taken(&errands->expired);
}

static void act(struct lease_desk *desk, struct errands *errands)
{
    struct list *link;

    /* A line is not touched once its question is submitted: the answer may be there at once. */
    while ((link = list_take_first(&errands->asking)) != NULL)
        store_submit(desk->store, &container_of(link, struct lease_line, errand)->query);
    while ((link = list_take_first(&errands->expired)) != NULL)
        lease_reply_end_with_none(wait_of(link)->call);
    if (errands->delay_ms != LEASE_QUEUE_NEVER)
        timers_set(desk->timers, &desk->timer, errands->delay_ms);
}

/* Does what is due, or leaves word to the thread that is at it. Any thread. */
static void run(struct lease_desk *desk)
{
    struct errands errands;

    (void)pthread_mutex_lock(&desk->lock);
    desk->is_dirty = true;
    if (desk->is_running) {
        (void)pthread_mutex_unlock(&desk->lock);
        return;
    }
    desk->is_running = true;
    while (desk->is_dirty) {
        desk->is_dirty = false;
        look(desk, &errands);
        (void)pthread_mutex_unlock(&desk->lock);
        act(desk, &errands);
        (void)pthread_mutex_lock(&desk->lock);
    }
    desk->is_running = false;
    (void)pthread_cond_broadcast(&desk->changed);
    (void)pthread_mutex_unlock(&desk->lock);
}

static void on_timer(struct timer *timer)
{
    run(container_of(timer, struct lease_desk, timer));
}

/* Waiting. */

static void on_cancel(struct rpc_cancel *cancel)
{
    struct lease_wait *wait = container_of(cancel, struct lease_wait, cancel);
    struct lease_desk *desk = wait->desk;

    (void)pthread_mutex_lock(&desk->lock);
    bool is_ours = wait->state == WAIT_WAITING;
    if (is_ours)
        (void)lease_queue_remove(&wait->line->queue, &wait->waiter);
    wait->state = WAIT_TAKEN;
    (void)pthread_mutex_unlock(&desk->lock);
    if (is_ours)
        fault_end(wait->call, FAULT_STOPPING,
                  NULL); /* or the client is gone, and nobody reads it */
}

/*
 * Puts a waiter into its queue. Returns FAULT_NFAULTS, or why it cannot wait: then the
 * caller ends its call.
 */
static enum fault admit(struct lease_desk *desk, struct lease_wait *wait)
{
    enum fault fault = FAULT_NFAULTS;

    (void)pthread_mutex_lock(&desk->lock);
    if (desk->is_stopping || wait->state == WAIT_TAKEN)
        fault = FAULT_STOPPING; /* taken: it was cancelled before it could wait */
    else if (!(wait->line = lease_lines_get(&desk->lines, desk, &wait->wish->capabilities)) ||
             !lease_queue_add(&wait->line->queue, &wait->waiter))
        fault = FAULT_OVERLOADED;
    wait->state = fault == FAULT_NFAULTS ? WAIT_WAITING : WAIT_TAKEN;
    (void)pthread_mutex_unlock(&desk->lock);
    return fault;
}

void lease_desk_ask(struct lease_desk *desk, struct rpc_call *call, const struct lease_wish *wish)
{
    struct lease_wait *wait = rpc_call_alloc(call, sizeof(*wait)); /* freed with the call */

    assert(wish->wait_ms >= 0 && wish->wait_ms <= LEASE_MAX_WAIT_MS);
    wait->desk = desk;
    wait->call = call;
    wait->wish = wish;
    wait->cancel.on_cancel = on_cancel;
    wait->waiter.deadline_ms = clock_get_monotonic_ms() + wish->wait_ms;
    rpc_call_set_cancel(call, &wait->cancel);

    enum fault fault = admit(desk, wait);
    if (fault != FAULT_NFAULTS) {
        fault_end(call, fault, NULL);
        return;
    }
    run(desk);
}

size_t lease_desk_count(struct lease_desk *desk, struct str capability)
{
    struct list *link;
    size_t n = 0;

    (void)pthread_mutex_lock(&desk->lock);
    list_for_each (link, &desk->lines.all) {
        const struct lease_line *line = container_of(link, struct lease_line, link);

        if (capability_list_has(line->jobs, capability))
            n += line->queue.nwaiters;
    }
    (void)pthread_mutex_unlock(&desk->lock);
    return n;
}

void lease_desk_wake(struct lease_desk *desk)
{
    struct list *link;

    (void)pthread_mutex_lock(&desk->lock);
    list_for_each (link, &desk->lines.all)
        lease_queue_wake(&container_of(link, struct lease_line, link)->queue);
    (void)pthread_mutex_unlock(&desk->lock);
    run(desk);
}

/* From here to the end of life. */

struct lease_desk *lease_desk_create(struct store *store, struct timers *timers,
                                     struct watch_hub *watches, int64_t lease_ms)
{
    struct lease_desk *desk = mem_alloc(sizeof(*desk));

    desk->store = store;
    desk->timers = timers;
    desk->watches = watches;
    desk->lease_ms = lease_ms;
    desk->timer.on_fire = on_timer;
    (void)pthread_mutex_init(&desk->lock, NULL);
    (void)pthread_cond_init(&desk->changed, NULL);
    lease_lines_init(&desk->lines);
    return desk;
}

/* Moves all who wait in a line to the end of ret_waiters. The lock is held. */
static void empty_line(struct lease_line *line, struct list *ret_waiters)
{
    while (!list_is_empty(&line->queue.waiters)) {
        struct list *link = line->queue.waiters.next;

        (void)lease_queue_remove(&line->queue, &wait_of(link)->waiter);
        list_add_last(ret_waiters, link);
    }
}

void lease_desk_stop(struct lease_desk *desk)
{
    struct list waiters;
    struct list *link;

    list_init(&waiters);
    (void)pthread_mutex_lock(&desk->lock);
    desk->is_stopping = true;
    list_for_each (link, &desk->lines.all)
        empty_line(container_of(link, struct lease_line, link), &waiters);
    mark_taken(&waiters);
    (void)pthread_mutex_unlock(&desk->lock);
    end_all(&waiters, FAULT_STOPPING);
    run(desk);

    (void)pthread_mutex_lock(&desk->lock);
    while (lease_lines_are_in_use(&desk->lines) || desk->is_running)
        (void)pthread_cond_wait(&desk->changed, &desk->lock);
    (void)pthread_mutex_unlock(&desk->lock);
}

void lease_desk_destroy(struct lease_desk *desk)
{
    if (!desk)
        return;
    lease_lines_deinit(&desk->lines);
    (void)pthread_cond_destroy(&desk->changed);
    (void)pthread_mutex_destroy(&desk->lock);
    mem_free(desk);
}
