/*
 * connectors/convert/numeral.h - a number's text, taken apart before anyone decides what it becomes.
 */
#ifndef CONNECTORS_CONVERT_NUMERAL_H
#define CONNECTORS_CONVERT_NUMERAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
    NUMERAL_MAX_BYTES = 2048,          /* a double in full may have 1,077 digits */
    NUMERAL_MAX_EXACT_DIGITS = 19,     /* that always fit 64 bits */
    NUMERAL_MAX_EXPONENT = 1000000000, /* in size; beyond it, it is cut to that */
};

/* [+-] digits [. digits] [e [+-] digits], with at least one digit before the e. */
struct numeral {
    bool is_negative;
    struct str whole;    /* digits before the point, may be empty; borrowed */
    struct str fraction; /* digits behind it, may be empty; borrowed */
    int64_t exponent;
    bool is_exact;     /* leading zeros aside there are at most NUMERAL_MAX_EXACT_DIGITS digits */
    uint64_t mantissa; /* if it is exact: all digits as one number */
};

/* False: text is no number, or longer than NUMERAL_MAX_BYTES. */
bool numeral_read(struct str text, struct numeral *ret);

#endif
