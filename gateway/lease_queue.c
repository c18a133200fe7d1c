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
    waiter->place = 0;
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
    return true;
}

void lease_queue_wake(struct lease_queue *queue)
{
    queue->is_woken = true;
}

static struct lease_waiter *get_waiter(struct list *link)
{
    return container_of(link, struct lease_waiter, link);
}

bool lease_queue_begin(struct lease_queue *queue, int64_t now_ms)
{
    struct list *link;

    if (queue->is_asking || queue->nwaiters == 0)
        return false;
    if (!queue->is_woken && now_ms < queue->next_poll_ms)
        return false;
    queue->is_asking = true;
    queue->is_woken = false;
    queue->nquestions++;
    queue->nasked = 0;
    list_for_each (link, &queue->waiters) {
        if (queue->nasked == LEASE_QUEUE_MAX_ASKERS)
            break;
        get_waiter(link)->place = ++queue->nasked;
    }
    return true;
}

struct lease_waiter *lease_queue_take_asker(struct lease_queue *queue, unsigned place)
{
    assert(queue->is_asking && place >= 1 && place <= queue->nasked);
    /* Those who ask are the first, in the order of their places. */
    if (queue->nwaiters == 0 || get_waiter(queue->waiters.next)->place != place)
        return NULL;
    struct lease_waiter *asker = get_waiter(queue->waiters.next);
    (void)lease_queue_remove(queue, asker);
    return asker;
}

static void end(struct lease_queue *queue)
{
    struct list *link;

    assert(queue->is_asking);
    queue->is_asking = false;
    list_for_each (link, &queue->waiters) {
        if (get_waiter(link)->place == 0)
            return;
        get_waiter(link)->place = 0;
    }
}

void lease_queue_end_with_more(struct lease_queue *queue)
{
    end(queue);
    queue->is_woken = true;
}

void lease_queue_end_with_none(struct lease_queue *queue, int64_t now_ms)
{
    end(queue);
    queue->last_no = queue->nquestions;
    queue->next_poll_ms = now_ms + LEASE_QUEUE_POLL_MS;
}

void lease_queue_end_with_failure(struct lease_queue *queue, int64_t now_ms,
                                  struct list *ret_failed)
{
    lease_queue_end_with_none(queue, now_ms);
    while (!list_is_empty(&queue->waiters)) {
        struct lease_waiter *first = get_waiter(queue->waiters.next);

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
        struct lease_waiter *waiter = get_waiter(link);

        next = link->next;
        /* Those whom a question is asked for stay for the answer, which is near. */
        if (waiter->place != 0 || waiter->deadline_ms > now_ms || !is_answered(queue, waiter))
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

        if (waiter->place == 0 && is_answered(queue, waiter) && waiter->deadline_ms < next_ms)
            next_ms = waiter->deadline_ms;
    }
    if (next_ms == INT64_MAX)
        return LEASE_QUEUE_NEVER; /* the answer under way is what all wait for */
    return next_ms > now_ms ? next_ms - now_ms : 0;
}
