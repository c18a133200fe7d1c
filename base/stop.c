#include "base/stop.h"

#include <poll.h>

#include "base/clock.h"

enum { LOOK_EVERY_MS = 50 };

bool stop_pause(const struct stop *stop, int64_t pause_ms)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + pause_ms;

    for (;;) {
        int64_t left_ms = deadline_ms - clock_get_monotonic_ms();

        if (stop_is_requested(stop))
            return false;
        if (left_ms <= 0)
            return true;
        (void)poll(NULL, 0, left_ms < LOOK_EVERY_MS ? (int)left_ms : LOOK_EVERY_MS);
    }
}
