#include "base/log_limit.h"

bool log_limit_pass(struct log_limit *limit, int64_t now_ms, unsigned *ret_nskipped)
{
    int64_t period = now_ms / LOG_LIMIT_PERIOD_MS;

    if (atomic_exchange(&limit->period, period) != period)
        atomic_store(&limit->nlines, 0);
    if (atomic_fetch_add(&limit->nlines, 1) >= LOG_LIMIT_LINES) {
        atomic_fetch_add(&limit->nskipped, 1);
        return false;
    }
    *ret_nskipped = atomic_exchange(&limit->nskipped, 0);
    return true;
}
