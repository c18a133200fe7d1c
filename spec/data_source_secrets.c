#include "spec/data_source_secrets.h"

#include "base/json_in.h"
#include "base/json_out.h"
#include "spec/data_source_types.h"

static const char mask[] = "***";

/* The parameters as an object; NULL: they are none. */
static struct json *read_object(const char *parameters_json)
{
    struct json *root = NULL;

    if (json_read("parameters", str_from(parameters_json), &root).code != STATUS_OK)
        return NULL;
    if (json_get_kind(root) == JSON_KIND_OBJECT)
        return root;
    json_destroy(root);
    return NULL;
}

static struct str find_text(const struct json *object, const char *key)
{
    const struct json *value = object ? json_find(object, key) : NULL;

    return value && json_get_kind(value) == JSON_KIND_STRING ? json_get_string(value)
                                                             : (struct str){0};
}

/* The piece of the value that is a secret; {NULL, 0}: there is none. */
static struct str find_secret(const struct parameter *parameter, struct str value)
{
    return parameter->kind->find_secret && value.data ? parameter->kind->find_secret(value)
                                                      : (struct str){0};
}

/* Writes value with `instead` in the place of its piece. */
static void write_replaced(struct str value, struct str piece, struct str instead,
                           struct json_out *out)
{
    struct buf text = {0};
    size_t at = (size_t)(piece.data - value.data);

    buf_append(&text, value.data, at);
    buf_append_str(&text, instead);
    buf_append_str(&text, str_skip(value, at + piece.len));
    json_out_string(out, buf_get(&text));
    buf_deinit(&text);
}

static void write_object(const struct json *object, struct json_out *out)
{
    json_out_begin_object(out);
    for (struct json_member m = json_first(object); m.value; m = json_next(object, m)) {
        bool is_text = json_get_kind(m.value) == JSON_KIND_STRING;
        json_out_key_str(out, m.key);
        json_out_string(out, is_text ? json_get_string(m.value) : str_from(mask));
    }
    json_out_end_object(out);
}

/* Writes a value in which `instead` takes the place of a secret. */
static void write_value(const struct parameter *parameter, const struct json *value,
                        struct str instead, struct json_out *out)
{
    enum json_kind kind = json_get_kind(value);
    struct str text = kind == JSON_KIND_STRING ? json_get_string(value) : (struct str){0};
    struct str secret = find_secret(parameter, text);

    if (secret.len > 0)
        write_replaced(text, secret, instead, out);
    else if (kind == JSON_KIND_STRING)
        json_out_string(out, text);
    else if (kind == JSON_KIND_BOOL && parameter->kind->json_kind == kind)
        json_out_bool(out, json_get_bool(value));
    else if (kind == JSON_KIND_OBJECT && parameter->kind->json_kind == kind)
        write_object(value, out);
    else
        json_out_text(out, mask);
}

void data_source_write_masked(Pb__DataSourceType type, const char *parameters_json, struct buf *ret)
{
    const struct data_source_type *found = data_source_type_find(type);
    struct json *root = read_object(parameters_json);
    struct json_out out = json_out_make(ret);

    json_out_begin_object(&out);
    for (struct json_member m = root ? json_first(root) : (struct json_member){0}; m.value;
         m = json_next(root, m)) {
        const struct parameter *parameter = data_source_type_find_parameter(found, m.key);
        json_out_key_str(&out, m.key);
        /* What is no parameter of the type is not shown: it may be a secret under a wrong name. */
        if (parameter)
            write_value(parameter, m.value, str_from(mask), &out);
        else
            json_out_text(&out, mask);
    }
    json_out_end_object(&out);
    json_destroy(root);
}

/* Whether two values of a parameter are equal but for the secrets in them. */
static bool is_equal_target(const struct parameter *parameter, struct str a, struct str b)
{
    struct str secret_a = find_secret(parameter, a);
    struct str secret_b = find_secret(parameter, b);

    if (!secret_a.data || !secret_b.data)
        return !secret_a.data && !secret_b.data && str_is_equal(a, b);
    struct str head_a = {.data = a.data, .len = (size_t)(secret_a.data - a.data)};
    struct str head_b = {.data = b.data, .len = (size_t)(secret_b.data - b.data)};
    return str_is_equal(head_a, head_b) && str_is_equal(str_skip(a, head_a.len + secret_a.len),
                                                        str_skip(b, head_b.len + secret_b.len));
}

/* The parameter that says where secrets are sent to and is not as it was; NULL: all are. */
static const char *find_new_target(const struct data_source_type *type, const struct json *old,
                                   const struct json *new)
{
    for (size_t i = 0; i < type->nparameters; i++) {
        const struct parameter *parameter = &type->parameters[i];
        if (parameter->flags & PARAMETER_TARGET &&
            !is_equal_target(parameter, find_text(old, parameter->key),
                             find_text(new, parameter->key)))
            return parameter->key;
    }
    return NULL;
}

/* The stored secret that "***" stands for in the new value; {NULL, 0}: the value has no "***" of the kind. */
static struct str take_secret(const struct parameter *parameter, struct str value,
                              const struct json *old, const char *new_target,
                              struct violations *violations)
{
    struct str kept = find_secret(parameter, find_text(old, parameter->key));

    if (!str_is(find_secret(parameter, value), mask))
        return (struct str){0};
    if (kept.len == 0)
        violations_add(violations, "data_source.parameters_json",
                       "parameters.%s: *** stands for a stored secret, and none is stored",
                       parameter->key);
    else if (new_target)
        violations_add(
            violations, "data_source.parameters_json",
            "parameters.%s: *** stands for the stored secret, which is not sent to where "
            "the new %s points; send the secret again",
            parameter->key, new_target);
    return kept;
}

void data_source_merge(Pb__DataSourceType type, const char *old_json, const char *new_json,
                       struct violations *violations, struct buf *ret)
{
    const struct data_source_type *found = data_source_type_find(type);
    struct json *old = read_object(old_json);
    struct json *new = read_object(new_json);
    struct json_out out = json_out_make(ret);
    const char *new_target = found && new ? find_new_target(found, old, new) : NULL;

    json_out_begin_object(&out);
    for (struct json_member m = new ? json_first(new) : (struct json_member){0}; m.value;
         m = json_next(new, m)) {
        const struct parameter *parameter = data_source_type_find_parameter(found, m.key);
        if (!parameter)
            continue; /* not valid, so not ours to store */
        struct str value = find_text(new, parameter->key);
        struct str kept = take_secret(parameter, value, old, new_target, violations);
        json_out_key_str(&out, m.key);
        write_value(parameter, m.value, kept.len > 0 ? kept : find_secret(parameter, value), &out);
    }
    json_out_end_object(&out);
    json_destroy(old);
    json_destroy(new);
}
