#include "connectors/parquet/value_text.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"

static const int64_t us_per_day = INT64_C(86400000000);

typedef struct str (*write_fn)(const union value *value, char *storage);

/* What snprintf wrote to storage. */
static struct str get_written(const char *storage, int len)
{
    assert(len > 0 && len < VALUE_TEXT_BYTES);
    return str_from_bytes(storage, (size_t)len);
}

static struct str write_boolean(const union value *value, char *storage)
{
    (void)storage;
    return str_from(value->integer ? "true" : "false");
}

static struct str write_integer(const union value *value, char *storage)
{
    return get_written(storage, snprintf(storage, VALUE_TEXT_BYTES, "%" PRId64, value->integer));
}

/* The text of a number that is none. Empty: it is one. */
static struct str write_special(double real)
{
    if (isnan(real))
        return str_from("NaN");
    if (isinf(real))
        return str_from(real > 0 ? "Infinity" : "-Infinity");
    return (struct str){0};
}

/* With as few digits as are needed to read the same number again. */
static struct str write_float(const union value *value, char *storage)
{
    struct str special = write_special(value->real);
    int digits = 6; /* always read back from decimal text */
    int len;

    if (special.len > 0)
        return special;
    do {
        len = snprintf(storage, VALUE_TEXT_BYTES, "%.*g", digits, value->real);
    } while ((double)strtof(storage, NULL) != value->real && digits++ < 9);
    return get_written(storage, len);
}

static struct str write_double(const union value *value, char *storage)
{
    struct str special = write_special(value->real);
    int digits = 15;
    int len;

    if (special.len > 0)
        return special;
    do {
        len = snprintf(storage, VALUE_TEXT_BYTES, "%.*g", digits, value->real);
    } while (strtod(storage, NULL) != value->real && digits++ < 17);
    return get_written(storage, len);
}

static struct str write_decimal(const union value *value, char *storage)
{
    bool is_negative = value->decimal.unscaled < 0;
    uint128 rest = (uint128)value->decimal.unscaled;
    unsigned ndigits = 0;
    char *end = storage + VALUE_TEXT_BYTES;
    char *start = end;

    /* From the last digit to the first one, with at least one before the point. */
    rest = is_negative ? 0 - rest : rest;
    while (rest != 0 || ndigits <= value->decimal.scale) {
        if (ndigits == value->decimal.scale && ndigits > 0)
            *--start = '.';
        *--start = (char)('0' + (int)(rest % 10));
        rest /= 10;
        ndigits++;
    }
    if (is_negative)
        *--start = '-';
    return str_from_bytes(start, (size_t)(end - start));
}

static struct str write_same(const union value *value, char *storage)
{
    (void)storage;
    return value->text;
}

/* Years beyond the calendar's 1 to 9999 have a text, too, which only messages show. */
static struct str write_time(int64_t time_us, const char *zone, char *storage)
{
    char text[CLOCK_TEXT_BYTES];

    clock_write_text(time_us, text);
    size_t len = strlen(text) - 1; /* the Z */
    char *t = memchr(text, 'T', len);
    if (t)
        *t = ' ';
    return get_written(storage,
                       snprintf(storage, VALUE_TEXT_BYTES, "%.*s%s", (int)len, text, zone));
}

static struct str write_date(const union value *value, char *storage)
{
    int64_t time_us;

    if (__builtin_mul_overflow(value->integer, us_per_day, &time_us))
        return get_written(storage, snprintf(storage, VALUE_TEXT_BYTES,
                                             "1970-01-01 and %" PRId64 " days", value->integer));
    return str_from_bytes(storage, write_time(time_us, "", storage).len - strlen(" 00:00:00"));
}

static struct str write_timestamp(const union value *value, char *storage)
{
    return write_time(value->integer, "", storage);
}

static struct str write_timestamptz(const union value *value, char *storage)
{
    return write_time(value->integer, "+00", storage);
}

static struct str write_uuid(const union value *value, char *storage)
{
    size_t len = 0;

    for (size_t i = 0; i < sizeof(value->uuid); i++) {
        bool is_behind_dash = i == 4 || i == 6 || i == 8 || i == 10;

        len += (size_t)snprintf(storage + len, VALUE_TEXT_BYTES - len, "%s%02x",
                                is_behind_dash ? "-" : "", (unsigned)value->uuid[i]);
    }
    return str_from_bytes(storage, len);
}

static const write_fn writers[] = {
    [VALUE_BOOLEAN] = write_boolean,     [VALUE_INTEGER] = write_integer,
    [VALUE_FLOAT] = write_float,         [VALUE_DOUBLE] = write_double,
    [VALUE_DECIMAL] = write_decimal,     [VALUE_TEXT] = write_same,
    [VALUE_BYTES] = write_same,          [VALUE_DATE] = write_date,
    [VALUE_TIMESTAMP] = write_timestamp, [VALUE_TIMESTAMPTZ] = write_timestamptz,
    [VALUE_UUID] = write_uuid,
};
static_assert(ARRAY_LEN(writers) == VALUE_NKINDS, "one for each kind");

struct str value_write_text(enum value_kind kind, const union value *value,
                            char storage[VALUE_TEXT_BYTES])
{
    return writers[kind](value, storage);
}
