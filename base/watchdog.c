#include "base/watchdog.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "base/number.h"
#include "base/timers.h"

struct watchdog {
    struct timers *timers;
    struct timer timer;
    int64_t period_ms;
    struct pulse *pulses[WATCHDOG_MAX_PULSES];
    unsigned seen[WATCHDOG_MAX_PULSES]; /* beats at the last look */
    size_t npulses;
};

/* Looks at all of them, so that each is compared with the last look and not with an older one. */
static bool have_all_moved(struct watchdog *watchdog)
{
    bool have_moved = true;

    for (size_t i = 0; i < watchdog->npulses; i++) {
        unsigned beats = atomic_load_explicit(&watchdog->pulses[i]->beats, memory_order_relaxed);
        if (beats == watchdog->seen[i])
            have_moved = false;
        watchdog->seen[i] = beats;
    }
    return have_moved;
}

/* On the timer thread. */
static void look(struct timer *timer)
{
    struct watchdog *watchdog = container_of(timer, struct watchdog, timer);

    if (have_all_moved(watchdog))
        notify_alive();
    else
        log_error("a loop stands still", log_int("for_ms", watchdog->period_ms));
    timers_set(watchdog->timers, timer, watchdog->period_ms);
}

/* Sets *ret_us to 0 if nobody asks for it, as sd_watchdog_enabled(3) does. */
static struct status read_environment(int64_t *ret_us)
{
    const char *time = getenv("WATCHDOG_USEC");
    const char *process = getenv("WATCHDOG_PID");
    int64_t id = 0;

    *ret_us = 0;
    if (!time)
        return status_ok();
    if (process) {
        struct status st = number_read("WATCHDOG_PID", str_from(process), 1, INT32_MAX, &id);
        if (st.code != STATUS_OK || id != getpid())
            return st;
    }
    return number_read("WATCHDOG_USEC", str_from(time), WATCHDOG_MIN_MS * INT64_C(1000), INT64_MAX,
                       ret_us);
}

struct status watchdog_start(struct pulse *const *pulses, size_t npulses, struct watchdog **ret)
{
    int64_t time_us = 0;
    struct timers *timers = NULL;
    struct status st = read_environment(&time_us);

    assert(npulses >= 1 && npulses <= WATCHDOG_MAX_PULSES);
    if (st.code == STATUS_OK && time_us > 0)
        st = timers_create(&timers);
    if (st.code != STATUS_OK)
        return st;
    if (time_us == 0) {
        *ret = NULL;
        return st;
    }
    struct watchdog *watchdog = mem_alloc(sizeof(*watchdog));
    *watchdog = (struct watchdog){
        .timers = timers,
        .timer.on_fire = look,
        .period_ms = time_us / 2000,
        .npulses = npulses,
    };
    for (size_t i = 0; i < npulses; i++)
        watchdog->pulses[i] = pulses[i];
    (void)have_all_moved(watchdog);
    timers_set(timers, &watchdog->timer, watchdog->period_ms);
    *ret = watchdog;
    return status_ok();
}

void watchdog_stop(struct watchdog *watchdog)
{
    if (!watchdog)
        return;
    timers_destroy(watchdog->timers);
    mem_free(watchdog);
}
