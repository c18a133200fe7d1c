/*
 * The thread sleeps in epoll and then goes round: connections take a step, batches that are done
 * are answered, what was submitted is fetched, and idle connections get all that waits. Nothing is
 * ever held back in order to fill a batch: a batch is what came while the connections were busy.
 *
 * A query is in one place at a time: in inbox or refused (guarded by the mutex), in waiting, or in
 * a batch, which is on its connection.
 *
 *  - A batch that failed changed nothing; its queries go again alone ("solo"), so that only those
 *    fail that are wrong. A query alone that ran into another transaction goes again, too, after a pause.
 *  - A batch whose connection was lost may have been committed. Reads go again, once; writes end as
 *    UNKNOWN.
 *  - While no connection is up, queries wait for HOLD_MS, or less if their time ends, and then fail.
 */
#include "store/lane.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/array.h"
#include "store/connection.h"
#include "store/lane_metrics.h"
#include "store/query_batch.h"
#include "store/result.h"
#include "store/store.h"

enum {
    HOLD_MS = 300,
    MAX_SENT = 32,                  /* batches on a connection */
    PARAMS_KEPT_BYTES = 256 * 1024, /* of memory for a parameter, from batch to batch */
    MAX_TRIES = 5,                  /* of a query that is in conflict with others */
    FIRST_PAUSE_MS = 10,            /* before the next one, doubled each time */
    MAX_EVENTS = 32,
};

struct lane {
    const struct store_options *options;
    struct connection_settings settings;
    struct lane_metrics counts;
    pthread_t thread;
    int epoll_fd;
    int event_fd; /* wakes the thread */

    pthread_mutex_t mutex; /* guards the next group */
    pthread_cond_t changed;
    struct list inbox;
    struct list refused;
    bool is_stopping;
    int64_t end_ms; /* when nothing is waited for any more */
    bool is_up;
    struct status st; /* why no connection is up */

    atomic_int nqueued; /* in inbox and waiting */

    struct list waiting;  /* the rest is the thread's */
    bool is_draining;     /* it has seen is_stopping */
    int64_t known_end_ms; /* end_ms as it has seen it */
    bool is_over;         /* that time has come */
    bool was_up;
    int64_t down_since_ms;
    int64_t next_look_ms; /* no query in waiting expires, or ends its pause, before */
    struct buf params[QUERY_MAX_PARAMS];
    struct row_plan **plans; /* a list for each of the statements */
    unsigned nconnections;
    struct connection connections[STORE_MAX_CONNECTIONS];
};

/* What waits ends now, and no connection is made. */
static bool is_closed(const struct lane *lane)
{
    return lane->is_draining || lane->is_over;
}

static bool is_due(const struct lane *lane, const struct connection *connection)
{
    return !is_closed(lane) || connection->state != CONNECTION_DOWN;
}

static struct query *get_query(struct list *link)
{
    return container_of(link, struct query, link);
}

static void count_queued(struct lane *lane, int n)
{
    atomic_fetch_add(&lane->nqueued, n);
    metric_add(lane->counts.queued, n);
}

static void end_query(struct query *query, enum status_code code, const char *text)
{
    query->on_done(query, status_error(code, "%s", text), NULL);
}

/* When a query that waits gives up. */
static int64_t get_expiry_ms(const struct lane *lane, const struct query *query)
{
    if (lane->was_up)
        return query->deadline_ms;

    int64_t since_ms = query->deadline_ms - query->timeout_ms;
    if (since_ms < lane->down_since_ms)
        since_ms = lane->down_since_ms;
    return query->deadline_ms < since_ms + HOLD_MS ? query->deadline_ms : since_ms + HOLD_MS;
}

static void look_at(struct lane *lane, int64_t time_ms)
{
    if (time_ms < lane->next_look_ms)
        lane->next_look_ms = time_ms;
}

