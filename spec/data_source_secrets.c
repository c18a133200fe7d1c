#include "spec/data_source_secrets.h"

#include "base/json_in.h"
#include "base/json_out.h"
#include "base/secret_keys.h"
#include "spec/data_source_types.h"
#include "spec/data_source_values.h"

void data_source_write_masked(Pb__DataSourceType type, const char *parameters_json, struct buf *ret)
{
    const struct data_source_type *found = data_source_type_find(type);
    struct json *root = data_source_read_object(parameters_json);
    struct json_out out = json_out_make(ret);

    json_out_begin_object(&out);
    for (struct json_member m = root ? json_first(root) : (struct json_member){0}; m.value;
         m = json_next(root, m)) {
        const struct parameter *parameter = data_source_type_find_parameter(found, m.key);
        json_out_key_str(&out, m.key);
        /* What is no parameter of the type is not shown: it may be a secret under a wrong name. */
        if (parameter)
            parameter_write_value(parameter, m.value, str_from(parameter_mask), &out);
        else
            json_out_text(&out, parameter_mask);
    }
    json_out_end_object(&out);
    json_destroy(root);
}

/* Whether two values of a parameter are equal but for the secrets in them. */
static bool is_equal_target(const struct parameter *parameter, struct str a, struct str b)
{
    struct str secret_a = parameter_find_secret(parameter, a);
    struct str secret_b = parameter_find_secret(parameter, b);

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
            !is_equal_target(parameter, data_source_find_text(old, parameter->key),
                             data_source_find_text(new, parameter->key)))
            return parameter->key;
    }
    return NULL;
}

/* The stored secret that "***" stands for in the new value; {NULL, 0}: the value has no "***" of the kind. */
static struct str take_secret(const struct parameter *parameter, struct str value,
                              const struct json *old, const char *new_target,
                              struct violations *violations)
{
    struct str kept = parameter_find_secret(parameter, data_source_find_text(old, parameter->key));
    struct str given = parameter_find_secret(parameter, value);

    if (secret_is_sealed(given))
        violations_add(violations, "data_source.parameters_json",
                       "parameters.%s: a secret does not begin with '%s', as sealed ones do",
                       parameter->key, secret_prefix);
    if (!str_is(given, parameter_mask))
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
    struct json *old = data_source_read_object(old_json);
    struct json *new = data_source_read_object(new_json);
    struct json_out out = json_out_make(ret);
    const char *new_target = found && new ? find_new_target(found, old, new) : NULL;

    json_out_begin_object(&out);
    for (struct json_member m = new ? json_first(new) : (struct json_member){0}; m.value;
         m = json_next(new, m)) {
        const struct parameter *parameter = data_source_type_find_parameter(found, m.key);
        if (!parameter)
            continue; /* not valid, so not ours to store */
        struct str value = data_source_find_text(new, parameter->key);
        struct str kept = take_secret(parameter, value, old, new_target, violations);
        json_out_key_str(&out, m.key);
        parameter_write_value(parameter, m.value,
                              kept.len > 0 ? kept : parameter_find_secret(parameter, value), &out);
    }
    json_out_end_object(&out);
    json_destroy(old);
    json_destroy(new);
}
