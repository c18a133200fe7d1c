/*
 * gateway/lease_desk.c - questions to the database on behalf of workers that wait.
 *
 * Calls, answers of the database, timers and wakes arrive on different threads. Each notes
 * under the lock what happened and then calls run, which looks at the queue and does what
 * is due. One thread at a time is in run: a second one only leaves word, and the first
 * looks again. So what is done is in order, and is done without the lock.
 *
 * The query belongs to the desk and not to the call it is for: so a call can end while its
 * question is under way. Who takes a waiter out of the queue, under the lock, is the one
 * who ends its call.
 */
#include "gateway/lease_desk.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/timers.h"
#include "gateway/fault.h"
#include "gateway/lease_queue.h"
#include "rpc/call.h"
#include "sluice/worker/v1/worker_service.pb-c.h"
#include "store/job_store.h"
#include "store/row.h"
#include "store/store.h"

enum {
    QUERY_TIMEOUT_MS = 10000,
    JOB_ID_BYTES = 64, /* the plan's ids are shorter */
};

struct lease_desk {
    struct store *store;
    struct timers *timers;
    int64_t lease_ms;
    struct timer timer;

    /* The question under way, or the release that follows it; the texts are its parameters. */
    struct query query;
    char worker_id[LEASE_MAX_WORKER_ID_BYTES + 1];
    char job_id[JOB_ID_BYTES];

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    struct lease_queue queue;
    bool is_releasing; /* a job that nobody took is being given back */
    bool is_running;   /* a thread is in run */
    bool is_dirty;     /* ... and is to look again */
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
    const char *worker_id;
    enum wait_state state; /* under the desk's lock */
};

/* What run has found to do. */
struct errands {
    struct list expired; /* waiters to be told that there is no job */
    bool asks;           /* the query is to be submitted */
    int64_t delay_ms;    /* when to look again; LEASE_QUEUE_NEVER: when something happens */
};

static void run(struct lease_desk *desk);

static struct lease_wait *wait_of(struct list *link)
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

static void end_all_without_job(struct list *waiters)
{
    Pb__LeaseJobResponse reply = PB__LEASE_JOB_RESPONSE__INIT;
    struct list *link;

    while ((link = list_take_first(waiters)) != NULL)
        rpc_call_end(wait_of(link)->call, status_ok(), &reply.base);
}

/* The answers of the database; on a store thread. */

static void release_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct lease_desk *desk = container_of(query, struct lease_desk, query);

    (void)rows;
    if (st.code != STATUS_OK)
        log_warn("job not given back; its lease will end", log_str("job", desk->job_id),
                 log_code(st), log_str("error", st.text));
    (void)pthread_mutex_lock(&desk->lock);
    desk->is_releasing = false;
    (void)pthread_mutex_unlock(&desk->lock);
    run(desk);
}

/* Gives back a job that was leased for a call that is gone. */
static void release(struct lease_desk *desk, const struct pg_result *rows)
{
    struct str id = row_get_text(rows, 0, "id");

    (void)snprintf(desk->job_id, sizeof(desk->job_id), "%.*s", (int)id.len, id.data);
    desk->query = (struct query){
        .statement = &job_finish,
        .params = {param_text(desk->job_id), param_int(row_get_int(rows, 0, "lease_token")),
                   param_text("RELEASED"), param_text(""), param_null(), param_null(), param_null(),
                   param_null(), param_null(), param_null(), param_int(0),
                   param_int(JOB_MAX_TRIES)},
        .timeout_ms = QUERY_TIMEOUT_MS,
        .on_done = release_done,
    };
    store_submit(desk->store, &desk->query);
}

static void give_job(const struct lease_desk *desk, const struct lease_wait *wait,
                     const struct pg_result *rows)
{
    Pb__LeaseJobResponse reply = PB__LEASE_JOB_RESPONSE__INIT;
    Pb__LeasedJob job = PB__LEASED_JOB__INIT; /* its texts are borrowed from rows */
    Google__Protobuf__Duration lease = GOOGLE__PROTOBUF__DURATION__INIT;
    struct status st = row_read(rows, 0, "", rpc_call_get_arena(wait->call), &job.base);

    lease.seconds = desk->lease_ms / 1000;
    lease.nanos = (int32_t)(desk->lease_ms % 1000) * 1000000;
    job.lease_duration = &lease;
    reply.job = &job;
    if (st.code == STATUS_OK)
        log_debug("job leased", log_str("job", job.id), log_str("worker", wait->worker_id),
                  log_int("attempt", job.attempt));
    rpc_call_end(wait->call, st, &reply.base);
}

static void end_question_with_job(struct lease_desk *desk, const struct pg_result *rows)
{
    (void)pthread_mutex_lock(&desk->lock);
    struct lease_waiter *asker = lease_queue_end_with_job(&desk->queue);
    struct lease_wait *wait = asker ? container_of(asker, struct lease_wait, waiter) : NULL;
    if (wait)
        wait->state = WAIT_TAKEN;
    bool is_gone = !wait || rpc_call_is_cancelled(wait->call);
    desk->is_releasing = is_gone;
    (void)pthread_mutex_unlock(&desk->lock);

    if (!is_gone) {
        give_job(desk, wait, rows);
        return;
    }
    if (wait)
        fault_end(wait->call, FAULT_STOPPING, NULL);
    release(desk, rows);
}

