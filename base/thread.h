/*
 * base/thread.h - threads with names and without signals.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

#include "base/status.h"

/*
 * Starts a thread, named (at most 15 bytes are shown) for top, gdb and the log; all signals are
 * blocked in it. RESOURCE_EXHAUSTED: the system refused a thread.
 */
struct status thread_start(const char *name, void *(*run)(void *), void *arg, pthread_t *ret)
    MUST_CHECK;

/* Makes a condition whose waits are by the clock of clock_get_monotonic_ms. */
void thread_init_condition(pthread_cond_t *ret);

/*
 * Waits until the condition is signalled or the time has come, and may return early: the caller looks again. The
 * mutex is held. Blocks.
 */
void thread_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t deadline_ms);

/*
 * Blocks SIGTERM, SIGINT and SIGHUP in the caller and all threads that it starts later, and
 * ignores SIGPIPE. Called first of all in main.
 */
void thread_block_signals(void);

/* Waits until SIGTERM, SIGINT or SIGHUP arrives; returns its number. Blocks. */
int thread_wait_for_signal(void);

/* Waits until delay_ms have passed, or SIGTERM or SIGINT arrives: who asks twice is in a hurry. Blocks. */
void thread_wait_for_second_stop(unsigned delay_ms);

#endif
