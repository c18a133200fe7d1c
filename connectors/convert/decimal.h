/*
 * connectors/convert/decimal.h - exact decimals of at most 38 digits.
 */
#ifndef CONNECTORS_CONVERT_DECIMAL_H
#define CONNECTORS_CONVERT_DECIMAL_H

#include <stdbool.h>

#include "base/str.h"
#include "connectors/batch.h"

enum { DECIMAL_MAX_DIGITS = 38 };

enum decimal_result {
    DECIMAL_OK,
    DECIMAL_NOT_A_NUMBER,
    DECIMAL_TOO_LARGE, /* more digits than the type, or the column, has */
};

/*
 * Reads text, all of it: a number with or without point and exponent, or NaN without case. Where column has a
 * precision, digits behind its scale are rounded, halves away from zero, as PostgreSQL does; without one they are kept,
 * and there may be 38.
 */
enum decimal_result decimal_read(const struct target_column *column, struct str text,
                                 struct decimal *ret);

/* Fits a decimal, which has at most 38 digits, to the column's precision and scale in the same way. */
enum decimal_result decimal_fit(const struct target_column *column, struct decimal *value);

#endif
