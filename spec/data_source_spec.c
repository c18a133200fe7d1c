#include "spec/data_source_spec.h"

#include <assert.h>

#include "base/json_in.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "spec/config_reader.h"

static const char parameters_field[] = "data_source.parameters_json";
static const char mask[] = "***";

enum parameter_kind {
    PARAMETER_TEXT,
    PARAMETER_PATH,   /* absolute */
    PARAMETER_URL,    /* postgresql://..., which may hold a password */
    PARAMETER_SECRET, /* never shown */
};

enum { PARAMETER_MAX_BYTES = 4096 };

struct parameter {
    const char *key;
    enum parameter_kind kind;
    bool is_required;
};

/* The parameters of each type of data source. */
static const struct parameter file_parameters[] = {
    {"root", PARAMETER_PATH, true},
};
static const struct parameter postgres_parameters[] = {
    {"url", PARAMETER_URL, true},
    {"password", PARAMETER_SECRET, false},
};

static const struct {
    const struct parameter *parameters;
    size_t nparameters;
} types[] = {
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_FILE] = {file_parameters, ARRAY_LEN(file_parameters)},
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_POSTGRES] = {postgres_parameters,
                                                         ARRAY_LEN(postgres_parameters)},
};

static bool is_type(Pb__DataSourceType type)
{
    return (int)type > 0 && (size_t)type < ARRAY_LEN(types);
}

static const struct parameter *find_parameter(Pb__DataSourceType type, struct str key)
{
    for (size_t i = 0; is_type(type) && i < types[type].nparameters; i++) {
        if (str_is(key, types[type].parameters[i].key))
            return &types[type].parameters[i];
    }
    return NULL;
}

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

/* The place of the password in postgresql://user:password@host; *ret_len is 0 if there is none. */
static size_t find_password(struct str url, size_t *ret_len)
{
    size_t start = str_find(url, "://");

    *ret_len = 0;
    if (start == url.len)
        return 0;
    struct str rest = str_skip(url, start + 3);
    rest.len = str_find_byte(rest, '/');
    size_t at = rest.len;
    while (at > 0 && rest.data[at - 1] != '@')
        at--;
    if (at == 0)
        return 0;
    struct str user_info = {.data = rest.data, .len = at - 1};
    size_t colon = str_find_byte(user_info, ':');
    if (colon == user_info.len)
        return 0;
    *ret_len = user_info.len - colon - 1;
    return start + 3 + colon + 1;
}

/*
 * Whether libpq finds user and password where find_password does: the only '@' stands before the host.
 * Else a piece of a password passes for a host or a port, which reads and errors show.
 */
static bool has_plain_user_info(struct str url)
{
    struct str rest = str_skip(url, str_find(url, "//"));
    struct str head = str_from_bytes(rest.data + 2, rest.len - 2);
    struct str behind = head;

    head.len = str_find_byte(head, '/');
    (void)str_cut(&behind, '@');
    return !behind.data ||
           (str_find_byte(head, '@') < head.len && str_find_byte(behind, '@') == behind.len);
}

/* Whether a key of the query is percent-encoded, which could hide that it is "password". */
static bool has_encoded_key(struct str url)
{
    struct str rest = url;

    if (str_find_byte(url, '@') < url.len)
        (void)str_cut(&rest, '@');
    (void)str_cut(&rest, '?');
    while (rest.len > 0) {
        struct str value = str_cut(&rest, '&');
        struct str key = str_cut(&value, '=');
        if (str_find_byte(key, '%') < key.len)
            return true;
    }
    return false;
}

static void check_url(const struct config_reader *reader, const char *key, struct str url)
{
    if (!str_has_prefix(url, "postgresql://") && !str_has_prefix(url, "postgres://")) {
        config_add(reader, key, "does not begin with postgresql://");
        return;
    }
    if (!has_plain_user_info(url))
        config_add(reader, key,
                   "has a '@' that does not end user and password; write %%40 for '@' and "
                   "%%2F for '/' in them");
    /* A password among the query's keys would escape the masking. */
    if (str_find(url, "password=") < url.len)
        config_add(reader, key, "has a password in its query; use the parameter password");
    if (has_encoded_key(url))
        config_add(reader, key, "has a '%%' in a key of its query");
}

static void check_value(const struct config_reader *reader, const struct parameter *parameter)
{
    struct str value = config_get_string(reader, parameter->key, PARAMETER_MAX_BYTES);

    if (!config_find(reader, parameter->key)) {
        if (parameter->is_required)
            config_add(reader, parameter->key, "is missing");
        return;
    }
    if (value.len == 0)
        return;
    if (parameter->kind == PARAMETER_PATH && value.data[0] != '/')
        config_add(reader, parameter->key, "'%.*s' is not an absolute path",
                   (int)(value.len > 60 ? 60 : value.len), value.data);
    if (parameter->kind == PARAMETER_URL)
        check_url(reader, parameter->key, value);
}

void data_source_validate_parameters(Pb__DataSourceType type, const char *parameters_json,
                                     struct violations *violations)
{
    const char *keys[8]; /* more than any type has */
    size_t nkeys = 0;

    if (!is_type(type)) {
        violations_add(violations, "data_source.type",
                       "the data source's type is %s; FILE or POSTGRES is expected",
                       (int)type == 0 ? "missing" : "not known");
        return;
    }
    struct config_reader reader =
        config_reader_make("parameters", parameters_field, str_from(parameters_json),
                           DATA_SOURCE_MAX_PARAMETERS_BYTES, violations);
    if (reader.root) {
        for (; nkeys < types[type].nparameters; nkeys++) {
            assert(nkeys < ARRAY_LEN(keys));
            keys[nkeys] = types[type].parameters[nkeys].key;
            check_value(&reader, &types[type].parameters[nkeys]);
        }
        config_refuse_others(&reader, keys, nkeys);
    }
    config_reader_deinit(&reader);
}

