#include "connectors/convert/decimal.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "connectors/convert/numeral.h"

/* 10^n; n is 0 to 38. */
static int128 get_power(unsigned n)
{
    static const int64_t small[] = {
        1,
        10,
        100,
        1000,
        10000,
        100000,
        1000000,
        10000000,
        100000000,
        1000000000,
        10000000000,
        100000000000,
        1000000000000,
        10000000000000,
        100000000000000,
        1000000000000000,
        10000000000000000,
        100000000000000000,
        1000000000000000000,
    };

    assert(n <= DECIMAL_MAX_DIGITS);
    if (n <= 18)
        return small[n];
    return n <= 36 ? (int128)small[18] * small[n - 18]
                   : (int128)small[18] * small[18] * small[n - 36];
}

/* Whether the value has at most so many digits before the point as the column has room for. */
static bool is_within(const struct target_column *column, int128 unscaled, unsigned scale)
{
    int64_t digits = (int64_t)column->precision - column->scale + scale;

    if (column->precision == 0 || digits > DECIMAL_MAX_DIGITS)
        digits = DECIMAL_MAX_DIGITS;
    int128 limit = get_power(digits < 0 ? 0 : (unsigned)digits);
    return unscaled > -limit && unscaled < limit;
}

enum decimal_result decimal_fit(const struct target_column *column, struct decimal *value)
{
    if (value->is_nan)
        return DECIMAL_OK;

    int128 unscaled = value->unscaled;
    unsigned scale = value->scale;
    if (column->precision > 0 && scale > column->scale) {
        int128 power = get_power(scale - column->scale);
        int128 rest = unscaled % power;
        unscaled /= power;
        scale = column->scale;
        if (rest >= power - rest)
            unscaled++;
        else if (-rest >= power + rest)
            unscaled--;
    }
    if (!is_within(column, unscaled, scale))
        return DECIMAL_TOO_LARGE;
    value->unscaled = unscaled;
    value->scale = (uint8_t)scale;
    return DECIMAL_OK;
}

/* Digit i of all, those behind the last one are zeros. */
static unsigned get_digit(const struct numeral *numeral, int64_t i)
{
    size_t at = (size_t)i;

    if (at < numeral->whole.len)
        return (unsigned)(numeral->whole.data[at] - '0');
    at -= numeral->whole.len;
    return at < numeral->fraction.len ? (unsigned)(numeral->fraction.data[at] - '0') : 0;
}

/*
 * The number is 0.d0 d1 d2 .. times 10^point, with d0 the first digit that is written. Keeps the digits before the point
 * and scale digits behind it, and rounds by the next one.
 */
static enum decimal_result read_digits(const struct target_column *column,
                                       const struct numeral *numeral, int64_t point, int64_t scale,
                                       struct decimal *ret)
{
    int64_t nwritten = (int64_t)(numeral->whole.len + numeral->fraction.len);
    int64_t nkept = point + scale;
    int64_t first = 0;
    int128 unscaled = 0;

    while (first < nwritten && get_digit(numeral, first) == 0)
        first++;
    if (first < nwritten && nkept - first > DECIMAL_MAX_DIGITS)
        return DECIMAL_TOO_LARGE;
    for (int64_t i = first; i < nkept && first < nwritten; i++)
        unscaled = unscaled * 10 + get_digit(numeral, i);
    if (nkept >= 0 && nkept < nwritten && get_digit(numeral, nkept) >= 5)
        unscaled++;
    *ret = (struct decimal){
        .unscaled = numeral->is_negative ? -unscaled : unscaled,
        .scale = (uint8_t)scale,
    };
    return is_within(column, unscaled, (unsigned)scale) ? DECIMAL_OK : DECIMAL_TOO_LARGE;
}

enum decimal_result decimal_read(const struct target_column *column, struct str text,
                                 struct decimal *ret)
{
    struct numeral numeral;

    if (!numeral_read(text, &numeral)) {
        if (!str_is_ignoring_case(text, "nan"))
            return DECIMAL_NOT_A_NUMBER;
        *ret = (struct decimal){.is_nan = true};
        return DECIMAL_OK;
    }

    int64_t scale = (int64_t)numeral.fraction.len - numeral.exponent;
    if (scale < 0)
        scale = 0;
    if (numeral.is_exact && numeral.exponent == 0 && scale <= DECIMAL_MAX_DIGITS) {
        *ret = (struct decimal){
            .unscaled = numeral.is_negative ? -(int128)numeral.mantissa : numeral.mantissa,
            .scale = (uint8_t)scale,
        };
        return decimal_fit(column, ret);
    }
    if (column->precision > 0 && scale > column->scale)
        scale = column->scale;
    if (scale > DECIMAL_MAX_DIGITS)
        return DECIMAL_TOO_LARGE;
    return read_digits(column, &numeral, (int64_t)numeral.whole.len + numeral.exponent, scale, ret);
}
