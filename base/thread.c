#include "base/thread.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

struct status thread_start(const char *name, void *(*run)(void *), void *arg, pthread_t *ret)
{
    char shown[16]; /* the kernel's limit, NUL included: the name is cut to fit */
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(ret, NULL, run, arg);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0)
        return status_error(STATUS_RESOURCE_EXHAUSTED, "thread '%s' could not be started", name);
    (void)snprintf(shown, sizeof(shown), "%s", name);
    (void)pthread_setname_np(*ret, shown);
    return status_ok();
}

void thread_init_condition(pthread_cond_t *ret)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(ret, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void thread_wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t deadline_ms)
{
    struct timespec until = {.tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000};

    (void)pthread_cond_timedwait(condition, mutex, &until);
}

static sigset_t get_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    return set;
}

void thread_block_signals(void)
{
    sigset_t set = get_signals();
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

int thread_wait_for_signal(void)
{
    sigset_t set = get_signals();
    int number = 0;

    (void)sigwait(&set, &number);
    return number;
}

void thread_wait_for_second_stop(unsigned delay_ms)
{
    struct timespec delay = {.tv_sec = delay_ms / 1000, .tv_nsec = delay_ms % 1000 * 1000000L};
    sigset_t set = get_signals();

    (void)sigdelset(&set, SIGHUP);
    (void)sigtimedwait(&set, NULL, &delay);
}
