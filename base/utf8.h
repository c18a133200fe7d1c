/*
 * base/utf8.h - is it UTF-8? (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF)
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* The index of the first byte that does not belong to a whole valid character; text.len if all is valid. */
size_t utf8_find_invalid(struct str text);

static inline bool utf8_is_valid(struct str text)
{
    return utf8_find_invalid(text) == text.len;
}

/* The length of the longest beginning of text that is at most max_bytes and ends with a whole character. */
size_t utf8_fit(struct str text, size_t max_bytes);

#endif
