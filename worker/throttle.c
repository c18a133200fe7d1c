#include "worker/throttle.h"

static const double us_per_second = 1e6;

void throttle_add(struct throttle *throttle, size_t nbytes)
{
    throttle->debt_bytes += (double)nbytes;
}

int64_t throttle_get_wait_us(struct throttle *throttle, int64_t bytes_per_second, int64_t now_us)
{
    double rate = (double)bytes_per_second / us_per_second;

    throttle->debt_bytes -= rate * (double)(now_us - throttle->paid_us);
    throttle->paid_us = now_us;
    if (bytes_per_second == 0 || throttle->debt_bytes < 0)
        throttle->debt_bytes = 0;
    return rate > 0 ? (int64_t)(throttle->debt_bytes / rate) : 0;
}
