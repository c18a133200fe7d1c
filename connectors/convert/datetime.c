#include "connectors/convert/datetime.h"

#include <stddef.h>

#include "base/clock.h"

enum {
    US_PER_S = 1000000,
    S_PER_DAY = 86400,
    DATE_BYTES = 10, /* yyyy-MM-dd */
    TIME_BYTES = 8,  /* HH:mm:ss */
    MAX_FRACTION_DIGITS = 9,
};

/* The number of two digits, or 100 if they are none. */
static unsigned read_two(const char *p)
{
    unsigned tens = (unsigned)(unsigned char)p[0] - '0';
    unsigned ones = (unsigned)(unsigned char)p[1] - '0';

    return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

static unsigned get_month_days(unsigned year, unsigned month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && is_leap ? 29 : days[month - 1];
}

bool datetime_read_date(struct str text, int64_t *ret_days)
{
    const char *p = text.data;

    if (text.len != DATE_BYTES || p[4] != '-' || p[7] != '-')
        return false;
    unsigned century = read_two(p);
    unsigned year = century * 100 + read_two(p + 2);
    unsigned month = read_two(p + 5);
    unsigned day = read_two(p + 8);
    if (century > 99 || read_two(p + 2) > 99 || year == 0 || month < 1 || month > 12 || day < 1 ||
        day > get_month_days(year, month))
        return false;
    *ret_days = clock_get_days(year, month, day);
    return true;
}

static bool read_time(const char *p, int64_t *ret_s)
{
    unsigned hours = read_two(p);
    unsigned minutes = read_two(p + 3);
    unsigned seconds = read_two(p + 6);

    if (p[2] != ':' || p[5] != ':' || hours > 23 || minutes > 59 || seconds > 59)
        return false;
    *ret_s = ((int64_t)hours * 60 + minutes) * 60 + seconds;
    return true;
}

/* The fraction at the front of *rest, if there is one. */
static bool take_fraction(struct str *rest, int64_t *ret_us)
{
    int64_t nanoseconds = 0;
    size_t n = 0;

    *ret_us = 0;
    if (rest->len == 0 || rest->data[0] != '.')
        return true;
    *rest = str_skip(*rest, 1);
    for (; n < rest->len && rest->data[n] >= '0' && rest->data[n] <= '9'; n++) {
        if (n == MAX_FRACTION_DIGITS)
            return false;
        nanoseconds = nanoseconds * 10 + (rest->data[n] - '0');
    }
    if (n == 0)
        return false;
    *rest = str_skip(*rest, n);
    for (; n < MAX_FRACTION_DIGITS; n++)
        nanoseconds *= 10;
    *ret_us = (nanoseconds + 500) / 1000;
    return true;
}

/* The zone, all of text, which may be empty. */
static bool read_zone(struct str text, int64_t *ret_s)
{
    *ret_s = 0;
    if (text.len == 0 || (text.len == 1 && (text.data[0] | 0x20) == 'z'))
        return true;
    bool has_colon = text.len == 6 && text.data[3] == ':';
    if ((text.data[0] != '+' && text.data[0] != '-') ||
        !(text.len == 3 || text.len == 5 || has_colon))
        return false;
    unsigned hours = read_two(text.data + 1);
    unsigned minutes = text.len == 3 ? 0 : read_two(text.data + (has_colon ? 4 : 3));
    if (hours > 15 || minutes > 59)
        return false;
    int64_t s = ((int64_t)hours * 60 + minutes) * 60;
    *ret_s = text.data[0] == '-' ? -s : s;
    return true;
}

bool datetime_read(struct str text, int64_t *ret_us, bool *ret_has_offset)
{
    int64_t days, s, us, offset_s;

    if (text.len < DATE_BYTES + 1 + TIME_BYTES ||
        !datetime_read_date(str_from_bytes(text.data, DATE_BYTES), &days))
        return false;
    text = str_skip(text, DATE_BYTES);
    if ((text.data[0] != ' ' && (text.data[0] | 0x20) != 't') || !read_time(text.data + 1, &s))
        return false;
    text = str_skip(text, 1 + TIME_BYTES);
    if (!take_fraction(&text, &us) || !read_zone(text, &offset_s))
        return false;
    *ret_us = (days * S_PER_DAY + s - offset_s) * US_PER_S + us;
    *ret_has_offset = offset_s != 0;
    return true;
}
