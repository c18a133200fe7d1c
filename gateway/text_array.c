#include "gateway/text_array.h"

void text_array_add(struct buf *array, const char *text)
{
    if (array->len == 0) {
        buf_append_char(array, '{');
    } else {
        array->len--; /* the closing brace */
        buf_append_char(array, ',');
    }
    buf_append_char(array, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            buf_append_char(array, '\\');
        buf_append_char(array, *c);
    }
    buf_append_text(array, "\"}");
}
