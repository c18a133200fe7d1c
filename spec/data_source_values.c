#include "spec/data_source_values.h"

const char parameter_mask[] = "***";

struct json *data_source_read_object(const char *parameters_json)
{
    struct json *root = NULL;

    if (json_read("parameters", str_from(parameters_json), &root).code != STATUS_OK)
        return NULL;
    if (json_get_kind(root) == JSON_KIND_OBJECT)
        return root;
    json_destroy(root);
    return NULL;
}

struct str data_source_find_text(const struct json *object, const char *key)
{
    const struct json *value = object ? json_find(object, key) : NULL;

    return value && json_get_kind(value) == JSON_KIND_STRING ? json_get_string(value)
                                                             : (struct str){0};
}

struct str parameter_find_secret(const struct parameter *parameter, struct str value)
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
        json_out_string(out, is_text ? json_get_string(m.value) : str_from(parameter_mask));
    }
    json_out_end_object(out);
}

void parameter_write_value(const struct parameter *parameter, const struct json *value,
                           struct str instead, struct json_out *out)
{
    enum json_kind kind = json_get_kind(value);
    struct str text = kind == JSON_KIND_STRING ? json_get_string(value) : (struct str){0};
    struct str secret = parameter_find_secret(parameter, text);

    if (secret.len > 0)
        write_replaced(text, secret, instead, out);
    else if (kind == JSON_KIND_STRING)
        json_out_string(out, text);
    else if (kind == JSON_KIND_BOOL && parameter->kind->json_kind == kind)
        json_out_bool(out, json_get_bool(value));
    else if (kind == JSON_KIND_OBJECT && parameter->kind->json_kind == kind)
        write_object(value, out);
    else
        json_out_text(out, parameter_mask);
}
