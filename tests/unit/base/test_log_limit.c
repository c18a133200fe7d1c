/*
 * tests/unit/base/test_log_limit.c - what peers cause fills no log.
 */
#include "base/log_limit.h"

#include "tests/harness/test.h"

test(lines_beyond_the_limit_wait_for_the_next_period_which_tells_how_many)
{
    struct log_limit limit = {0};
    unsigned nskipped = 99;

    for (int i = 0; i < LOG_LIMIT_LINES; i++) {
        check(log_limit_pass(&limit, 5, &nskipped));
        check_int(nskipped, 0);
    }
    for (int i = 0; i < 7; i++)
        check(!log_limit_pass(&limit, LOG_LIMIT_PERIOD_MS - 1, &nskipped));
    check(log_limit_pass(&limit, LOG_LIMIT_PERIOD_MS, &nskipped));
    check_int(nskipped, 7);
    check(log_limit_pass(&limit, LOG_LIMIT_PERIOD_MS, &nskipped));
    check_int(nskipped, 0);
}
