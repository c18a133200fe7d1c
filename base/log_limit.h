/*
 * base/log_limit.h - log lines that peers cause, so that nobody fills the log by asking for them.
 */
#ifndef BASE_LOG_LIMIT_H
#define BASE_LOG_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    LOG_LIMIT_LINES = 20, /* in a period */
    LOG_LIMIT_PERIOD_MS = 10000,
};

/* For one kind of line; zeroed before first use. */
struct log_limit {
    atomic_int_least64_t
        period;           /* that is counted; they are numbered from the start of the clock */
    atomic_uint nlines;   /* asked for in it */
    atomic_uint nskipped; /* since the last line */
};

/*
 * Whether a line may be written at now_ms, by clock_get_monotonic_ms; *ret_nskipped is how many were not since the one
 * before. Threads that meet at the end of a period may count a few too many or too few. Any thread.
 */
bool log_limit_pass(struct log_limit *limit, int64_t now_ms, unsigned *ret_nskipped);

#endif
