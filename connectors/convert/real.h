/*
 * connectors/convert/real.h - text to floating point: the nearest value, always.
 */
#ifndef CONNECTORS_CONVERT_REAL_H
#define CONNECTORS_CONVERT_REAL_H

#include <stdbool.h>

#include "base/str.h"

/*
 * Reads text, all of it: a number with or without point and exponent, or NaN, Infinity or Inf without case. False: it
 * is none, or too large. What is too small becomes 0, as in C.
 */
bool real_read_double(struct str text, double *ret);

/* The nearest binary32, as a double. */
bool real_read_float(struct str text, double *ret);

#endif
