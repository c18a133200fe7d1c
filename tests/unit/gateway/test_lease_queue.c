/*
 * tests/unit/gateway/test_lease_queue.c - who asks, who is answered, who has waited enough.
 */
#include "gateway/lease_queue.h"

#include "base/mem.h"
#include "tests/harness/test.h"

static struct lease_waiter until(int64_t deadline_ms)
{
    return (struct lease_waiter){.deadline_ms = deadline_ms};
}

static size_t count(const struct list *head)
{
    const struct list *link;
    size_t n = 0;

    list_for_each (link, head)
        n++;
    return n;
}

test(lease_queue_costs_nothing_without_waiters)
{
    struct lease_queue queue;

    lease_queue_init(&queue);
    lease_queue_wake(&queue);
    check(!lease_queue_begin(&queue, 0));
    check_int(lease_queue_get_delay_ms(&queue, 0), LEASE_QUEUE_NEVER);
}

test(lease_queue_asks_for_those_who_came_first)
{
    struct lease_queue queue;
    struct lease_waiter a = until(100), b = until(100), late = until(100);

    lease_queue_init(&queue);
    check(lease_queue_add(&queue, &a));
    check(lease_queue_add(&queue, &b));
    check_int(lease_queue_get_delay_ms(&queue, 0), 0);
    check(lease_queue_begin(&queue, 0));
    check(!lease_queue_begin(&queue, 0));
    check(lease_queue_add(&queue, &late));
    check_int(queue.nasked, 2);
    check(lease_queue_take_asker(&queue, 1) == &a);
    check(lease_queue_take_asker(&queue, 2) == &b);
    lease_queue_end_with_more(&queue);
    check(lease_queue_begin(&queue, 0)); /* at once: there may be more */
    check_int(queue.nasked, 1);
    check(lease_queue_take_asker(&queue, 1) == &late);
    lease_queue_end_with_more(&queue);
    check(!lease_queue_begin(&queue, 0));
}

test(lease_queue_asks_for_so_many_at_once)
{
    struct lease_queue queue;
    struct lease_waiter waiters[LEASE_QUEUE_MAX_ASKERS + 1];

    lease_queue_init(&queue);
    for (size_t i = 0; i < ARRAY_LEN(waiters); i++) {
        waiters[i] = until(60000);
        check(lease_queue_add(&queue, &waiters[i]));
    }
    check(lease_queue_begin(&queue, 0));
    check_int(queue.nasked, LEASE_QUEUE_MAX_ASKERS);
    for (unsigned i = 0; i < LEASE_QUEUE_MAX_ASKERS; i++)
        check(lease_queue_take_asker(&queue, i + 1) == &waiters[i]);
    lease_queue_end_with_more(&queue);
    check(lease_queue_begin(&queue, 0));
    check(lease_queue_take_asker(&queue, 1) == &waiters[LEASE_QUEUE_MAX_ASKERS]);
}

test(lease_queue_answers_those_who_got_no_job)
{
    struct lease_queue queue;
    struct lease_waiter a = until(0), b = until(0);
    struct list expired;

    lease_queue_init(&queue);
    list_init(&expired);
    check(lease_queue_add(&queue, &a));
    check(lease_queue_add(&queue, &b));
    check(lease_queue_begin(&queue, 0));
    lease_queue_take_expired(&queue, 10, &expired);
    check_int(count(&expired), 0); /* the answer is near */
    check(lease_queue_take_asker(&queue, 1) == &a);
    lease_queue_end_with_none(&queue, 20);
    check(!lease_queue_begin(&queue, 20));
    lease_queue_take_expired(&queue, 20, &expired);
    check_int(count(&expired), 1);
    check(expired.next == &b.link);
}

test(lease_queue_polls_once_for_all)
{
    struct lease_queue queue;
    struct lease_waiter waiters[50];

    lease_queue_init(&queue);
    for (size_t i = 0; i < ARRAY_LEN(waiters); i++) {
        waiters[i] = until(60000);
        check(lease_queue_add(&queue, &waiters[i]));
    }
    check(lease_queue_begin(&queue, 0));
    lease_queue_end_with_none(&queue, 5);
    check(!lease_queue_begin(&queue, 1004));
    check_int(lease_queue_get_delay_ms(&queue, 5), LEASE_QUEUE_POLL_MS);
    check(lease_queue_begin(&queue, 1005));
    check_int(queue.nquestions, 2);
}

