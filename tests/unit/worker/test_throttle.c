#include "worker/throttle.h"

#include "tests/harness/test.h"

enum { SECOND_US = 1000000 };

static const int64_t start_us = INT64_C(5000000000);

test(throttle_waits_as_long_as_the_bytes_take)
{
    struct throttle throttle = {0};

    check_int(throttle_get_wait_us(&throttle, 1000, start_us), 0);
    throttle_add(&throttle, 500);
    check_int(throttle_get_wait_us(&throttle, 1000, start_us), SECOND_US / 2);
    check_int(throttle_get_wait_us(&throttle, 1000, start_us + SECOND_US / 4), SECOND_US / 4);
    check_int(throttle_get_wait_us(&throttle, 1000, start_us + SECOND_US / 2), 0);
}

test(throttle_holds_the_rate_over_many_pages)
{
    struct throttle throttle = {0};
    int64_t now_us = start_us;

    (void)throttle_get_wait_us(&throttle, 1 << 20, now_us);
    for (int i = 0; i < 100; i++) {
        throttle_add(&throttle, 1 << 20);
        now_us += SECOND_US / 3; /* the work itself */
        now_us += throttle_get_wait_us(&throttle, 1 << 20, now_us);
        (void)throttle_get_wait_us(&throttle, 1 << 20, now_us);
    }
    check(now_us - start_us >= 100 * INT64_C(1000000) - 100);
    check(now_us - start_us <= 101 * INT64_C(1000000));
}

test(throttle_without_a_limit_never_waits)
{
    struct throttle throttle = {0};

    throttle_add(&throttle, SIZE_MAX / 2);
    check_int(throttle_get_wait_us(&throttle, 0, start_us), 0);
    check_int(throttle_get_wait_us(&throttle, 1, start_us), 0); /* the debt is gone */
}

test(throttle_takes_a_new_rate_at_once)
{
    struct throttle throttle = {0};

    (void)throttle_get_wait_us(&throttle, 1, start_us);
    throttle_add(&throttle, 3600);
    check_int(throttle_get_wait_us(&throttle, 1, start_us), INT64_C(3600) * SECOND_US);
    check_int(throttle_get_wait_us(&throttle, 36000, start_us), SECOND_US / 10);
    check_int(throttle_get_wait_us(&throttle, 0, start_us), 0);
}

test(throttle_saves_nothing_up)
{
    struct throttle throttle = {0};

    (void)throttle_get_wait_us(&throttle, 1000, start_us);
    (void)throttle_get_wait_us(&throttle, 1000, start_us + INT64_C(100) * SECOND_US);
    throttle_add(&throttle, 1000);
    check_int(throttle_get_wait_us(&throttle, 1000, start_us + INT64_C(100) * SECOND_US),
              SECOND_US);
}
