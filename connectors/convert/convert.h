/*
 * connectors/convert/convert.h - values to what a column takes: text to each type, and the limits that hold for values
 * which have their type already.
 *
 * Nothing is bent silently: what does not fit is a result other than CONVERT_OK, and convert_write_reason
 * says it in words. The one exception is SQL's own: decimals are rounded to their column's scale.
 */
#ifndef CONNECTORS_CONVERT_CONVERT_H
#define CONNECTORS_CONVERT_CONVERT_H

#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "connectors/batch.h"

enum convert_result {
    CONVERT_OK,
    CONVERT_NOT_OF_TYPE, /* or beyond its range */
    CONVERT_TOO_MANY_DIGITS,
    CONVERT_TOO_LONG, /* more characters than max_chars */
    CONVERT_NOT_UTF8,
    CONVERT_HAS_NUL,    /* the byte 0x00, which SQL text cannot hold */
    CONVERT_HAS_OFFSET, /* a time with an offset, for a column without a zone */
    CONVERT_IS_NULL,    /* no value where one is needed; made by readers */
    CONVERT_NRESULTS,
};

enum { CONVERT_REASON_BYTES = 240 };

/*
 * Reads text, all of it, as a value of column's type and puts it at row of ret, whose type is the column's. Spaces and tabs
 * around it do not count, but in a STRING or VARBINARY. A text value is borrowed from text or comes from arena.
 *
 *   BOOLEAN     true, false, t, f, yes, no, 1, 0, without case
 *   BYTE..LONG  digits with or without a sign
 *   FLOAT..     see real.h; DECIMAL: see decimal.h
 *   STRING      UTF-8 without NUL
 *   VARBINARY   the bytes as they are, or \x and pairs of hex digits
 *   DATE        see datetime.h; TIMESTAMP likewise, and without an offset; TIMESTAMPTZ without one is UTC
 *   JSON        see base/json_in.h
 *   UUID        32 hex digits, or 8-4-4-4-12
 */
enum convert_result convert_text(const struct target_column *column, struct str text,
                                 struct arena *arena, struct batch_column *ret, size_t row);

/* Whether text is UTF-8 without NUL and has at most column->max_chars characters. */
enum convert_result convert_check_string(const struct target_column *column, struct str text);

/* Whether value is in the range of column's type, which is one of BOOLEAN to LONG. */
enum convert_result convert_check_int(const struct target_column *column, int64_t value);

/* Rounds value to the column's scale and checks its precision. value has at most 38 digits. */
enum convert_result convert_fit_decimal(const struct target_column *column, struct decimal *value);

/*
 * Says in words why value is not what column takes: "'abc' is not an INT (-2147483648 to 2147483647)". The value is cut
 * to 64 bytes, the text is UTF-8 without control characters. result is not CONVERT_OK.
 */
void convert_write_reason(enum convert_result result, const struct target_column *column,
                          struct str value, char ret_text[CONVERT_REASON_BYTES]);

#endif
