/*
 * worker/throttle.h - how long a thread pauses so that it moves no more than so many bytes a second.
 *
 * What was moved is a debt that time pays off, at the rate that holds now: so a change of the rate is felt at once, by a
 * pause that has begun, too. Nothing is saved up: a thread that was slow for a while is not faster afterwards.
 */
#ifndef WORKER_THROTTLE_H
#define WORKER_THROTTLE_H

#include <stddef.h>
#include <stdint.h>

/* {0} owes nothing. */
struct throttle {
    double debt_bytes;
    int64_t paid_us; /* until when, by the clock of now_us */
};

/* nbytes were moved. */
void throttle_add(struct throttle *throttle, size_t nbytes);

/*
 * Microseconds to wait before more is moved, at a rate from the last call until now, which is also that of the future; 0: go on.
 * bytes_per_second 0: no limit, and no debt any more.
 */
int64_t throttle_get_wait_us(struct throttle *throttle, int64_t bytes_per_second, int64_t now_us);

#endif