static void question_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct lease_desk *desk = container_of(query, struct lease_desk, query);
    int64_t now_ms = clock_get_monotonic_ms();
    struct list failed;

    list_init(&failed);
    if (st.code == STATUS_OK && rows_get_count(rows) > 0) {
        end_question_with_job(desk, rows);
    } else {
        (void)pthread_mutex_lock(&desk->lock);
        if (st.code == STATUS_OK)
            lease_queue_end_with_none(&desk->queue, now_ms);
        else
            lease_queue_end_with_failure(&desk->queue, now_ms, &failed);
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

static void begin_question(struct lease_desk *desk)
{
    const struct lease_wait *wait =
        container_of(desk->queue.asker, const struct lease_wait, waiter);

    (void)snprintf(desk->worker_id, sizeof(desk->worker_id), "%s", wait->worker_id);
    desk->query = (struct query){
        .statement = &job_lease,
        .params = {param_text(desk->worker_id), param_int(desk->lease_ms)},
        .timeout_ms = QUERY_TIMEOUT_MS,
        .on_done = question_done,
    };
}

/* Finds what is due. The lock is held. */
static void look(struct lease_desk *desk, struct errands *errands)
{
    int64_t now_ms = clock_get_monotonic_ms();

    errands->asks = false;
    errands->delay_ms = LEASE_QUEUE_NEVER;
    list_init(&errands->expired);
    lease_queue_take_expired(&desk->queue, now_ms, &errands->expired);
    mark_taken(&errands->expired);
    if (desk->is_releasing || desk->is_stopping)
        return;
    errands->asks = lease_queue_begin(&desk->queue, now_ms);
    if (errands->asks)
        begin_question(desk);
    errands->delay_ms = lease_queue_get_delay_ms(&desk->queue, now_ms);
}

static void act(struct lease_desk *desk, struct errands *errands)
{
    if (errands->asks)
        store_submit(desk->store, &desk->query);
    end_all_without_job(&errands->expired);
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
        (void)lease_queue_remove(&desk->queue, &wait->waiter);
    wait->state = WAIT_TAKEN;
    (void)pthread_mutex_unlock(&desk->lock);
    if (is_ours)
        fault_end(wait->call, FAULT_STOPPING,
                  NULL); /* or the client is gone, and nobody reads it */
}

/*
 * Puts a waiter into the queue. Returns FAULT_NFAULTS, or why it cannot wait: then the
 * caller ends its call.
 */
static enum fault admit(struct lease_desk *desk, struct lease_wait *wait)
{
    enum fault fault = FAULT_NFAULTS;

    (void)pthread_mutex_lock(&desk->lock);
    if (desk->is_stopping || wait->state == WAIT_TAKEN)
        fault = FAULT_STOPPING; /* taken: it was cancelled before it could wait */
    else if (!lease_queue_add(&desk->queue, &wait->waiter))
        fault = FAULT_OVERLOADED;
    wait->state = fault == FAULT_NFAULTS ? WAIT_WAITING : WAIT_TAKEN;
    (void)pthread_mutex_unlock(&desk->lock);
    return fault;
}

void lease_desk_ask(struct lease_desk *desk, struct rpc_call *call, const char *worker_id,
                    int64_t wait_ms)
{
    struct lease_wait *wait = rpc_call_alloc(call, sizeof(*wait)); /* freed with the call */

    assert(wait_ms >= 0 && wait_ms <= LEASE_MAX_WAIT_MS);
    wait->desk = desk;
    wait->call = call;
    wait->worker_id = worker_id;
    wait->cancel.on_cancel = on_cancel;
    wait->waiter.deadline_ms = clock_get_monotonic_ms() + wait_ms;
    rpc_call_set_cancel(call, &wait->cancel);

    enum fault fault = admit(desk, wait);
    if (fault != FAULT_NFAULTS) {
        fault_end(call, fault, NULL);
        return;
    }
    run(desk);
}

void lease_desk_wake(struct lease_desk *desk)
{
    (void)pthread_mutex_lock(&desk->lock);
    lease_queue_wake(&desk->queue);
    (void)pthread_mutex_unlock(&desk->lock);
    run(desk);
}

/* From here to the end of life. */

struct lease_desk *lease_desk_create(struct store *store, struct timers *timers, int64_t lease_ms)
{
    struct lease_desk *desk = mem_alloc(sizeof(*desk));

    desk->store = store;
    desk->timers = timers;
    desk->lease_ms = lease_ms;
    desk->timer.on_fire = on_timer;
    (void)pthread_mutex_init(&desk->lock, NULL);
    (void)pthread_cond_init(&desk->changed, NULL);
    lease_queue_init(&desk->queue);
    return desk;
}

void lease_desk_stop(struct lease_desk *desk)
{
    struct list waiters;

    list_init(&waiters);
    (void)pthread_mutex_lock(&desk->lock);
    desk->is_stopping = true;
    while (!list_is_empty(&desk->queue.waiters)) {
        struct list *link = desk->queue.waiters.next;
        (void)lease_queue_remove(&desk->queue, &wait_of(link)->waiter);
        list_add_last(&waiters, link);
    }
    mark_taken(&waiters);
    (void)pthread_mutex_unlock(&desk->lock);
    end_all(&waiters, FAULT_STOPPING);

    (void)pthread_mutex_lock(&desk->lock);
    while (desk->queue.is_asking || desk->is_releasing || desk->is_running)
        (void)pthread_cond_wait(&desk->changed, &desk->lock);
    (void)pthread_mutex_unlock(&desk->lock);
}

void lease_desk_destroy(struct lease_desk *desk)
{
    if (!desk)
        return;
    (void)pthread_cond_destroy(&desk->changed);
    (void)pthread_mutex_destroy(&desk->lock);
    mem_free(desk);
}