static void expire(struct lane *lane, int64_t now_ms)
{
    struct list kept;
    struct list *link;

    if (now_ms < lane->next_look_ms && !is_closed(lane))
        return;
    list_init(&kept);
    lane->next_look_ms = INT64_MAX;
    while ((link = list_take_first(&lane->waiting))) {
        struct query *query = get_query(link);
        int64_t expiry_ms = get_expiry_ms(lane, query);

        if (now_ms < expiry_ms && !is_closed(lane)) {
            list_add_last(&kept, link);
            look_at(lane, expiry_ms);
            if (query->again_ms > now_ms)
                look_at(lane, query->again_ms);
            continue;
        }
        count_queued(lane, -1);
        if (is_closed(lane))
            end_query(query, STATUS_UNAVAILABLE, "the program is stopping");
        else if (now_ms >= query->deadline_ms)
            end_query(query, STATUS_DEADLINE_EXCEEDED, "the database had no time for the request");
        else
            end_query(query, STATUS_UNAVAILABLE, "the database cannot be reached");
    }
    list_move_all(&lane->waiting, &kept);
}

/* A query waits again, ahead of the others. */
static void requeue(struct lane *lane, struct query *query)
{
    list_add_first(&lane->waiting, &query->link);
    count_queued(lane, 1);
    lane->next_look_ms = 0;
}

/* From the last to the first, so that those that wait again stay in order. */
static struct query *take_last(struct query_batch *batch)
{
    struct list *link = batch->queries.prev;

    list_remove(link);
    return get_query(link);
}

/* The outcome of a batch is not known. */
static void answer_lost(struct lane *lane, struct query_batch *batch)
{
    while (!list_is_empty(&batch->queries)) {
        struct query *query = take_last(batch);

        if (batch->statement->lane == LANE_READ && query->ntries++ == 0)
            requeue(lane, query);
        else if (batch->statement->lane == LANE_READ)
            end_query(query, STATUS_UNAVAILABLE, "the connection to the database was lost");
        else
            end_query(query, STATUS_UNKNOWN,
                      "the connection to the database was lost before it confirmed the change");
    }
}

/* Nothing of a batch was done. */
static void answer_failed(struct lane *lane, struct query_batch *batch, struct status st)
{
    bool is_alone = batch->nqueries == 1;
    bool is_conflict = st.code == STATUS_ABORTED;

    while (!list_is_empty(&batch->queries)) {
        struct query *query = take_last(batch);

        if (is_alone && !(is_conflict && ++query->ntries < MAX_TRIES)) {
            query->on_done(query, st, NULL);
            continue;
        }
        if (is_alone) /* those that it ran into may end meanwhile */
            query->again_ms = clock_get_monotonic_ms() + (FIRST_PAUSE_MS << (query->ntries - 1));
        query->is_solo = true;
        requeue(lane, query);
    }
}

/* What row.c has found out of a statement's columns; kept, for they never change. */
static struct row_plan **get_plans(struct lane *lane, const struct statement *statement)
{
    size_t i = 0;

    while (lane->options->statements[i] != statement)
        i++;
    return &lane->plans[i];
}

static void answer(struct lane *lane, struct query_batch *batch)
{
    if (lane->counts.duration)
        metric_observe_us(lane->counts.duration, clock_get_monotonic_us() - batch->sent_us);
    if (!batch->is_lost && batch->st.code == STATUS_OK && !batch->whole)
        batch->st = status_error(STATUS_INTERNAL, "the statement returned no rows");

    if (batch->is_lost) {
        answer_lost(lane, batch);
    } else if (batch->st.code != STATUS_OK) {
        answer_failed(lane, batch, batch->st);
    } else {
        struct status st = query_batch_answer(batch, get_plans(lane, batch->statement));
        if (st.code != STATUS_OK) {
            batch->nqueries = 1; /* it was done, so it must not go again */
            answer_failed(lane, batch, st);
        }
    }
    query_batch_destroy(batch);
}

