/*
 * connectors/convert/real.c - text to floating point.
 *
 * Most numbers have at most 19 digits and a small exponent, so that digits and power of ten are whole numbers of 64
 * bits. Then one product or quotient of whole numbers, with the remainder kept as a last bit, holds all
 * that rounding needs to know, and the compiler's conversion from 128 bits rounds it once. All else is for strtod,
 * on a copy with a NUL. (strtod knows the locale's decimal point; programs of ours stay in the "C" locale, and in
 * any other it would leave the point unread, which is an error here.)
 */
#include "connectors/convert/real.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "connectors/convert/numeral.h"

enum {
    MAX_POWER = 19,        /* of ten, in 64 bits */
    MAX_DOUBLE_POWER = 22, /* of ten that a double holds exactly */
};

static const uint64_t powers[MAX_POWER + 1] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

static const double double_powers[MAX_DOUBLE_POWER + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* mantissa / 10^power, rounded once; mantissa is not 0. */
static double divide(uint64_t mantissa, int64_t power)
{
    int shift = __builtin_clzll(mantissa);
    uint128 dividend = (uint128)(mantissa << shift) << 64;
    uint64_t divisor = powers[power];
    /* At least 64 bits, so the last one is far below those that a double keeps. */
    uint128 quotient = dividend / divisor;

    if (quotient * divisor != dividend)
        quotient |= 1;
    return ldexp((double)quotient, -64 - shift);
}

/* False: this way does not know. */
static bool scale(uint64_t mantissa, int64_t exponent, double *ret)
{
    static const uint64_t max_exact = UINT64_C(1) << 53;

    if (mantissa == 0)
        *ret = 0;
    else if (mantissa <= max_exact && exponent >= -MAX_DOUBLE_POWER && exponent < 0)
        *ret = (double)mantissa / double_powers[-exponent];
    else if (mantissa <= max_exact && exponent >= 0 && exponent <= MAX_DOUBLE_POWER)
        *ret = (double)mantissa * double_powers[exponent];
    else if (exponent >= 0 && exponent <= MAX_POWER)
        *ret = (double)((uint128)mantissa * powers[exponent]);
    else if (exponent < 0 && exponent >= -MAX_POWER)
        *ret = divide(mantissa, -exponent);
    else
        return false;
    return true;
}

static bool read_name(struct str text, double *ret)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';

    if (text.len > 0 && (text.data[0] == '-' || text.data[0] == '+'))
        text = str_skip(text, 1);
    if (str_is_ignoring_case(text, "nan"))
        *ret = (double)NAN;
    else if (str_is_ignoring_case(text, "infinity") || str_is_ignoring_case(text, "inf"))
        *ret = is_negative ? -(double)INFINITY : (double)INFINITY;
    else
        return false;
    return true;
}

bool real_read_double(struct str text, double *ret)
{
    struct numeral numeral;
    double value;

    if (!numeral_read(text, &numeral))
        return read_name(text, ret);
    if (numeral.is_exact &&
        scale(numeral.mantissa, numeral.exponent - (int64_t)numeral.fraction.len, &value)) {
        *ret = numeral.is_negative ? -value : value;
        return true;
    }

    char copy[NUMERAL_MAX_BYTES + 1];
    char *end;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    value = strtod(copy, &end);
    if (end != copy + text.len || isinf(value))
        return false;
    *ret = value;
    return true;
}

/*
 * Rounding twice goes wrong only where the double lies in the middle of two floats, but the number does not: then
 * strtof has the say.
 */
static bool is_between_floats(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return (bits & UINT64_C(0x1fffffff)) == UINT64_C(0x10000000) || fabs(value) < 0x1p-125;
}

bool real_read_float(struct str text, double *ret)
{
    double value;

    if (!real_read_double(text, &value))
        return false;
    if (isfinite(value) && value != 0 && is_between_floats(value)) {
        char copy[NUMERAL_MAX_BYTES + 1];
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
        value = (double)strtof(copy, NULL);
    }
    float narrow = (float)value;
    if (isinf(narrow) && !isinf(value))
        return false;
    *ret = (double)narrow;
    return true;
}
