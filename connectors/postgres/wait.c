#include "connectors/postgres/wait.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"

enum { SLICE_MS = 100 };

struct status pg_check_stop(const struct stop *stop)
{
    return stop_is_requested(stop) ? status_error(STATUS_CANCELLED, "stop was requested")
                                   : status_ok();
}

struct status pg_wait(int fd, short events, const struct stop *stop, int64_t deadline_ms,
                      short *ret_events)
{
    struct pollfd item = {.fd = fd, .events = events};

    for (;;) {
        struct status st = pg_check_stop(stop);
        if (st.code != STATUS_OK)
            return st;

        int n = poll(&item, 1, SLICE_MS);
        if (n > 0) {
            *ret_events = item.revents;
            return status_ok();
        }
        if (n < 0 && errno != EINTR)
            return status_from_errno(errno, "poll");
        if (deadline_ms != 0 && clock_get_monotonic_ms() >= deadline_ms)
            return status_error(STATUS_DEADLINE_EXCEEDED, "no answer in time");
    }
}

struct status pg_wait_ms(int64_t delay_ms, const struct stop *stop)
{
    int64_t end_ms = clock_get_monotonic_ms() + delay_ms;

    for (;;) {
        struct status st = pg_check_stop(stop);
        if (st.code != STATUS_OK)
            return st;

        int64_t left_ms = end_ms - clock_get_monotonic_ms();
        if (left_ms <= 0)
            return status_ok();
        (void)poll(NULL, 0, left_ms < SLICE_MS ? (int)left_ms : SLICE_MS);
    }
}