/* If the connection is lost at that, the batch's queries wait again, or the batch is in done. */
static void send_batch(struct lane *lane, struct connection *connection, struct query_batch *batch,
                       int64_t now_ms)
{
    for (unsigned i = 0; i < batch->statement->nparams; i++) {
        buf_clear(&lane->params[i]);
        array_write(&lane->params[i], &batch->queries, batch->nqueries, i);
    }
    metric_add(lane->counts.batches, 1);
    metric_add(lane->counts.queries, batch->nqueries);
    batch->sent_us = lane->counts.duration ? clock_get_monotonic_us() : 0;
    bool is_sent = connection_send(connection, batch, lane->params, now_ms);
    for (unsigned i = 0; i < batch->statement->nparams; i++) {
        if (lane->params[i].size > PARAMS_KEPT_BYTES)
            buf_deinit(&lane->params[i]);
    }
    if (is_sent)
        return;
    while (!list_is_empty(&batch->queries))
        requeue(lane, take_last(batch));
    query_batch_destroy(batch);
}

/* Gives what waits to the connections that are idle, in turns. */
static void dispatch(struct lane *lane, int64_t now_ms)
{
    struct connection *idle[STORE_MAX_CONNECTIONS];
    unsigned nidle = 0;

    for (unsigned i = 0; i < lane->nconnections; i++) {
        if (lane->connections[i].state == CONNECTION_UP && lane->connections[i].nsent == 0)
            idle[nidle++] = &lane->connections[i];
    }
    for (unsigned turn = 0; nidle > 0 && !list_is_empty(&lane->waiting); turn++) {
        struct connection *connection = idle[turn % nidle];

        if (connection->nsent == MAX_SENT)
            return;
        struct query_batch *batch =
            query_batch_take(&lane->waiting, lane->options->max_batch, now_ms);
        if (!batch)
            return;
        count_queued(lane, -(int)batch->nqueries);
        send_batch(lane, connection, batch, now_ms);
        if (connection->state != CONNECTION_UP) {
            idle[turn % nidle] = idle[nidle - 1];
            nidle--;
        }
    }
}

static void answer_done(struct lane *lane)
{
    for (unsigned i = 0; i < lane->nconnections; i++) {
        struct list *link;

        while ((link = list_take_first(&lane->connections[i].done)))
            answer(lane, container_of(link, struct query_batch, link));
    }
}

/* Tells others whether a connection is up. */
static void publish(struct lane *lane, int64_t now_ms)
{
    unsigned nup = 0;
    struct status st = status_ok();

    for (unsigned i = 0; i < lane->nconnections; i++) {
        nup += lane->connections[i].state == CONNECTION_UP;
        if (lane->connections[i].st.code != STATUS_OK)
            st = lane->connections[i].st;
    }
    bool is_up = nup > 0;
    metric_set(lane->counts.connections, nup);
    if (is_up != lane->was_up) {
        lane->was_up = is_up;
        lane->down_since_ms = now_ms;
        lane->next_look_ms = 0;
    }
    pthread_mutex_lock(&lane->mutex);
    if (st.code != STATUS_OK)
        lane->st = st;
    if (is_up != lane->is_up) {
        lane->is_up = is_up;
        pthread_cond_broadcast(&lane->changed);
    }
    pthread_mutex_unlock(&lane->mutex);
}

static void fetch(struct lane *lane)
{
    struct list fetched;
    struct list refused;
    struct list *link;

    list_init(&fetched);
    list_init(&refused);
    pthread_mutex_lock(&lane->mutex);
    list_move_all(&fetched, &lane->inbox);
    list_move_all(&refused, &lane->refused);
    lane->is_draining = lane->is_stopping;
    lane->known_end_ms = lane->end_ms;
    pthread_mutex_unlock(&lane->mutex);

    while ((link = list_take_first(&refused)))
        end_query(get_query(link), STATUS_RESOURCE_EXHAUSTED,
                  "too many requests wait for the database");
    while ((link = list_take_first(&fetched))) {
        look_at(lane, get_expiry_ms(lane, get_query(link)));
        list_add_last(&lane->waiting, link);
    }
}

