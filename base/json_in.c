#include "base/json_in.h"

#include <assert.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "base/json_value.h"

enum json_kind json_get_kind(const struct json *value)
{
    return value->kind;
}

const char *json_get_kind_name(const struct json *value)
{
    static const char *const names[] = {
        [JSON_KIND_NULL] = "null",      [JSON_KIND_INT] = "a number",
        [JSON_KIND_REAL] = "a number",  [JSON_KIND_STRING] = "a string",
        [JSON_KIND_ARRAY] = "an array", [JSON_KIND_OBJECT] = "an object",
    };

    if (value->kind == JSON_KIND_BOOL)
        return value->is_true ? "true" : "false";
    return names[value->kind];
}

bool json_get_bool(const struct json *value)
{
    assert(value->kind == JSON_KIND_BOOL);
    return value->is_true;
}

int64_t json_get_int(const struct json *value)
{
    assert(value->kind == JSON_KIND_INT);
    return value->integer;
}

double json_get_real(const struct json *value)
{
    assert(value->kind == JSON_KIND_INT || value->kind == JSON_KIND_REAL);
    return value->kind == JSON_KIND_INT ? (double)value->integer : value->real;
}

struct str json_get_string(const struct json *value)
{
    assert(value->kind == JSON_KIND_STRING);
    return value->text;
}

size_t json_get_count(const struct json *value)
{
    assert(value->kind == JSON_KIND_ARRAY || value->kind == JSON_KIND_OBJECT);
    return value->count;
}

const struct json *json_get_element(const struct json *array, size_t index)
{
    assert(array->kind == JSON_KIND_ARRAY && index < array->count);
    return &array->items[index];
}

int json_compare_keys(struct str a, struct str b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_with_key(const void *key, const void *place)
{
    const struct str *wanted = key;

    return json_compare_keys(*wanted, (*(const struct json *const *)place)->key);
}

static const struct json *find(const struct json *object, struct str key)
{
    if (object->by_key) {
        const struct json *const *found =
            bsearch(&key, object->by_key, object->count, sizeof(*found), compare_with_key);
        return found ? *found : NULL;
    }
    for (size_t i = 0; i < object->count; i++) {
        if (str_is_equal(object->items[i].key, key))
            return &object->items[i];
    }
    return NULL;
}

const struct json *json_find(const struct json *object, const char *key)
{
    assert(object->kind == JSON_KIND_OBJECT);
    return find(object, str_from(key));
}

static bool are_items_equal(const struct json *a, const struct json *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct json *other =
            a->kind == JSON_KIND_ARRAY ? &b->items[i] : find(b, a->items[i].key);
        if (!other || !json_is_equal(&a->items[i], other))
            return false;
    }
    return true;
}

bool json_is_equal(const struct json *a, const struct json *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case JSON_KIND_NULL:
        return true;
    case JSON_KIND_BOOL:
        return a->is_true == b->is_true;
    case JSON_KIND_INT:
        return a->integer == b->integer;
    case JSON_KIND_REAL:
        return !(a->real < b->real) && !(a->real > b->real);
    case JSON_KIND_STRING:
        return str_is_equal(a->text, b->text);
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT:
        return are_items_equal(a, b);
    }
    return false;
}

static struct json_member member_at(const struct json *object, size_t index)
{
    if (index >= object->count)
        return (struct json_member){.value = NULL};
    return (struct json_member){
        .key = object->items[index].key, .value = &object->items[index], .index = index};
}

struct json_member json_first(const struct json *object)
{
    assert(object->kind == JSON_KIND_OBJECT);
    return member_at(object, 0);
}

struct json_member json_next(const struct json *object, struct json_member member)
{
    return member_at(object, member.index + 1);
}
