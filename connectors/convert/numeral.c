#include "connectors/convert/numeral.h"

/* Reads digits from p on; returns where they end. */
static const char *read_digits(const char *p, const char *end, uint64_t *mantissa)
{
    uint64_t value = *mantissa;

    for (; p < end; p++) {
        unsigned digit = (unsigned)(unsigned char)*p - '0';
        if (digit > 9)
            break;
        value = value * 10 + digit; /* may wrap around; the caller counts the digits */
    }
    *mantissa = value;
    return p;
}

static bool read_exponent(const char *p, const char *end, int64_t *ret)
{
    bool is_negative = p < end && *p == '-';
    int64_t value = 0;

    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end)
        return false;
    for (; p < end; p++) {
        int digit = *p - '0';
        if (digit < 0 || digit > 9)
            return false;
        value = value * 10 + digit;
        if (value > NUMERAL_MAX_EXPONENT)
            value = NUMERAL_MAX_EXPONENT;
    }
    *ret = is_negative ? -value : value;
    return true;
}

/* How many digits there are when leading zeros do not count. */
static size_t count_significant(const struct numeral *numeral)
{
    size_t zeros = 0;

    while (zeros < numeral->whole.len && numeral->whole.data[zeros] == '0')
        zeros++;
    size_t count = numeral->whole.len + numeral->fraction.len - zeros;
    if (zeros < numeral->whole.len)
        return count;
    zeros = 0;
    while (zeros < numeral->fraction.len && numeral->fraction.data[zeros] == '0')
        zeros++;
    return count - zeros;
}

bool numeral_read(struct str text, struct numeral *ret)
{
    const char *p = text.data;
    const char *end = p + text.len;
    struct numeral numeral = {0};

    if (text.len == 0 || text.len > NUMERAL_MAX_BYTES)
        return false;
    if (*p == '-' || *p == '+')
        numeral.is_negative = *p++ == '-';
    const char *start = p;
    p = read_digits(p, end, &numeral.mantissa);
    numeral.whole = str_from_bytes(start, (size_t)(p - start));
    if (p < end && *p == '.') {
        start = ++p;
        p = read_digits(p, end, &numeral.mantissa);
        numeral.fraction = str_from_bytes(start, (size_t)(p - start));
    }
    size_t ndigits = numeral.whole.len + numeral.fraction.len;
    if (ndigits == 0)
        return false;
    if (p < end && ((*p | 0x20) != 'e' || !read_exponent(p + 1, end, &numeral.exponent)))
        return false;
    numeral.is_exact = ndigits <= NUMERAL_MAX_EXACT_DIGITS ||
                       count_significant(&numeral) <= NUMERAL_MAX_EXACT_DIGITS;
    *ret = numeral;
    return true;
}
