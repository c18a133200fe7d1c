/*
 * tests/chaos/wrong_clock.c - a clock that is wrong, for one process.
 *
 * Loaded by LD_PRELOAD. The wall clock goes as many seconds ahead or behind as the file that
 * SLUICE_TEST_CLOCK names says, at any time; clocks that measure durations stay right, as they do when
 * an operator or NTP sets the time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long read_offset_s(void)
{
    const char *path = getenv("SLUICE_TEST_CLOCK");
    FILE *file = path ? fopen(path, "re") : NULL;
    long long offset_s = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%lld", &offset_s) != 1)
        offset_s = 0;
    (void)fclose(file);
    return offset_s;
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
    long result = syscall(SYS_clock_gettime, clock, ret);

    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        ret->tv_sec += read_offset_s();
    return (int)result;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    *ret = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret)
        *ret = now.tv_sec;
    return now.tv_sec;
}
