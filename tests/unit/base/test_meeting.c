/*
 * tests/unit/base/test_meeting.c - base/meeting.
 */
#include <pthread.h>

#include "base/meeting.h"
#include "tests/harness/test.h"

enum { ROUNDS = 20000 };

/* Two threads work on their own, and the later one takes both results. */
struct work {
    struct meeting meeting;
    pthread_barrier_t start;
    unsigned of_each[2];
    unsigned sum; /* of whoever came second */
    unsigned nmet;
};

struct worker {
    struct work *work;
    unsigned number;
};

static void *run(void *arg)
{
    const struct worker *worker = arg;
    struct work *work = worker->work;

    for (unsigned round = 1; round <= ROUNDS; round++) {
        work->of_each[worker->number] = round;
        if (meeting_come(&work->meeting)) {
            work->sum += work->of_each[0] + work->of_each[1];
            work->nmet++;
        }
        (void)pthread_barrier_wait(&work->start);
    }
    return NULL;
}

test(the_second_of_two_goes_on_and_sees_what_the_first_did)
{
    struct work work = {.nmet = 0};
    struct worker workers[] = {{&work, 0}, {&work, 1}};
    pthread_t other;

    check_int(pthread_barrier_init(&work.start, NULL, 2), 0);
    check_int(pthread_create(&other, NULL, run, &workers[1]), 0);
    (void)run(&workers[0]);
    check_int(pthread_join(other, NULL), 0);
    (void)pthread_barrier_destroy(&work.start);
    check_int(work.nmet, ROUNDS);
    check_int(work.sum, ROUNDS * (ROUNDS + 1));
}