static int get_wait_ms(const struct lane *lane, int64_t now_ms)
{
    int64_t due_ms = list_is_empty(&lane->waiting) ? INT64_MAX : lane->next_look_ms;

    if (!lane->is_over && lane->known_end_ms < due_ms)
        due_ms = lane->known_end_ms;
    for (unsigned i = 0; i < lane->nconnections; i++) {
        const struct connection *connection = &lane->connections[i];
        int64_t connection_ms = connection_get_due_ms(connection);

        if (is_due(lane, connection) && connection_ms < due_ms)
            due_ms = connection_ms;
        if (!list_is_empty(&connection->done))
            return 0;
    }
    if (due_ms <= now_ms)
        return 0;
    return due_ms - now_ms < 60000 ? (int)(due_ms - now_ms) : 60000;
}

/* Whether a query is anywhere in the lane. */
static bool is_busy(struct lane *lane)
{
    for (unsigned i = 0; i < lane->nconnections; i++) {
        if (lane->connections[i].nsent > 0 || !list_is_empty(&lane->connections[i].done))
            return true;
    }
    pthread_mutex_lock(&lane->mutex);
    bool is_empty = list_is_empty(&lane->inbox) && list_is_empty(&lane->refused);
    pthread_mutex_unlock(&lane->mutex);
    return !is_empty || !list_is_empty(&lane->waiting);
}

static void wait_for_events(struct lane *lane)
{
    struct epoll_event events[MAX_EVENTS];
    int n =
        epoll_wait(lane->epoll_fd, events, MAX_EVENTS, get_wait_ms(lane, clock_get_monotonic_ms()));
    int64_t now_ms = clock_get_monotonic_ms();

    for (int i = 0; i < n; i++) {
        uint64_t count;

        if (events[i].data.ptr != lane)
            connection_step(events[i].data.ptr, now_ms);
        else if (read(lane->event_fd, &count, sizeof(count)) < 0)
            assert(errno == EAGAIN || errno == EINTR);
    }
}

/* Gives up what was sent when the time has come; it is answered as of a connection that was lost. */
static void end_if_due(struct lane *lane, int64_t now_ms)
{
    if (lane->is_over || now_ms < lane->known_end_ms)
        return;
    lane->is_over = true;
    for (unsigned i = 0; i < lane->nconnections; i++)
        connection_give_up(&lane->connections[i], now_ms);
}

static void *run(void *arg)
{
    struct lane *lane = arg;

    do {
        wait_for_events(lane);

        int64_t now_ms = clock_get_monotonic_ms();
        for (unsigned i = 0; i < lane->nconnections; i++) {
            if (is_due(lane, &lane->connections[i]))
                connection_tick(&lane->connections[i], now_ms);
        }
        fetch(lane);
        now_ms = clock_get_monotonic_ms(); /* what was fetched is not younger */
        end_if_due(lane, now_ms);
        publish(lane, now_ms);
        expire(lane, now_ms);
        dispatch(lane, now_ms); /* first, so that the database works while we answer */
        answer_done(lane);      /* what goes again does so in the next turn, which comes at once */
    } while (!lane->is_draining || is_busy(lane));
    return NULL;
}

static void wake(struct lane *lane)
{
    static const uint64_t one = 1;

    /* A counter that is full wakes the thread as well. */
    if (write(lane->event_fd, &one, sizeof(one)) < 0)
        assert(errno == EAGAIN);
}

/* What epoll and the thread need. */
static struct status open_lane(struct lane *lane)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = lane};

    lane->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    lane->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lane->epoll_fd < 0 || lane->event_fd < 0 ||
        epoll_ctl(lane->epoll_fd, EPOLL_CTL_ADD, lane->event_fd, &event) != 0)
        return status_from_errno(errno, "an epoll set could not be made");
    lane->settings.epoll_fd = lane->epoll_fd;
    return thread_start(lane->settings.lane_name, run, lane, &lane->thread);
}

static void free_lane(struct lane *lane)
{
    for (unsigned i = 0; i < lane->nconnections; i++)
        connection_deinit(&lane->connections[i]);
    for (unsigned i = 0; i < QUERY_MAX_PARAMS; i++)
        buf_deinit(&lane->params[i]);
    for (size_t i = 0; lane->options->statements[i]; i++)
        row_plans_destroy(lane->plans[i]);
    mem_free(lane->plans);
    if (lane->epoll_fd >= 0)
        (void)close(lane->epoll_fd);
    if (lane->event_fd >= 0)
        (void)close(lane->event_fd);
    pthread_cond_destroy(&lane->changed);
    pthread_mutex_destroy(&lane->mutex);
    mem_free(lane);
}

