/*
 * gateway/lease_desk.c - questions to the database on behalf of workers that wait.
 *
 * Calls, answers of the database, timers and wakes arrive on different threads. Each notes
 * under the lock what happened and then calls run, which looks at the queue and does what
 * is due. One thread at a time is in run: a second one only leaves word, and the first
 * looks again. So what is done is in order, and is done without the lock.
 *
 * The query belongs to the queue and not to the call it is for: so a call can end while its
 * question is under way. Who takes a waiter out of the queue, under the lock, is the one
 * who ends its call. A queue that nobody waits in and nothing is under way for is freed by
 * run, and only there.
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
#include "gateway/lease_queue.h"
#include "gateway/watch_hub.h"
#include "gateway/worker_id.h"
#include "rpc/call.h"
#include "sluice/worker/v1/worker_service.pb-c.h"
#include "store/check_store.h"
#include "store/job_store.h"
#include "store/row.h"
#include "store/store.h"

enum {
    QUERY_TIMEOUT_MS = 10000,
    GIVEN_ID_BYTES = 64, /* the plan's ids are shorter */
};

struct lease_desk {
    struct store *store;
    struct timers *timers;
    struct watch_hub *watches;
    int64_t lease_ms;
    struct timer timer;

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t changed;
    struct list lines;
    unsigned nlines;
    bool is_running; /* a thread is in run */
    bool is_dirty;   /* ... and is to look again */
    bool is_stopping;
};

/* Those who wait and can do the same. */
struct line {
    struct list link;   /* in the desk's lines */
    struct list errand; /* in run's errands */
    struct lease_desk *desk;
    char *jobs; /* what they can do: a struct capability_set of its own */
    char *checks;

    /* The question under way, or the release that follows it; the texts are its parameters. */
    struct query query;
    char worker_id[WORKER_ID_MAX_BYTES + 1];
    char given_id[GIVEN_ID_BYTES]; /* the job's or check's that is given back */

    struct lease_queue queue; /* under the desk's lock, as is what follows */
    bool is_releasing;        /* what nobody took is being given back */
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
    const struct capability_set *capabilities;
    enum wait_state state; /* under the desk's lock */
    struct line *line;     /* while it is WAIT_WAITING */
};

/* What run has found to do. */
struct errands {
    struct list expired; /* waiters to be told that there is no job */
    struct list asking;  /* lines whose query is to be submitted */
    struct list unused;  /* lines to be freed */
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
    struct line *line = container_of(query, struct line, query);
    struct lease_desk *desk = line->desk;

    (void)rows;
    if (st.code != STATUS_OK)
        log_warn("not given back; the lease will end", log_str("id", line->given_id), log_code(st),
                 log_str("error", st.text));
    (void)pthread_mutex_lock(&desk->lock);
    line->is_releasing = false; /* from here on the line may be freed */
    (void)pthread_mutex_unlock(&desk->lock);
    run(desk);
}

static void prepare_release(struct line *line, const struct pg_result *rows)
{
    line->query = (struct query){
        .statement = &job_finish,
        .params = {param_text(line->given_id), param_int(row_get_int(rows, 0, "lease_token")),
                   param_text("RELEASED"), param_text(""), param_null(), param_null(), param_null(),
                   param_null(), param_null(), param_null(), param_int(0),
                   param_int(JOB_MAX_TRIES)},
        .timeout_ms = QUERY_TIMEOUT_MS,
        .on_done = release_done,
    };
}

static void prepare_check_release(struct line *line)
{
    line->query = (struct query){
        .statement = &check_give_back,
        .params = {param_text(line->given_id), param_text(line->worker_id)},
        .timeout_ms = QUERY_TIMEOUT_MS,
        .on_done = release_done,
    };
}

/* Gives back what was leased for a call that is gone. */
static void release(struct line *line, const struct pg_result *rows)
{
    struct str id = row_get_text(rows, 0, "id");

    (void)snprintf(line->given_id, sizeof(line->given_id), "%.*s", (int)id.len, id.data);
    if (line->query.statement == &check_lease)
        prepare_check_release(line);
    else
        prepare_release(line, rows);
    store_submit(line->desk->store, &line->query);
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
    watch_hub_wake(desk->watches);
}

