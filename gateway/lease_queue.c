#include "gateway/lease_queue.h"

#include <assert.h>

#include "base/compiler.h"

void lease_queue_init(struct lease_queue *queue)
{
    *queue = (struct lease_queue){0};
    list_init(&queue->waiters);
}

bool lease_queue_add(struct lease_queue *queue, struct lease_waiter *waiter)
{
    if (queue->nwaiters == LEASE_QUEUE_MAX_WAITERS)
        return false;
    waiter->arrival = queue->nquestions;
    list_add_last(&queue->waiters, &waiter->link);
    queue->nwaiters++;
    queue->is_woken = true;
    return true;
}

bool lease_queue_remove(struct lease_queue *queue, struct lease_waiter *waiter)
{
    if (!waiter->link.next)
        return false;
    list_remove(&waiter->link);
    queue->nwaiters--;
    if (queue->asker == waiter)
        queue->asker = NULL;
    return true;
}

void lease_queue_wake(struct lease_queue *queue)
{
    queue->is_woken = true;
}

bool lease_queue_begin(struct lease_queue *queue, int64_t now_ms)
{
    if (queue->is_asking || queue->nwaiters == 0)
        return false;
    if (!queue->is_woken && now_ms < queue->next_poll_ms)
        return false;
    queue->is_asking = true;
    queue->is_woken = false;
    queue->nquestions++;
    queue->asker = container_of(queue->waiters.next, struct lease_waiter, link);
    return true;
}

struct lease_waiter *lease_queue_end_with_job(struct lease_queue *queue)
{
    struct lease_waiter *asker = queue->asker;

    assert(queue->is_asking);
    queue->is_asking = false;
    queue->is_woken = true; /* where one job was there may be more */
    if (asker)
        (void)lease_queue_remove(queue, asker);
    return asker;
}

void lease_queue_end_with_none(struct lease_queue *queue, int64_t now_ms)
{
    assert(queue->is_asking);
    queue->is_asking = false;
    queue->asker = NULL;
    queue->last_no = queue->nquestions;
    queue->next_poll_ms = now_ms + LEASE_QUEUE_POLL_MS;
}

void lease_queue_end_with_failure(struct lease_queue *queue, int64_t now_ms,
                                  struct list *ret_failed)
{
    lease_queue_end_with_none(queue, now_ms);
    while (!list_is_empty(&queue->waiters)) {
        struct lease_waiter *first = container_of(queue->waiters.next, struct lease_waiter, link);

        if (first->arrival >= queue->nquestions)
            return; /* it, and those behind it, came after the question began */
        (void)lease_queue_remove(queue, first);
        list_add_last(ret_failed, &first->link);
    }
}

/* Whether "no job" is an answer to this waiter: the question began after it had come. */
static bool is_answered(const struct lease_queue *queue, const struct lease_waiter *waiter)
{
    return queue->last_no > waiter->arrival;
}

void lease_queue_take_expired(struct lease_queue *queue, int64_t now_ms, struct list *ret_expired)
{
    struct list *next;

    for (struct list *link = queue->waiters.next; link != &queue->waiters; link = next) {
        struct lease_waiter *waiter = container_of(link, struct lease_waiter, link);

        next = link->next;
        /* The one whom a question is asked for stays for the answer, which is near. */
        if (waiter == queue->asker || waiter->deadline_ms > now_ms || !is_answered(queue, waiter))
            continue;
        (void)lease_queue_remove(queue, waiter);
        list_add_last(ret_expired, &waiter->link);
    }
}

int64_t lease_queue_get_delay_ms(const struct lease_queue *queue, int64_t now_ms)
{
    const struct list *link;
    int64_t next_ms = INT64_MAX;

    if (queue->nwaiters == 0)
        return LEASE_QUEUE_NEVER;
    if (!queue->is_asking)
        next_ms = queue->is_woken ? now_ms : queue->next_poll_ms;
    list_for_each (link, &queue->waiters) {
        const struct lease_waiter *waiter = container_of(link, struct lease_waiter, link);

        if (waiter != queue->asker && is_answered(queue, waiter) && waiter->deadline_ms < next_ms)
            next_ms = waiter->deadline_ms;
    }
    if (next_ms == INT64_MAX)
        return LEASE_QUEUE_NEVER; /* the answer under way is what all wait for */
    return next_ms > now_ms ? next_ms - now_ms : 0;
}
