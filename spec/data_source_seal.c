#include "spec/data_source_seal.h"

#include "base/mem.h"
#include "base/secret_keys.h"
#include "spec/data_source_types.h"
#include "spec/data_source_values.h"

/* The secrets of one data source are being turned into something else. */
struct turn {
    const Pb__DataSource *source;
    const struct data_source_type *type;
    const struct json *root;
    const struct secret_keys *keys;
    bool is_new; /* a secret is not as it was */
    /* Appends what takes the place of a secret. */
    struct status (*one)(struct turn *turn, struct str bound_to, struct str secret,
                         struct buf *ret);
};

static struct status seal_one(struct turn *turn, struct str bound_to, struct str secret,
                              struct buf *ret)
{
    if (secret_is_sealed(secret)) {
        buf_append_str(ret, secret);
        return status_ok();
    }
    turn->is_new = true;
    return secret_seal(turn->keys, bound_to, secret, ret);
}

static struct status open_one(struct turn *turn, struct str bound_to, struct str secret,
                              struct buf *ret)
{
    if (secret_is_sealed(secret))
        return secret_open(turn->keys, bound_to, secret, ret);
    buf_append_str(ret, secret);
    return status_ok();
}

/* Opens even what is under the first key: so a rotation finds what is damaged. */
static struct status reseal_one(struct turn *turn, struct str bound_to, struct str secret,
                                struct buf *ret)
{
    struct buf plain = {0};
    struct status st = open_one(turn, bound_to, secret, &plain);

    if (st.code == STATUS_OK &&
        str_is(secret_find_key_id(secret), secret_keys_get_id(turn->keys, 0))) {
        buf_append_str(ret, secret);
    } else if (st.code == STATUS_OK) {
        turn->is_new = true;
        st = secret_seal(turn->keys, bound_to, buf_get(&plain), ret);
    }
    if (plain.len > 0)
        mem_wipe(plain.data, plain.len);
    buf_deinit(&plain);
    return st;
}

/* A target without the secret in it. Names and values have no control characters, which so can separate them. */
static void append_target(const struct parameter *target, struct str value, struct buf *ret)
{
    struct str secret = parameter_find_secret(target, value);

    buf_append_text(ret, target->key);
    buf_append_char(ret, '\0');
    if (secret.data) {
        size_t at = (size_t)(secret.data - value.data);
        buf_append(ret, value.data, at);
        buf_append_char(ret, '\1');
        value = str_skip(value, at + secret.len);
    }
    buf_append_str(ret, value);
    buf_append_char(ret, '\0');
}

/* What a secret of that parameter is bound to. */
static void append_bound(const struct turn *turn, const struct parameter *parameter,
                         struct buf *ret)
{
    buf_printf(ret, "sluice.data_source/%d/%s/%s", (int)turn->source->type, turn->source->name,
               parameter->key);
    buf_append_char(ret, '\0');
    for (size_t i = 0; i < turn->type->nparameters; i++) {
        const struct parameter *target = &turn->type->parameters[i];
        if (target->flags & PARAMETER_TARGET)
            append_target(target, data_source_find_text(turn->root, target->key), ret);
    }
}

static struct status name_parameter(const struct turn *turn, struct str key, struct status st)
{
    return st.code == STATUS_OK
               ? st
               : status_error(st.code, "data source '%.64s': %.*s %s", turn->source->name,
                              (int)(key.len > 32 ? 32 : key.len), key.data, st.text);
}

static struct status turn_member(struct turn *turn, struct json_member member, struct json_out *out)
{
    const struct parameter *parameter = data_source_type_find_parameter(turn->type, member.key);
    struct buf bound_to = {0}, instead = {0};
    struct status st = status_ok();

    if (!parameter || json_get_kind(member.value) != parameter->kind->json_kind)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "is no parameter of this type, or none like it");
    struct str text = data_source_find_text(turn->root, parameter->key);
    struct str secret = parameter_find_secret(parameter, text);
    if (secret.len > 0) {
        append_bound(turn, parameter, &bound_to);
        st = turn->one(turn, buf_get(&bound_to), secret, &instead);
    }
    if (st.code == STATUS_OK) {
        json_out_key_str(out, member.key);
        parameter_write_value(parameter, member.value, buf_get(&instead), out);
    }
    if (instead.len > 0)
        mem_wipe(instead.data, instead.len);
    buf_deinit(&bound_to);
    buf_deinit(&instead);
    return st;
}

static struct status turn_all(struct turn *turn, struct buf *ret)
{
    struct json *root = data_source_read_object(turn->source->parameters_json);
    struct buf text = {0};
    struct json_out out = json_out_make(&text);
    struct status st = status_ok();

    turn->root = root;
    turn->type = data_source_type_find(turn->source->type);
    if (!root || !turn->type)
        st = name_parameter(turn, str_from("parameters_json"),
                            status_error(STATUS_FAILED_PRECONDITION,
                                         "is no object, or the type is not known here"));
    json_out_begin_object(&out);
    for (struct json_member m = root ? json_first(root) : (struct json_member){0};
         st.code == STATUS_OK && m.value; m = json_next(root, m))
        st = name_parameter(turn, m.key, turn_member(turn, m, &out));
    json_out_end_object(&out);
    if (st.code == STATUS_OK)
        buf_append_str(ret, buf_get(&text));
    mem_wipe(text.data, text.len);
    buf_deinit(&text);
    json_destroy(root);
    return st;
}

struct status data_source_seal(const Pb__DataSource *source, const struct secret_keys *keys,
                               struct buf *ret)
{
    struct turn turn = {.source = source, .keys = keys, .one = seal_one};

    if (keys)
        return turn_all(&turn, ret);
    buf_append_text(ret, source->parameters_json);
    return status_ok();
}

bool data_source_has_sealed(const Pb__DataSource *source)
{
    return strstr(source->parameters_json, secret_prefix);
}

struct status data_source_open(const Pb__DataSource *source, const struct secret_keys *keys,
                               struct buf *ret)
{
    struct turn turn = {.source = source, .keys = keys, .one = open_one};

    return turn_all(&turn, ret);
}

struct status data_source_reseal(const Pb__DataSource *source, const struct secret_keys *keys,
                                 bool *ret_is_new, struct buf *ret)
{
    struct turn turn = {.source = source, .keys = keys, .one = reseal_one};
    struct status st = turn_all(&turn, ret);

    if (st.code == STATUS_OK)
        *ret_is_new = turn.is_new;
    return st;
}
