#include "worker/row_text.h"

#include <stdio.h>

enum { BYTE_TEXT_BYTES = 5 }; /* "\x00" and NUL */

static const char cut_mark[] = "...";

static int write_byte(unsigned char byte, char ret[BYTE_TEXT_BYTES])
{
    if (byte >= ' ' && byte <= '~' && byte != '\\')
        return snprintf(ret, BYTE_TEXT_BYTES, "%c", byte);
    return snprintf(ret, BYTE_TEXT_BYTES, "\\x%02X", byte);
}

void row_text_write(struct str key, struct buf *ret)
{
    char text[BYTE_TEXT_BYTES];
    size_t end = ret->len + ROW_TEXT_MAX_BYTES;
    size_t cut = ret->len; /* the last place where the mark would fit */

    for (size_t i = 0; i < key.len; i++) {
        int n = write_byte((unsigned char)key.data[i], text);

        if (ret->len + (size_t)n > end) {
            ret->len = cut;
            buf_append_text(ret, cut_mark);
            return;
        }
        buf_append(ret, text, (size_t)n);
        if (ret->len + strlen(cut_mark) <= end)
            cut = ret->len;
    }
}
