/*
 * base/str.h - a piece of text by pointer and length: how strings come in.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* data[0 .. len), not NUL-terminated, may hold any byte. Borrowed unless said otherwise. */
struct str {
    const char *data;
    size_t len;
};

/* The text of a NUL-terminated string; NULL is the empty text. */
static inline struct str str_from(const char *text)
{
    return (struct str){.data = text, .len = text ? strlen(text) : 0};
}

static inline struct str str_from_bytes(const void *data, size_t len)
{
    return (struct str){.data = data, .len = len};
}

static inline bool str_is_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Whether a equals the NUL-terminated b. */
static inline bool str_is(struct str a, const char *b)
{
    return str_is_equal(a, str_from(b));
}

/* Whether a equals b when ASCII letters are compared without case. */
bool str_is_ignoring_case(struct str a, const char *b);

bool str_has_prefix(struct str text, const char *prefix);

/* The index of the first byte c, or text.len if there is none. */
size_t str_find_byte(struct str text, char c);

/* The index of the first place of needle, or text.len if there is none. */
size_t str_find(struct str text, const char *needle);

/* Whether all of it are visible characters of ASCII, and spaces. */
bool str_is_printable(struct str text);

/* text without its first n bytes (n <= text.len). Nothing is added to the NULL of an empty one: C does not define that. */
static inline struct str str_skip(struct str text, size_t n)
{
    return (struct str){.data = n > 0 ? text.data + n : text.data, .len = text.len - n};
}

/* text without spaces, tabs and line ends at both sides. */
struct str str_trim(struct str text);

/*
 * Cuts *rest at the first separator: returns what is before it and leaves in *rest what is
 * behind it. Without a separator returns all and leaves {NULL, 0}.
 */
struct str str_cut(struct str *rest, char separator);

#endif
