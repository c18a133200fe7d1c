/*
 * base/buf.h - a text or byte string that grows: how strings go out.
 *
 * A buffer is sticky: append freely and ask once at the end. What would take it over its limit
 * is dropped, and buf_is_full says so from then on.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/str.h"

/* {0} is an empty buffer without a limit. Read data[0 .. len); data[len] is NUL once anything was appended. */
struct buf {
    char *data;
    size_t len;
    size_t size;      /* bytes allocated */
    size_t max_bytes; /* 0: no limit */
    bool is_over;     /* something did not fit */
};

void buf_append(struct buf *buf, const void *data, size_t len);
void buf_append_str(struct buf *buf, struct str text);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/* Room for n more bytes at the end, to be written and then claimed by adding to len; NULL when over the limit. */
void *buf_reserve(struct buf *buf, size_t n);

/* The content, borrowed until the next append. */
struct str buf_get(const struct buf *buf);

/* The content as a NUL-terminated string (never NULL), borrowed until the next append. */
const char *buf_get_text(const struct buf *buf);

/* Whether something did not fit. */
bool buf_is_full(const struct buf *buf);

/* Forgets the content, keeps the memory. */
void buf_clear(struct buf *buf);

/* Gives the content away as a NUL-terminated string owned by the caller; the buffer is empty then. */
char *buf_take(struct buf *buf) MUST_CHECK;

void buf_deinit(struct buf *buf);

#endif
