#include "http/framing.h"

#include <ctype.h>
#include <string.h>

#include "base/compiler.h"

struct framing {
    unsigned nhosts;
    unsigned nlengths;
    unsigned nencodings;
};

/* Cuts off a line that ends with CR LF and has neither of them inside. */
static bool take_line(struct str *rest, struct str *ret)
{
    struct str line = {.data = rest->data, .len = str_find_byte(*rest, '\n')};

    if (line.len == rest->len || line.len == 0 || line.data[line.len - 1] != '\r')
        return false;
    *rest = str_skip(*rest, line.len + 1);
    line.len--;
    *ret = line;
    return str_find_byte(line, '\r') == line.len;
}

static bool is_number(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!isdigit((unsigned char)text.data[i]))
            return false;
    }
    return text.len > 0;
}

/* What a name, an address or a port may be made of (RFC 3986, section 3.2.2). */
static bool is_host(struct str text)
{
    static const char marks[] = "-._~%!$&'()*+,;=:[]";

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (!isalnum(c) && (c == '\0' || !strchr(marks, c)))
            return false;
    }
    return true;
}

/* Counts a field if it is about where the request ends or whom it is for; false: it is wrong by itself. */
static bool note_field(struct framing *framing, struct str line)
{
    struct str value = line;
    struct str name = str_cut(&value, ':');

    if (!value.data || name.len == 0 || str_trim(name).len != name.len)
        return false;
    value = str_trim(value);
    if (str_is_ignoring_case(name, "content-length")) {
        framing->nlengths++;
        return is_number(value);
    }
    if (str_is_ignoring_case(name, "transfer-encoding")) {
        framing->nencodings++;
        return str_is_ignoring_case(value, "chunked");
    }
    if (str_is_ignoring_case(name, "host")) {
        framing->nhosts++;
        return is_host(value);
    }
    return true;
}

static bool fits_together(const struct framing *framing, bool is_1_0)
{
    if (framing->nlengths + framing->nencodings > 1 || framing->nhosts > 1)
        return false;
    return is_1_0 ? framing->nencodings == 0 : framing->nhosts == 1;
}

bool http_framing_is_sound(struct str bytes)
{
    struct framing framing = {0};
    struct str rest = bytes;
    struct str line;

    if (!take_line(&rest, &line))
        return false;
    bool is_1_0 = str_find(line, " HTTP/1.0") + sizeof(" HTTP/1.0") - 1 == line.len;
    while (take_line(&rest, &line)) {
        if (line.len == 0)
            return fits_together(&framing, is_1_0);
        if (!note_field(&framing, line)) /* a name that begins with a space continues a line */
            return false;
    }
    return false;
}

struct str http_framing_get_origin(struct str target)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct str scheme = {.data = target.data, .len = strlen(schemes[i])};
        if (target.len < scheme.len || !str_is_ignoring_case(scheme, schemes[i]))
            continue;
        struct str rest = str_skip(target, scheme.len);
        struct str origin = str_skip(rest, str_find_byte(rest, '/'));
        return origin.len > 0 ? origin : str_from("/");
    }
    return target;
}
