#include "base/number.h"

#include <inttypes.h>

enum { SHOWN_BYTES = 40 };

static bool parse(struct str text, int64_t *ret)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';
    int64_t value = 0;

    if (is_negative)
        text = str_skip(text, 1);
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = text.data[i] - '0';
        if (digit < 0 || digit > 9)
            return false;
        /* Downwards, since there is one more negative number than positive ones. */
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value))
            return false;
    }
    if (!is_negative && value == INT64_MIN)
        return false;
    *ret = is_negative ? value : -value;
    return true;
}

struct status number_read(const char *name, struct str text, int64_t min, int64_t max, int64_t *ret)
{
    int64_t value = 0;

    if (!parse(text, &value) || value < min || value > max) {
        int shown = text.len > SHOWN_BYTES ? SHOWN_BYTES : (int)text.len;
        return status_error(STATUS_INVALID_ARGUMENT,
                            "%s: '%.*s' is not a whole number from %" PRId64 " to %" PRId64, name,
                            shown, text.data ? text.data : "", min, max);
    }
    *ret = value;
    return status_ok();
}