static void give_check(const struct lease_wait *wait, const struct pg_result *rows)
{
    Pb__LeaseJobResponse reply = PB__LEASE_JOB_RESPONSE__INIT;
    Pb__LeasedCheck check = PB__LEASED_CHECK__INIT; /* its texts are borrowed from rows */
    Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;
    struct status st = row_read(rows, 0, "", rpc_call_get_arena(wait->call), &check.base);
    int64_t timeout_ms = row_get_int(rows, 0, "note/timeout_ms");

    timeout.seconds = timeout_ms / 1000;
    timeout.nanos = (int32_t)(timeout_ms % 1000) * 1000000;
    check.timeout = &timeout;
    reply.check = &check;
    if (st.code == STATUS_OK)
        log_debug("check leased", log_str("check", check.id), log_str("worker", wait->worker_id));
    rpc_call_end(wait->call, st, &reply.base);
}

static void end_question_with_work(struct line *line, const struct pg_result *rows)
{
    struct lease_desk *desk = line->desk;
    bool is_check = line->query.statement == &check_lease;

    (void)pthread_mutex_lock(&desk->lock);
    struct lease_waiter *asker = lease_queue_end_with_job(&line->queue);
    struct lease_wait *wait = asker ? container_of(asker, struct lease_wait, waiter) : NULL;
    if (wait)
        wait->state = WAIT_TAKEN;
    bool is_gone = !wait || rpc_call_is_cancelled(wait->call);
    line->is_releasing = is_gone; /* if not, the line may be freed from here on */
    (void)pthread_mutex_unlock(&desk->lock);

    if (!is_gone && is_check) {
        give_check(wait, rows);
        return;
    }
    if (!is_gone) {
        give_job(desk, wait, rows);
        return;
    }
    if (wait)
        fault_end(wait->call, FAULT_STOPPING, NULL);
    release(line, rows);
}

typedef void answer_fn(struct query *query, struct status st, const struct pg_result *rows);

static void prepare_job_question(struct line *line, answer_fn *on_done)
{
    line->query = (struct query){
        .statement = &job_lease,
        .params = {param_text(line->worker_id), param_int(line->desk->lease_ms),
                   param_text(line->jobs)},
        .timeout_ms = QUERY_TIMEOUT_MS,
        .on_done = on_done,
    };
}

static void prepare_check_question(struct line *line, answer_fn *on_done)
{
    line->query = (struct query){
        .statement = &check_lease,
        .params = {param_text(line->worker_id), param_text(line->checks)},
        .timeout_ms = QUERY_TIMEOUT_MS,
        .on_done = on_done,
    };
}

/* Checks go first, since somebody waits for them: was that the first half of a question? */
static bool goes_on(const struct line *line)
{
    return line->query.statement == &check_lease && !capability_list_is_empty(line->jobs);
}

static void question_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct line *line = container_of(query, struct line, query);
    struct lease_desk *desk = line->desk;
    int64_t now_ms = clock_get_monotonic_ms();
    struct list failed;

    if (st.code == STATUS_OK && rows_get_count(rows) == 0 && goes_on(line)) {
        prepare_job_question(line, question_done);
        store_submit(desk->store, &line->query);
        return;
    }
    list_init(&failed);
    if (st.code == STATUS_OK && rows_get_count(rows) > 0) {
        end_question_with_work(line, rows);
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

static void begin_question(struct line *line)
{
    const struct lease_wait *wait =
        container_of(line->queue.asker, const struct lease_wait, waiter);

    (void)snprintf(line->worker_id, sizeof(line->worker_id), "%s", wait->worker_id);
    if (capability_list_is_empty(line->checks))
        prepare_job_question(line, question_done);
    else
        prepare_check_question(line, question_done);
}

static bool is_unused(const struct line *line)
{
    return line->queue.nwaiters == 0 && !line->queue.is_asking && !line->is_releasing;
}

/* Finds what is due in one line. The lock is held. */
static void look_at(struct line *line, int64_t now_ms, struct errands *errands)
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
    struct list *next;

    errands->delay_ms = LEASE_QUEUE_NEVER;
    list_init(&errands->expired);
    list_init(&errands->asking);
    list_init(&errands->unused);
    for (struct list *link = desk->lines.next; link != &desk->lines; link = next) {
        struct line *line = container_of(link, struct line, link);

        next = link->next;
        look_at(line, now_ms, errands);
        if (is_unused(line)) {
            list_remove(&line->link);
            desk->nlines--;
            list_add_last(&errands->unused, &line->errand);
        }
    }
    mark_taken(&errands->expired);
}

