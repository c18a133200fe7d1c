#include "gateway/text_array.h"

#include <string.h>

void text_array_add(struct buf *array, const char *text)
{
    size_t len = strlen(text);
    char *begin = buf_reserve(array, 2 * len + 4); /* should all be escaped */

    if (!begin)
        return;
    char *to = begin;
    if (array->len == 0)
        *to++ = '{';
    else
        to[-1] = ','; /* in the place of the closing brace */
    *to++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            *to++ = '\\';
        *to++ = *text;
    }
    memcpy(to, "\"}", sizeof("\"}"));
    array->len += (size_t)(to + 2 - begin);
}
