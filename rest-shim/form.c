#include "rest-shim/form.h"

#include "base/arena.h"
#include "base/utf8.h"

enum plus { PLUS_IS_SPACE, PLUS_IS_PLUS };

static int shown(struct str name)
{
    enum { SHOWN_BYTES = 60 };

    return name.len > SHOWN_BYTES ? SHOWN_BYTES : (int)name.len;
}

/* The value of a hex digit, or -1. */
static int digit_of(char c)
{
    static const signed char digits[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };

    return digits[(unsigned char)c] - 1;
}

/* Decodes text into to, which has room for text.len bytes. False: a '%' without two hex digits. */
static bool decode(struct str text, enum plus plus, char *to, struct str *ret)
{
    const char space = plus == PLUS_IS_SPACE ? ' ' : '+';
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.len ? digit_of(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? digit_of(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+') {
            c = space;
        }
        to[len++] = c;
    }
    *ret = (struct str){.data = to, .len = len};
    return true;
}

static struct status check_text(struct str name, struct str text)
{
    if (!utf8_is_valid(text))
        return status_error(STATUS_INVALID_ARGUMENT, "%.*s: not UTF-8", shown(name), name.data);
    if (str_find_byte(text, '\0') < text.len)
        return status_error(STATUS_INVALID_ARGUMENT, "%.*s: a zero byte in the text", shown(name),
                            name.data);
    return status_ok();
}

static struct status refuse_percent(struct str name)
{
    return status_error(STATUS_INVALID_ARGUMENT,
                        "%.*s: a '%%' that two hex digits do not follow (send %%25 for '%%')",
                        shown(name), name.data);
}

/* Decodes name and value in their place, one after the other in room, which *room is moved behind. */
static struct status read_field(struct str text, char **room, struct form_field *ret)
{
    static const struct str part = {"a field's name", sizeof("a field's name") - 1};
    struct str value = text;
    struct str name = str_cut(&value, '=');
    struct form_field field;
    struct status st;

    if (!decode(name, PLUS_IS_SPACE, *room, &field.name))
        return refuse_percent(part);
    *room += field.name.len;
    st = check_text(part, field.name);
    if (st.code != STATUS_OK)
        return st;
    if (field.name.len > FORM_MAX_NAME_BYTES)
        return status_error(STATUS_INVALID_ARGUMENT, "%.*s...: a field's name has at most %d bytes",
                            shown(field.name), field.name.data, FORM_MAX_NAME_BYTES);
    if (!decode(value, PLUS_IS_SPACE, *room, &field.value))
        return refuse_percent(field.name);
    *room += field.value.len;
    if (field.value.len > FORM_MAX_VALUE_BYTES)
        return status_error(STATUS_INVALID_ARGUMENT, "%.*s: a value has at most %d bytes",
                            shown(field.name), field.name.data, FORM_MAX_VALUE_BYTES);
    st = check_text(field.name, field.value);
    if (st.code == STATUS_OK)
        *ret = field;
    return st;
}

static const struct form_field *find(const struct form *form, struct str name)
{
    for (size_t i = 0; i < form->nfields; i++) {
        if (str_is_equal(form->fields[i].name, name))
            return &form->fields[i];
    }
    return NULL;
}

struct status form_read(struct str text, struct arena *arena, struct form *ret)
{
    char *room = arena_try_alloc(arena, text.len + 1); /* decoding never makes it longer */
    struct str rest = text;

    if (!room)
        return status_error(STATUS_RESOURCE_EXHAUSTED, "the form takes too much memory");
    ret->nfields = 0;
    while (rest.len > 0) {
        struct str part = str_cut(&rest, '&');
        struct form_field field;
        if (part.len == 0)
            continue;
        struct status st = read_field(part, &room, &field);
        if (st.code != STATUS_OK)
            return st;
        if (find(ret, field.name))
            return status_error(STATUS_INVALID_ARGUMENT, "%.*s: is given twice", shown(field.name),
                                field.name.data);
        if (ret->nfields == FORM_MAX_FIELDS)
            return status_error(STATUS_INVALID_ARGUMENT, "more than %d fields", FORM_MAX_FIELDS);
        ret->fields[ret->nfields++] = field;
    }
    return status_ok();
}

struct status form_read_path(const char *name, struct str text, struct arena *arena,
                             struct str *ret)
{
    char *room = arena_try_alloc(arena, text.len + 1);
    struct str decoded;

    if (!room)
        return status_error(STATUS_RESOURCE_EXHAUSTED, "the path takes too much memory");
    if (!decode(text, PLUS_IS_PLUS, room, &decoded))
        return refuse_percent(str_from(name));
    struct status st = check_text(str_from(name), decoded);
    if (st.code == STATUS_OK)
        *ret = decoded;
    return st;
}

const struct form_field *form_find(const struct form *form, const char *name)
{
    return find(form, str_from(name));
}
