#include "connectors/csv/csv_field.h"

#include <string.h>

static const char *find_quote(const char *p, const char *end)
{
    return p < end ? memchr(p, '"', (size_t)(end - p)) : NULL;
}

/* inner is what is between the outer quotes; first is the first of its quotes. */
static const char *undouble(struct str inner, const char *first, struct arena *arena,
                            struct str *ret)
{
    const char *from = inner.data;
    const char *end = inner.data + inner.len;
    char *text = arena_alloc(arena, inner.len);
    size_t len = 0;

    for (const char *quote = first; quote; quote = find_quote(from, end)) {
        if (quote + 1 == end || quote[1] != '"')
            return "text behind the quote that ends a field";
        size_t n = (size_t)(quote + 1 - from);
        memcpy(text + len, from, n);
        len += n;
        from = quote + 2;
    }
    memcpy(text + len, from, (size_t)(end - from));
    *ret = str_from_bytes(text, len + (size_t)(end - from));
    return NULL;
}

const char *csv_field_unquote(struct str raw, struct arena *arena, struct str *ret)
{
    const char *end = raw.data + raw.len;

    if (raw.len == 0 || raw.data[0] != '"') {
        *ret = raw;
        return find_quote(raw.data, end) ? "a quote inside a field that does not begin with one"
                                         : NULL;
    }
    if (raw.len < 2 || end[-1] != '"')
        return "text behind the quote that ends a field";

    struct str inner = str_from_bytes(raw.data + 1, raw.len - 2);
    const char *quote = find_quote(inner.data, end - 1);
    if (quote)
        return undouble(inner, quote, arena, ret);
    *ret = inner;
    return NULL;
}