static size_t count_statements(const struct store_options *options)
{
    size_t n = 0;

    while (options->statements[n])
        n++;
    return n;
}

struct status lane_create(const struct store_options *options, enum statement_lane kind,
                          struct lane **ret)
{
    struct lane *lane = mem_alloc(sizeof(*lane));

    lane->options = options;
    lane->settings = (struct connection_settings){
        .database_url = options->database_url,
        .lane_name = kind == LANE_READ ? "store-read" : "store-write",
        .lane = kind,
        .statement_timeout_ms = options->statement_timeout_ms,
        .statements = options->statements,
        .counts = &lane->counts,
    };
    lane_metrics_init(&lane->counts, options->metrics, kind == LANE_READ ? "read" : "write",
                      options->connections);
    pthread_mutex_init(&lane->mutex, NULL);
    thread_init_condition(&lane->changed);
    list_init(&lane->inbox);
    list_init(&lane->refused);
    list_init(&lane->waiting);
    lane->st = status_error(STATUS_UNAVAILABLE, "no connection was made yet");
    lane->down_since_ms = clock_get_monotonic_ms();
    lane->end_ms = INT64_MAX;
    lane->known_end_ms = INT64_MAX;
    lane->plans = mem_alloc_array(count_statements(options), sizeof(struct row_plan *));
    lane->nconnections = options->connections;
    for (unsigned i = 0; i < lane->nconnections; i++)
        connection_init(&lane->connections[i], &lane->settings);

    struct status st = open_lane(lane);
    if (st.code != STATUS_OK) {
        free_lane(lane);
        return st;
    }
    *ret = lane;
    return status_ok();
}

void lane_submit(struct lane *lane, struct query *query)
{
    assert(query->statement && query->on_done);
    query->deadline_ms = clock_get_monotonic_ms() + query->timeout_ms;
    query->is_solo = false;
    query->ntries = 0;
    query->again_ms = 0;

    pthread_mutex_lock(&lane->mutex);
    bool was_empty = list_is_empty(&lane->inbox) && list_is_empty(&lane->refused);
    if (atomic_load(&lane->nqueued) < (int)lane->options->max_queued) {
        count_queued(lane, 1);
        list_add_last(&lane->inbox, &query->link);
    } else {
        list_add_last(&lane->refused, &query->link);
        metric_add(lane->counts.refused, 1);
    }
    pthread_mutex_unlock(&lane->mutex);
    if (was_empty)
        wake(lane);
}

struct status lane_wait_up(struct lane *lane, int64_t deadline_ms)
{
    struct timespec deadline = {
        .tv_sec = (time_t)(deadline_ms / 1000),
        .tv_nsec = (long)(deadline_ms % 1000 * 1000000),
    };
    int rc = 0;

    pthread_mutex_lock(&lane->mutex);
    while (!lane->is_up && rc == 0)
        rc = pthread_cond_timedwait(&lane->changed, &lane->mutex, &deadline);
    struct status st =
        lane->is_up ? status_ok() : status_error(STATUS_UNAVAILABLE, "%s", lane->st.text);
    pthread_mutex_unlock(&lane->mutex);
    return st;
}

bool lane_is_up(struct lane *lane)
{
    pthread_mutex_lock(&lane->mutex);
    bool is_up = lane->is_up;
    pthread_mutex_unlock(&lane->mutex);
    return is_up;
}

void lane_end_by(struct lane *lane, int64_t end_ms)
{
    pthread_mutex_lock(&lane->mutex);
    lane->end_ms = end_ms;
    pthread_mutex_unlock(&lane->mutex);
    wake(lane);
}

void lane_destroy(struct lane *lane)
{
    if (!lane)
        return;
    pthread_mutex_lock(&lane->mutex);
    lane->is_stopping = true;
    pthread_mutex_unlock(&lane->mutex);
    wake(lane);
    pthread_join(lane->thread, NULL);
    free_lane(lane);
}
