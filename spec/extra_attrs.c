#include "spec/extra_attrs.h"

#include "base/buf.h"

enum { MAX_CHOICE_BYTES = 32 };

static const int64_t max_bandwidth = INT64_C(1) << 40; /* more than any machine moves */

struct config_reader extra_attrs_make(const char *field, const char *text,
                                      struct violations *violations)
{
    static const char name[] = "extraAttrs";

    if (text[0] == '\0')
        return (struct config_reader){.name = name, .field = field, .violations = violations};
    return config_reader_make(name, field, str_from(text), EXTRA_ATTRS_MAX_BYTES, violations);
}

int64_t extra_attrs_read_bandwidth(const struct config_reader *reader)
{
    return config_get_int(reader, "bandWidth", 1, max_bandwidth, 0);
}

unsigned extra_attrs_read_choice(const struct config_reader *reader, const char *key,
                                 const char *const *choices, unsigned nchoices)
{
    struct str text = config_get_string(reader, key, MAX_CHOICE_BYTES);
    struct buf expected = {0};

    for (unsigned i = 0; i < nchoices; i++) {
        if (str_is_ignoring_case(text, choices[i]))
            return i;
    }
    if (text.len == 0)
        return 0;
    for (unsigned i = 0; i < nchoices; i++)
        buf_printf(&expected, "%s%s", i == 0 ? "" : i + 1 < nchoices ? ", " : " or ", choices[i]);
    config_add(reader, key, "is '%.*s'; %s is expected", (int)text.len, text.data,
               buf_get_text(&expected));
    buf_deinit(&expected);
    return 0;
}
