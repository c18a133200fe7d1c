/* A binary heap by deadline; each timer knows its place, so that cancel needs no search. */
#include "base/timers.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"

struct timers {
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below and the place of each timer */
    pthread_cond_t changed;
    struct timer **heap; /* heap[1 .. ntimers] */
    size_t ntimers;
    size_t size;
    bool is_stopping;
};

static void put(struct timers *timers, size_t place, struct timer *timer)
{
    timers->heap[place] = timer;
    timer->place = place;
}

static void rise(struct timers *timers, size_t place)
{
    struct timer *timer = timers->heap[place];

    for (; place > 1 && timers->heap[place / 2]->deadline_ms > timer->deadline_ms; place /= 2)
        put(timers, place, timers->heap[place / 2]);
    put(timers, place, timer);
}

static void sink(struct timers *timers, size_t place)
{
    struct timer *timer = timers->heap[place];

    for (;;) {
        size_t child = 2 * place;
        if (child > timers->ntimers)
            break;
        if (child < timers->ntimers &&
            timers->heap[child + 1]->deadline_ms < timers->heap[child]->deadline_ms)
            child++;
        if (timers->heap[child]->deadline_ms >= timer->deadline_ms)
            break;
        put(timers, place, timers->heap[child]);
        place = child;
    }
    put(timers, place, timer);
}

static void take_out(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    struct timer *last = timers->heap[timers->ntimers--];

    timer->place = 0;
    if (last == timer)
        return;
    put(timers, place, last);
    rise(timers, place);
    sink(timers, last->place);
}

static void *run(void *arg)
{
    struct timers *timers = arg;

    (void)pthread_mutex_lock(&timers->mutex);
    while (!timers->is_stopping) {
        if (timers->ntimers == 0) {
            (void)pthread_cond_wait(&timers->changed, &timers->mutex);
            continue;
        }
        struct timer *first = timers->heap[1];
        if (first->deadline_ms > clock_get_monotonic_ms()) {
            thread_wait_until(&timers->changed, &timers->mutex, first->deadline_ms);
            continue;
        }
        take_out(timers, first);
        (void)pthread_mutex_unlock(&timers->mutex);
        first->on_fire(first);
        (void)pthread_mutex_lock(&timers->mutex);
    }
    (void)pthread_mutex_unlock(&timers->mutex);
    return NULL;
}

struct status timers_create(struct timers **ret)
{
    struct timers *timers = mem_alloc(sizeof(*timers));

    (void)pthread_mutex_init(&timers->mutex, NULL);
    thread_init_condition(&timers->changed);
    struct status st = thread_start("timers", run, timers, &timers->thread);
    if (st.code != STATUS_OK) {
        mem_free(timers);
        return st;
    }
    *ret = timers;
    return st;
}

void timers_destroy(struct timers *timers)
{
    if (!timers)
        return;
    (void)pthread_mutex_lock(&timers->mutex);
    timers->is_stopping = true;
    (void)pthread_cond_signal(&timers->changed);
    (void)pthread_mutex_unlock(&timers->mutex);
    (void)pthread_join(timers->thread, NULL);
    (void)pthread_cond_destroy(&timers->changed);
    (void)pthread_mutex_destroy(&timers->mutex);
    mem_free(timers->heap);
    mem_free(timers);
}

void timers_set(struct timers *timers, struct timer *timer, int64_t delay_ms)
{
    (void)pthread_mutex_lock(&timers->mutex);
    if (timer->place != 0)
        take_out(timers, timer);
    timer->deadline_ms = clock_get_monotonic_ms() + delay_ms;
    if (timers->ntimers + 2 > timers->size) {
        timers->size = timers->size ? timers->size * 2 : 16;
        timers->heap = mem_realloc_array(timers->heap, timers->size, sizeof(*timers->heap));
    }
    put(timers, ++timers->ntimers, timer);
    rise(timers, timer->place);
    if (timer->place == 1)
        (void)pthread_cond_signal(&timers->changed);
    (void)pthread_mutex_unlock(&timers->mutex);
}

bool timers_cancel(struct timers *timers, struct timer *timer)
{
    (void)pthread_mutex_lock(&timers->mutex);
    bool was_set = timer->place != 0;
    if (was_set)
        take_out(timers, timer);
    (void)pthread_mutex_unlock(&timers->mutex);
    return was_set;
}
