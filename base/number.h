/*
 * base/number.h - the one function that reads whole numbers from text.
 */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

/*
 * Reads text, all of it, as a decimal number: an optional '-', then digits. name is what the
 * error calls it. INVALID_ARGUMENT: it is no number, or not within min to max.
 */
struct status number_read(const char *name, struct str text, int64_t min, int64_t max, int64_t *ret)
    MUST_CHECK;

#endif
