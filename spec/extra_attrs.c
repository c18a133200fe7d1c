#include "spec/extra_attrs.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"

enum {
    MAX_CHOICE_BYTES = 32,
    SHOWN_KEY_BYTES = 64, /* longer keys are cut */
    MAX_URL_BYTES = 1024,
    SHOWN_URL_BYTES = 100,
};

static const char bandwidth[] = "bandWidth";

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
    return config_get_int(reader, bandwidth, 1, max_bandwidth, 0);
}

/* What stands for something else in a URL is not taken: HBase would take it for itself. */
static bool is_path(struct str path)
{
    if (path.len < 2 || path.data[0] != '/')
        return false;
    for (struct str rest = path; rest.data;) {
        if (str_is(str_cut(&rest, '/'), ".."))
            return false;
    }
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.data[i];

        if (c < ' ' || c == 0x7f || c == '%' || c == '?' || c == '#')
            return false;
    }
    return true;
}

const char *extra_attrs_read_folder(const struct config_reader *reader, struct arena *arena)
{
    static const char key[] = "bulkload", scheme[] = "file://";
    struct str url = config_get_string(reader, key, MAX_URL_BYTES);
    struct str path = str_has_prefix(url, scheme) ? str_skip(url, strlen(scheme)) : (struct str){0};

    if (is_path(path))
        return arena_copy_str(arena, path);
    if (url.len > 0)
        config_add(reader, key,
                   "is '%.*s'; file:///folder is expected, a folder of a file system that workers "
                   "and the destination's region servers share, without .., %%, ? and #",
                   (int)utf8_fit(url, SHOWN_URL_BYTES), url.data);
    return NULL;
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

/*
 * Refuses the members of one object but bandWidth that the other one has not, or, unless only_if_missing, that it has
 * with another value. told is the one that was sent.
 */
static void refuse_members(const struct config_reader *of, const struct config_reader *other,
                           const struct config_reader *told, bool only_if_missing)
{
    char key[SHOWN_KEY_BYTES];

    if (!of->root)
        return;
    for (struct json_member m = json_first(of->root); m.value; m = json_next(of->root, m)) {
        (void)snprintf(key, sizeof(key), "%.*s", (int)m.key.len, m.key.data);
        const struct json *twin = config_find(other, key);
        bool is_kept = twin && (only_if_missing || json_is_equal(m.value, twin));
        if (!is_kept && !str_is(m.key, bandwidth))
            config_add(told, key, "cannot be changed; of a task that exists only %s can",
                       bandwidth);
    }
}

void extra_attrs_refuse_changes(const char *field, const char *stored, const char *wanted,
                                struct violations *violations)
{
    struct violations none = {0}; /* the stored text was checked when it came */
    struct config_reader before = extra_attrs_make(field, stored, &none);
    struct config_reader after = extra_attrs_make(field, wanted, violations);

    if (violations->count == 0) {
        refuse_members(&before, &after, &after, false);
        refuse_members(&after, &before, &after, true);
    }
    config_reader_deinit(&before);
    config_reader_deinit(&after);
}
