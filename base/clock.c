#include "base/clock.h"

#include <stdio.h>
#include <time.h>

enum { US_PER_S = 1000000, S_PER_DAY = 86400 };

int64_t clock_get_monotonic_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

int64_t clock_get_monotonic_ms(void)
{
    return clock_get_monotonic_us() / 1000;
}

int64_t clock_get_time_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

void clock_write_text(int64_t time_us, char ret_text[CLOCK_TEXT_BYTES])
{
    int64_t us = time_us % US_PER_S;
    time_t s = time_us / US_PER_S;
    struct tm tm;

    if (us < 0) {
        us += US_PER_S;
        s--;
    }
    if (!gmtime_r(&s, &tm))
        tm = (struct tm){.tm_year = 70, .tm_mday = 1};
    /* strftime would not pad a year below 1000. */
    int len =
        snprintf(ret_text, CLOCK_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
                 tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    size_t n = len > 0 && len < CLOCK_TEXT_BYTES ? (size_t)len : 0;
    if (us == 0)
        (void)snprintf(ret_text + n, CLOCK_TEXT_BYTES - n, "Z");
    else if (us % 1000 == 0)
        (void)snprintf(ret_text + n, CLOCK_TEXT_BYTES - n, ".%03dZ", (int)(us / 1000));
    else
        (void)snprintf(ret_text + n, CLOCK_TEXT_BYTES - n, ".%06dZ", (int)us);
}

int64_t clock_get_days(int64_t year, unsigned month, unsigned day)
{
    /* Years begin in March, so that the leap day is the last one; 400 years repeat. */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

/* Takes exactly n digits off the front of *rest. */
static bool take_digits(struct str *rest, size_t n, int64_t *ret)
{
    int64_t value = 0;

    if (rest->len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (rest->data[i] < '0' || rest->data[i] > '9')
            return false;
        value = value * 10 + (rest->data[i] - '0');
    }
    *rest = str_skip(*rest, n);
    *ret = value;
    return true;
}

static bool take_byte(struct str *rest, const char *any_of)
{
    if (rest->len == 0 || !strchr(any_of, rest->data[0]) || rest->data[0] == '\0')
        return false;
    *rest = str_skip(*rest, 1);
    return true;
}

/* An optional fraction of a second, cut to microseconds. */
static bool take_fraction(struct str *rest, int64_t *ret_us)
{
    int64_t us = 0, digit = 0, scale = US_PER_S / 10;
    size_t n = 0;

    if (take_byte(rest, ".")) {
        for (; take_digits(rest, 1, &digit); n++, scale /= 10)
            us += digit * scale;
        if (n == 0 || n > 9)
            return false;
    }
    *ret_us = us;
    return true;
}

static bool take_offset(struct str *rest, int64_t *ret_s)
{
    int64_t hours = 0, minutes = 0;

    *ret_s = 0;
    if (take_byte(rest, "Zz"))
        return true;
    bool is_behind = rest->len > 0 && rest->data[0] == '-';
    if (!take_byte(rest, "+-") || !take_digits(rest, 2, &hours) || !take_byte(rest, ":") ||
        !take_digits(rest, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ret_s = (hours * 60 + minutes) * (is_behind ? -60 : 60);
    return true;
}

static unsigned get_days_of_month(int64_t year, int64_t month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && is_leap ? 29 : days[month - 1];
}

struct status clock_read_text(struct str text, int64_t *ret_time_us)
{
    struct str rest = text;
    int64_t year, month, day, hour, minute, second, us, offset_s;

    if (!take_digits(&rest, 4, &year) || !take_byte(&rest, "-") || !take_digits(&rest, 2, &month) ||
        !take_byte(&rest, "-") || !take_digits(&rest, 2, &day) || !take_byte(&rest, "Tt ") ||
        !take_digits(&rest, 2, &hour) || !take_byte(&rest, ":") ||
        !take_digits(&rest, 2, &minute) || !take_byte(&rest, ":") ||
        !take_digits(&rest, 2, &second) || !take_fraction(&rest, &us) ||
        !take_offset(&rest, &offset_s) || rest.len != 0 || year < 1 || month < 1 || month > 12 ||
        day < 1 || day > get_days_of_month(year, month) || hour > 23 || minute > 59 || second > 59)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "'%.*s' is not a time like 2026-01-02T03:04:05Z",
                            (int)(text.len > 40 ? 40 : text.len), text.data ? text.data : "");

    int64_t days = clock_get_days(year, (unsigned)month, (unsigned)day);
    int64_t s = days * S_PER_DAY + hour * 3600 + minute * 60 + second - offset_s;
    *ret_time_us = s * US_PER_S + us;
    return status_ok();
}
