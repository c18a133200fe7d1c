#include "base/str.h"

#include <string.h>
#include <strings.h>

bool str_is_ignoring_case(struct str a, const char *b)
{
    return strlen(b) == a.len && strncasecmp(a.data, b, a.len) == 0;
}

bool str_has_prefix(struct str text, const char *prefix)
{
    size_t len = strlen(prefix);

    return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

size_t str_find_byte(struct str text, char c)
{
    const char *at = text.len ? memchr(text.data, c, text.len) : NULL;

    return at ? (size_t)(at - text.data) : text.len;
}

size_t str_find(struct str text, const char *needle)
{
    const char *at = text.len ? memmem(text.data, text.len, needle, strlen(needle)) : NULL;

    return at ? (size_t)(at - text.data) : text.len;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool str_is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < ' ' || text.data[i] > '~')
            return false;
    }
    return true;
}

struct str str_trim(struct str text)
{
    while (text.len > 0 && is_space(text.data[0]))
        text = str_skip(text, 1);
    while (text.len > 0 && is_space(text.data[text.len - 1]))
        text.len--;
    return text;
}

struct str str_cut(struct str *rest, char separator)
{
    size_t at = str_find_byte(*rest, separator);
    struct str head = {.data = rest->data, .len = at};

    *rest = at < rest->len ? str_skip(*rest, at + 1) : (struct str){0};
    return head;
}
