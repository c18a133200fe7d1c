#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum {
    FIRST_BYTES = 64,
    SHORT_BYTES = 256, /* a text that is shorter is printed once, a longer one measured first */
};

void *buf_reserve(struct buf *buf, size_t n)
{
    if (buf->is_over || (buf->max_bytes != 0 && n > buf->max_bytes - buf->len)) {
        buf->is_over = true;
        return NULL;
    }
    if (!buf->data || n >= buf->size - buf->len) {
        size_t size = buf->size ? buf->size : FIRST_BYTES;
        while (size - buf->len <= n)
            size *= 2;
        buf->data = mem_realloc_array(buf->data, size, 1);
        buf->size = size;
    }
    return buf->data + buf->len;
}

void buf_append(struct buf *buf, const void *data, size_t len)
{
    char *room = buf_reserve(buf, len);

    if (!room)
        return;
    if (len > 0)
        memcpy(room, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void buf_append_str(struct buf *buf, struct str text)
{
    buf_append(buf, text.data, text.len);
}

void buf_append_text(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_append_char(struct buf *buf, char c)
{
    /* Writers of JSON come here for every other character. */
    if (buf->is_over || buf->max_bytes != 0 || buf->size - buf->len < 2) {
        buf_append(buf, &c, 1);
        return;
    }
    buf->data[buf->len++] = c;
    buf->data[buf->len] = '\0';
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    char text[SHORT_BYTES];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0)
        return;
    if (n < SHORT_BYTES) {
        buf_append(buf, text, (size_t)n);
        return;
    }
    char *room = buf_reserve(buf, (size_t)n);
    if (!room)
        return;

    va_start(args, format);
    (void)vsnprintf(room, (size_t)n + 1, format, args);
    va_end(args);
    buf->len += (size_t)n;
}

struct str buf_get(const struct buf *buf)
{
    return (struct str){.data = buf->data, .len = buf->len};
}

const char *buf_get_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

bool buf_is_full(const struct buf *buf)
{
    return buf->is_over;
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->is_over = false;
    if (buf->data)
        buf->data[0] = '\0';
}

char *buf_take(struct buf *buf)
{
    char *text = buf->data ? buf->data : mem_alloc(1);

    *buf = (struct buf){.max_bytes = buf->max_bytes};
    return text;
}

void buf_deinit(struct buf *buf)
{
    mem_free(buf->data);
    *buf = (struct buf){0};
}