static void free_line(struct line *line)
{
    mem_free(line->jobs);
    mem_free(line->checks);
    mem_free(line);
}

static void act(struct lease_desk *desk, struct errands *errands)
{
    struct list *link;

    /* A line is not touched once its question is submitted: the answer may be there at once. */
    while ((link = list_take_first(&errands->asking)) != NULL)
        store_submit(desk->store, &container_of(link, struct line, errand)->query);
    while ((link = list_take_first(&errands->unused)) != NULL)
        free_line(container_of(link, struct line, errand));
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
        (void)lease_queue_remove(&wait->line->queue, &wait->waiter);
    wait->state = WAIT_TAKEN;
    (void)pthread_mutex_unlock(&desk->lock);
    if (is_ours)
        fault_end(wait->call, FAULT_STOPPING,
                  NULL); /* or the client is gone, and nobody reads it */
}

/* The line for those who can do this; NULL: there are LEASE_MAX_SETS others. The lock is held. */
static struct line *get_line(struct lease_desk *desk, const struct capability_set *capabilities)
{
    struct list *link;

    list_for_each (link, &desk->lines) {
        struct line *line = container_of(link, struct line, link);

        if (strcmp(line->jobs, capabilities->jobs) == 0 &&
            strcmp(line->checks, capabilities->checks) == 0)
            return line;
    }
    if (desk->nlines == LEASE_MAX_SETS)
        return NULL;
    struct line *line = mem_alloc(sizeof(*line));
    line->desk = desk;
    line->jobs = mem_copy_str(str_from(capabilities->jobs));
    line->checks = mem_copy_str(str_from(capabilities->checks));
    lease_queue_init(&line->queue);
    list_add_last(&desk->lines, &line->link);
    desk->nlines++;
    return line;
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
    else if (!(wait->line = get_line(desk, wait->capabilities)) ||
             !lease_queue_add(&wait->line->queue, &wait->waiter))
        fault = FAULT_OVERLOADED;
    wait->state = fault == FAULT_NFAULTS ? WAIT_WAITING : WAIT_TAKEN;
    (void)pthread_mutex_unlock(&desk->lock);
    return fault;
}

void lease_desk_ask(struct lease_desk *desk, struct rpc_call *call, const char *worker_id,
                    const struct capability_set *capabilities, int64_t wait_ms)
{
    struct lease_wait *wait = rpc_call_alloc(call, sizeof(*wait)); /* freed with the call */

    assert(wait_ms >= 0 && wait_ms <= LEASE_MAX_WAIT_MS);
    wait->desk = desk;
    wait->call = call;
    wait->worker_id = worker_id;
    wait->capabilities = capabilities;
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
    struct list *link;

    (void)pthread_mutex_lock(&desk->lock);
    list_for_each (link, &desk->lines)
        lease_queue_wake(&container_of(link, struct line, link)->queue);
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
    list_init(&desk->lines);
    return desk;
}

/* Moves all who wait in a line to the end of ret_waiters. The lock is held. */
static void empty_line(struct line *line, struct list *ret_waiters)
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
    list_for_each (link, &desk->lines)
        empty_line(container_of(link, struct line, link), &waiters);
    mark_taken(&waiters);
    (void)pthread_mutex_unlock(&desk->lock);
    end_all(&waiters, FAULT_STOPPING);
    run(desk);

    (void)pthread_mutex_lock(&desk->lock);
    while (!list_is_empty(&desk->lines) || desk->is_running)
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
