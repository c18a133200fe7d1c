#include "spec/config_reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"

void config_add(const struct config_reader *reader, const char *key, const char *format, ...)
{
    char text[VIOLATION_TEXT_BYTES]; /* cut to fit, as violations are */
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    violations_add(reader->violations, reader->field, "%s.%s: %s", reader->name, key, text);
}

struct config_reader config_reader_make(const char *name, const char *field, struct str text,
                                        size_t max_bytes, struct violations *violations)
{
    struct config_reader reader = {.name = name, .field = field, .violations = violations};
    struct json *root = NULL;

    if (text.len == 0) {
        violations_add(violations, field, "%s is missing", name);
        return reader;
    }
    if (text.len > max_bytes) {
        violations_add(violations, field, "%s has %zu bytes; at most %zu are taken", name, text.len,
                       max_bytes);
        return reader;
    }
    struct status st = json_read(name, text, &root);
    if (st.code != STATUS_OK) {
        violations_add(violations, field, "%s", st.text);
        return reader;
    }
    if (json_get_kind(root) != JSON_KIND_OBJECT) {
        violations_add(violations, field, "%s is %s; a JSON object is expected", name,
                       json_get_kind_name(root));
        json_destroy(root);
        return reader;
    }
    reader.root = root;
    return reader;
}

void config_reader_deinit(struct config_reader *reader)
{
    json_destroy(reader->root);
    reader->root = NULL;
}

const struct json *config_find(const struct config_reader *reader, const char *key)
{
    return reader->root ? json_find(reader->root, key) : NULL;
}

/* The member if it is of that kind; else NULL, with a violation if it is of another. */
static const struct json *find_kind(const struct config_reader *reader, const char *key,
                                    enum json_kind kind, const char *expected)
{
    const struct json *value = config_find(reader, key);

    if (!value || json_get_kind(value) == kind)
        return value;
    config_add(reader, key, "is %s; %s is expected", json_get_kind_name(value), expected);
    return NULL;
}

struct str config_get_string(const struct config_reader *reader, const char *key, size_t max_bytes)
{
    const struct json *value = find_kind(reader, key, JSON_KIND_STRING, "a string");
    struct str text = value ? json_get_string(value) : (struct str){0};

    if (value && text.len == 0)
        config_add(reader, key, "is empty");
    if (text.len > max_bytes) {
        config_add(reader, key, "has %zu bytes; at most %zu are taken", text.len, max_bytes);
        return (struct str){0};
    }
    return text.len ? text : (struct str){0};
}

bool config_get_bool(const struct config_reader *reader, const char *key, bool default_value)
{
    const struct json *value = config_find(reader, key);

    if (!value)
        return default_value;
    if (json_get_kind(value) == JSON_KIND_BOOL)
        return json_get_bool(value);
    /* Scripts that quote everything are common. */
    if (json_get_kind(value) == JSON_KIND_STRING) {
        if (str_is_ignoring_case(json_get_string(value), "true"))
            return true;
        if (str_is_ignoring_case(json_get_string(value), "false"))
            return false;
    }
    config_add(reader, key, "is %s; true or false is expected", json_get_kind_name(value));
    return default_value;
}

int64_t config_get_int(const struct config_reader *reader, const char *key, int64_t min,
                       int64_t max, int64_t default_value)
{
    const struct json *value = find_kind(reader, key, JSON_KIND_INT, "a whole number");

    if (!value)
        return default_value;
    if (json_get_int(value) >= min && json_get_int(value) <= max)
        return json_get_int(value);
    config_add(reader, key, "is %" PRId64 "; %" PRId64 " to %" PRId64 " is expected",
               json_get_int(value), min, max);
    return default_value;
}

const struct json *config_get_array(const struct config_reader *reader, const char *key,
                                    size_t max_count)
{
    const struct json *value = find_kind(reader, key, JSON_KIND_ARRAY, "an array of strings");

    if (!value)
        return NULL;
    if (json_get_count(value) >= 1 && json_get_count(value) <= max_count)
        return value;
    config_add(reader, key, "has %zu elements; 1 to %zu are expected", json_get_count(value),
               max_count);
    return NULL;
}

const struct json *config_get_object(const struct config_reader *reader, const char *key,
                                     size_t max_count)
{
    const struct json *value = find_kind(reader, key, JSON_KIND_OBJECT, "an object of strings");

    if (!value || json_get_count(value) <= max_count)
        return value;
    config_add(reader, key, "has %zu members; at most %zu are taken", json_get_count(value),
               max_count);
    return NULL;
}

static bool is_one_of(struct str key, const char *const *keys, size_t nkeys)
{
    for (size_t i = 0; i < nkeys; i++) {
        if (str_is(key, keys[i]))
            return true;
    }
    return false;
}

static void refuse_key(const struct config_reader *reader, struct str key, const char *const *keys,
                       size_t nkeys)
{
    struct buf known = {0};

    for (size_t i = 0; i < nkeys; i++)
        buf_printf(&known, "%s%s", i ? ", " : "", keys[i]);
    violations_add(reader->violations, reader->field, "%s: '%.*s' is not known; there are %s",
                   reader->name, (int)(key.len > 60 ? 60 : key.len), key.data,
                   buf_get_text(&known));
    buf_deinit(&known);
}

void config_refuse_others(const struct config_reader *reader, const char *const *keys, size_t nkeys)
{
    if (!reader->root)
        return;
    for (struct json_member m = json_first(reader->root); m.value; m = json_next(reader->root, m)) {
        if (!is_one_of(m.key, keys, nkeys))
            refuse_key(reader, m.key, keys, nkeys);
    }
}
