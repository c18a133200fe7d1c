#include "spec/data_source_spec.h"

#include "base/json_in.h"
#include "base/mem.h"
#include "spec/data_source_types.h"

enum { PARAMETER_MAX_BYTES = 4096, MAX_MEMBERS = 256 };

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

void data_source_validate_name(const char *name, const char *field, struct violations *violations)
{
    struct str text = str_from(name);
    bool is_right = text.len > 0 && is_alphanumeric(text.data[0]);

    for (size_t i = 0; i < text.len; i++)
        is_right = is_right && (is_alphanumeric(text.data[i]) || strchr("._-", text.data[i]));
    if (text.len == 0)
        violations_add(violations, field, "the data source's name is missing");
    else if (text.len > DATA_SOURCE_MAX_NAME_BYTES)
        violations_add(violations, field,
                       "the data source's name has %zu bytes; at most %d are "
                       "taken",
                       text.len, DATA_SOURCE_MAX_NAME_BYTES);
    else if (!is_right)
        violations_add(violations, field,
                       "'%.60s' is not a data source's name: letters, digits, "
                       "'.', '_' and '-', first a letter or digit",
                       name);
}

/* What follows is in HTTP headers, paths and log lines of others, where these would end something. */
static bool has_control_characters(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return true;
    }
    return false;
}

static void check_text(const struct config_reader *reader, const struct parameter *parameter)
{
    struct str value = config_get_string(reader, parameter->key, PARAMETER_MAX_BYTES);
    struct status st = status_ok();

    if (value.len == 0)
        return;
    if (has_control_characters(value))
        st = status_error(STATUS_INVALID_ARGUMENT, "has control characters");
    else if (parameter->kind->validate)
        st = parameter->kind->validate(value);
    if (st.code != STATUS_OK)
        config_add(reader, parameter->key, "%s", st.text);
}

static struct status validate_member(const struct parameter *parameter, struct json_member member)
{
    bool is_text = json_get_kind(member.value) == JSON_KIND_STRING;

    if (!is_text)
        return status_error(STATUS_INVALID_ARGUMENT, "has a value that is %s; a string is expected",
                            json_get_kind_name(member.value));
    struct str value = json_get_string(member.value);
    if (member.key.len > PARAMETER_MAX_BYTES || value.len > PARAMETER_MAX_BYTES)
        return status_error(STATUS_INVALID_ARGUMENT, "has a member of more than %d bytes",
                            PARAMETER_MAX_BYTES);
    if (value.len == 0 || has_control_characters(value) || has_control_characters(member.key))
        return status_error(STATUS_INVALID_ARGUMENT,
                            "has a member that is empty or has control characters");
    return parameter->kind->validate_member(member.key, value);
}

static void check_object(const struct config_reader *reader, const struct parameter *parameter)
{
    const struct json *object = config_get_object(reader, parameter->key, MAX_MEMBERS);
    struct status st = status_ok();

    if (!object)
        return;
    for (struct json_member m = json_first(object); st.code == STATUS_OK && m.value;
         m = json_next(object, m))
        st = validate_member(parameter, m);
    if (st.code != STATUS_OK)
        config_add(reader, parameter->key, "%s", st.text);
}

static void check_parameter(const struct config_reader *reader, const struct parameter *parameter)
{
    if (!config_find(reader, parameter->key)) {
        if (parameter->flags & PARAMETER_REQUIRED)
            config_add(reader, parameter->key, "is missing");
        return;
    }
    if (parameter->kind->json_kind == JSON_KIND_STRING)
        check_text(reader, parameter);
    else if (parameter->kind->json_kind == JSON_KIND_OBJECT)
        check_object(reader, parameter);
    else
        (void)config_get_bool(reader, parameter->key, false);
}

void data_source_validate_parameters(Pb__DataSourceType type, const char *parameters_json,
                                     struct violations *violations)
{
    const struct data_source_type *found = data_source_type_find(type);
    const char *keys[DATA_SOURCE_MAX_TYPE_PARAMETERS];

    if (!found) {
        violations_add(violations, "data_source.type",
                       "the data source's type is %s; %s is expected",
                       (int)type == 0 ? "missing" : "not known", data_source_type_names);
        return;
    }
    struct config_reader reader =
        config_reader_make("parameters", "data_source.parameters_json", str_from(parameters_json),
                           DATA_SOURCE_MAX_PARAMETERS_BYTES, violations);
    unsigned nbefore = violations->count;
    if (reader.root) {
        for (size_t i = 0; i < found->nparameters; i++) {
            keys[i] = found->parameters[i].key;
            check_parameter(&reader, &found->parameters[i]);
        }
        config_refuse_others(&reader, keys, found->nparameters);
        if (found->check && violations->count == nbefore)
            found->check(&reader);
    }
    config_reader_deinit(&reader);
}

struct status data_source_read_parameter(const char *parameters_json, const char *key, char **ret)
{
    struct json *root = NULL;
    struct status st = json_read("parameters", str_from(parameters_json), &root);
    const struct json *value = NULL;

    if (st.code == STATUS_OK && json_get_kind(root) == JSON_KIND_OBJECT)
        value = json_find(root, key);
    if (value && json_get_kind(value) != JSON_KIND_STRING)
        st = status_error(STATUS_INVALID_ARGUMENT, "parameters.%s: a string is expected", key);
    if (st.code == STATUS_OK)
        *ret = value ? mem_copy_str(json_get_string(value)) : NULL;
    json_destroy(root);
    return st;
}
