#include "base/json_in.h"

#include <assert.h>

#include <jansson.h>

/* A struct json is jansson's json_t under a name that does not need its header. */
static json_t *value_of(const struct json *value)
{
    return (json_t *)(uintptr_t)value;
}

static const struct json *wrap(const json_t *value)
{
    return (const struct json *)(const void *)value;
}

/* jansson's own limit is far deeper, and it would build the values before it says no. */
static bool is_too_deep(struct str text)
{
    size_t depth = 0;
    bool is_in_string = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (is_in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                is_in_string = false;
        } else if (c == '"') {
            is_in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_MAX_DEPTH)
                return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

/* How much of jansson's text is the reason: what it quotes may be a secret, its flags are not the reader's. */
static size_t get_reason_len(struct str text)
{
    size_t quote = str_find(text, " near '");
    size_t flag = str_find(text, " without JSON_");

    return quote < flag ? quote : flag;
}

struct status json_read(const char *name, struct str text, struct json **ret)
{
    json_error_t error;

    if (is_too_deep(text))
        return status_error(STATUS_INVALID_ARGUMENT, "%s: JSON is nested deeper than %d levels",
                            name, JSON_MAX_DEPTH);
    json_t *root = json_loadb(text.data ? text.data : "", text.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!root)
        return status_error(STATUS_INVALID_ARGUMENT, "%s: not JSON: %.*s at line %d, column %d",
                            name, (int)get_reason_len(str_from(error.text)), error.text, error.line,
                            error.column);
    *ret = (struct json *)(void *)root;
    return status_ok();
}

void json_destroy(struct json *root)
{
    json_decref(value_of(root));
}

static const struct {
    enum json_kind kind;
    const char *name;
} kinds[] = {
    [JSON_OBJECT] = {JSON_KIND_OBJECT, "an object"}, [JSON_ARRAY] = {JSON_KIND_ARRAY, "an array"},
    [JSON_STRING] = {JSON_KIND_STRING, "a string"},  [JSON_INTEGER] = {JSON_KIND_INT, "a number"},
    [JSON_REAL] = {JSON_KIND_REAL, "a number"},      [JSON_TRUE] = {JSON_KIND_BOOL, "true"},
    [JSON_FALSE] = {JSON_KIND_BOOL, "false"},        [JSON_NULL] = {JSON_KIND_NULL, "null"},
};

enum json_kind json_get_kind(const struct json *value)
{
    return kinds[json_typeof(value_of(value))].kind;
}

const char *json_get_kind_name(const struct json *value)
{
    return kinds[json_typeof(value_of(value))].name;
}

bool json_get_bool(const struct json *value)
{
    assert(json_get_kind(value) == JSON_KIND_BOOL);
    return json_is_true(value_of(value));
}

int64_t json_get_int(const struct json *value)
{
    assert(json_get_kind(value) == JSON_KIND_INT);
    return json_integer_value(value_of(value));
}

double json_get_real(const struct json *value)
{
    assert(json_is_number(value_of(value)));
    return json_number_value(value_of(value));
}

struct str json_get_string(const struct json *value)
{
    assert(json_get_kind(value) == JSON_KIND_STRING);
    return str_from_bytes(json_string_value(value_of(value)), json_string_length(value_of(value)));
}

size_t json_get_count(const struct json *value)
{
    json_t *json = value_of(value);

    assert(json_is_array(json) || json_is_object(json));
    return json_is_array(json) ? json_array_size(json) : json_object_size(json);
}

const struct json *json_get_element(const struct json *array, size_t index)
{
    assert(index < json_get_count(array));
    return wrap(json_array_get(value_of(array), index));
}

bool json_is_equal(const struct json *a, const struct json *b)
{
    return json_equal(value_of(a), value_of(b)) != 0;
}

const struct json *json_find(const struct json *object, const char *key)
{
    assert(json_get_kind(object) == JSON_KIND_OBJECT);
    return wrap(json_object_get(value_of(object), key));
}

static struct json_member member_at(void *place)
{
    if (!place)
        return (struct json_member){0};
    return (struct json_member){
        .key = str_from(json_object_iter_key(place)),
        .value = wrap(json_object_iter_value(place)),
        .place = place,
    };
}

struct json_member json_first(const struct json *object)
{
    assert(json_get_kind(object) == JSON_KIND_OBJECT);
    return member_at(json_object_iter(value_of(object)));
}

struct json_member json_next(const struct json *object, struct json_member member)
{
    return member_at(json_object_iter_next(value_of(object), member.place));
}