static struct str get_text(const struct json *object, const char *key)
{
    const struct json *value = json_find(object, key);

    return value && json_get_kind(value) == JSON_KIND_STRING ? json_get_string(value)
                                                             : (struct str){0};
}

/* Whether the parameter is, or holds, a secret that reads "***". */
static bool is_masked(const struct parameter *parameter, struct str value)
{
    size_t len = 0;
    size_t at = parameter->kind == PARAMETER_URL ? find_password(value, &len) : 0;

    return parameter->kind == PARAMETER_SECRET ? str_is(value, mask)
                                               : str_is(str_from_bytes(value.data + at, len), mask);
}

void data_source_validate_secrets(Pb__DataSourceType type, const char *parameters_json,
                                  struct violations *violations)
{
    struct json *root = NULL;

    if (json_read("parameters", str_from(parameters_json), &root).code != STATUS_OK)
        return;
    bool is_object = json_get_kind(root) == JSON_KIND_OBJECT;
    for (size_t i = 0; is_object && is_type(type) && i < types[type].nparameters; i++) {
        const struct parameter *parameter = &types[type].parameters[i];
        if (is_masked(parameter, get_text(root, parameter->key)))
            violations_add(violations, parameters_field,
                           "parameters.%s: *** stands for a stored secret, and none is stored",
                           parameter->key);
    }
    json_destroy(root);
}

static void write_url(struct str url, struct str password, struct json_out *out)
{
    struct buf text = {0};
    size_t len = 0;
    size_t at = find_password(url, &len);

    if (len == 0) {
        json_out_string(out, url);
        return;
    }
    buf_append(&text, url.data, at);
    buf_append_str(&text, password);
    buf_append_str(&text, str_skip(url, at + len));
    json_out_string(out, buf_get(&text));
    buf_deinit(&text);
}

/* Writes a member; the secrets in it come from `old` if they read "***" (old may be NULL), or are masked. */
static void write_masked_member(const struct parameter *parameter, struct json_member member,
                                struct json_out *out)
{
    bool is_text = json_get_kind(member.value) == JSON_KIND_STRING;

    json_out_key_str(out, member.key);
    /* What is no parameter of the type is not shown either: it may be a secret under a wrong name. */
    if (!parameter || !is_text || parameter->kind == PARAMETER_SECRET)
        json_out_text(out, mask);
    else if (parameter->kind == PARAMETER_URL)
        write_url(json_get_string(member.value), str_from(mask), out);
    else
        json_out_string(out, json_get_string(member.value));
}

void data_source_write_masked(Pb__DataSourceType type, const char *parameters_json, struct buf *ret)
{
    struct json *root = NULL;
    struct json_out out = json_out_make(ret);

    if (json_read("parameters", str_from(parameters_json), &root).code != STATUS_OK ||
        json_get_kind(root) != JSON_KIND_OBJECT) {
        json_destroy(root);
        buf_append_text(ret, "{}");
        return;
    }
    json_out_begin_object(&out);
    for (struct json_member m = json_first(root); m.value; m = json_next(root, m))
        write_masked_member(find_parameter(type, m.key), m, &out);
    json_out_end_object(&out);
    json_destroy(root);
}

static void write_merged_member(const struct parameter *parameter, struct json_member member,
                                const struct json *old, struct json_out *out)
{
    struct str text = json_get_string(member.value);
    struct str old_text = get_text(old, parameter->key);
    size_t len = 0;

    if (parameter->kind == PARAMETER_SECRET && str_is(text, mask) && old_text.len > 0) {
        json_out_string(out, old_text);
        return;
    }
    if (parameter->kind == PARAMETER_URL) {
        size_t at = find_password(text, &len);
        size_t old_len = 0;
        size_t old_at = find_password(old_text, &old_len);
        if (str_is(str_from_bytes(text.data + at, len), mask) && old_len > 0) {
            write_url(text, str_from_bytes(old_text.data + old_at, old_len), out);
            return;
        }
    }
    json_out_string(out, text);
}

static void write_merged(Pb__DataSourceType type, const struct json *old, const struct json *new,
                         struct buf *ret)
{
    struct json_out out = json_out_make(ret);

    json_out_begin_object(&out);
    for (struct json_member m = json_first(new); m.value; m = json_next(new, m)) {
        const struct parameter *parameter = find_parameter(type, m.key);
        /* Only what was validated gets here: each member is a known text. */
        if (!parameter || json_get_kind(m.value) != JSON_KIND_STRING)
            continue;
        json_out_key_str(&out, m.key);
        write_merged_member(parameter, m, old, &out);
    }
    json_out_end_object(&out);
}

struct status data_source_merge(Pb__DataSourceType type, const char *old_json, const char *new_json,
                                struct buf *ret)
{
    struct json *old = NULL, *new = NULL;
    struct status st = json_read("stored parameters", str_from(old_json), &old);

    if (st.code == STATUS_OK)
        st = json_read("parameters", str_from(new_json), &new);
    if (st.code == STATUS_OK &&
        (json_get_kind(old) != JSON_KIND_OBJECT || json_get_kind(new) != JSON_KIND_OBJECT))
        st = status_error(STATUS_INVALID_ARGUMENT, "parameters: a JSON object is expected");
    if (st.code == STATUS_OK)
        write_merged(type, old, new, ret);
    json_destroy(old);
    json_destroy(new);
    return st;
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