test(lease_queue_asks_at_once_when_woken)
{
    struct lease_queue queue;
    struct lease_waiter a = until(60000);

    lease_queue_init(&queue);
    check(lease_queue_add(&queue, &a));
    check(lease_queue_begin(&queue, 0));
    lease_queue_wake(&queue); /* while a question is under way that may not see the job yet */
    lease_queue_end_with_none(&queue, 1);
    check_int(lease_queue_get_delay_ms(&queue, 1), 0);
    check(lease_queue_begin(&queue, 1));
    check(lease_queue_take_asker(&queue, 1) == &a);
}

test(lease_queue_answers_no_job_only_after_a_question_of_its_time)
{
    struct lease_queue queue;
    struct lease_waiter early = until(0), late = until(0);
    struct list expired;

    lease_queue_init(&queue);
    list_init(&expired);
    check(lease_queue_add(&queue, &early));
    check(lease_queue_begin(&queue, 0));
    check(lease_queue_add(&queue, &late));
    lease_queue_take_expired(&queue, 10, &expired);
    check_int(count(&expired), 0);
    lease_queue_end_with_none(&queue, 20);
    lease_queue_take_expired(&queue, 20, &expired);
    check_int(count(&expired), 1);
    check(expired.next == &early.link);
    check(lease_queue_begin(&queue, 20)); /* for the late one, without a poll's delay */
    lease_queue_end_with_none(&queue, 30);
    lease_queue_take_expired(&queue, 30, &expired);
    check_int(count(&expired), 2);
    check_int(queue.nwaiters, 0);
}

test(lease_queue_keeps_waiters_until_their_deadline)
{
    struct lease_queue queue;
    struct lease_waiter a = until(300);
    struct list expired;

    lease_queue_init(&queue);
    list_init(&expired);
    check(lease_queue_add(&queue, &a));
    check(lease_queue_begin(&queue, 0));
    lease_queue_end_with_none(&queue, 1);
    check_int(lease_queue_get_delay_ms(&queue, 1), 299);
    lease_queue_take_expired(&queue, 299, &expired);
    check_int(count(&expired), 0);
    lease_queue_take_expired(&queue, 300, &expired);
    check_int(count(&expired), 1);
}

test(lease_queue_has_nobody_for_a_job_when_the_asker_left)
{
    struct lease_queue queue;
    struct lease_waiter a = until(100), b = until(100);

    lease_queue_init(&queue);
    check(lease_queue_add(&queue, &a));
    check(lease_queue_add(&queue, &b));
    check(lease_queue_begin(&queue, 0));
    check(lease_queue_remove(&queue, &a));
    check(!lease_queue_remove(&queue, &a));
    check(lease_queue_take_asker(&queue, 1) == NULL);
    check(lease_queue_take_asker(&queue, 2) == &b);
    lease_queue_end_with_more(&queue);
    check_int(queue.nwaiters, 0);
}

test(lease_queue_fails_those_whom_the_question_was_for)
{
    struct lease_queue queue;
    struct lease_waiter a = until(9999), b = until(0), late = until(0);
    struct list failed;

    lease_queue_init(&queue);
    list_init(&failed);
    check(lease_queue_add(&queue, &a));
    check(lease_queue_add(&queue, &b));
    check(lease_queue_begin(&queue, 0));
    check(lease_queue_add(&queue, &late));
    lease_queue_end_with_failure(&queue, 10, &failed);
    check_int(count(&failed), 2);
    check(failed.next == &a.link);
    check_int(queue.nwaiters, 1);
    check(lease_queue_begin(&queue, 10));
    check(lease_queue_take_asker(&queue, 1) == &late);
}

test(lease_queue_has_a_limit)
{
    struct lease_queue queue;
    struct lease_waiter *waiters = mem_alloc_array(LEASE_QUEUE_MAX_WAITERS + 1, sizeof(*waiters));

    lease_queue_init(&queue);
    for (size_t i = 0; i < LEASE_QUEUE_MAX_WAITERS; i++)
        check(lease_queue_add(&queue, &waiters[i]));
    check(!lease_queue_add(&queue, &waiters[LEASE_QUEUE_MAX_WAITERS]));
    check(lease_queue_remove(&queue, &waiters[0]));
    check(lease_queue_add(&queue, &waiters[LEASE_QUEUE_MAX_WAITERS]));
    mem_free(waiters);
}
