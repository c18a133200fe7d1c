#include "base/trace_context.h"

#include "base/hex.h"

enum {
    VERSION_AT = 0,
    TRACE_ID_AT = 3,
    SPAN_ID_AT = 36,
    FLAGS_AT = 53,
    PARENT_LEN = TRACE_PARENT_TEXT_BYTES - 1,
    FLAG_SAMPLED = 1,
    INVALID_VERSION = 0xff,
    MAX_KEY_BYTES = 256,
    MAX_TENANT_BYTES = 241, /* of a key with '@', before it */
    MAX_SYSTEM_BYTES = 14,  /* and behind it */
    MAX_VALUE_BYTES = 256,
};

/* -1: not a digit. Upper case is none. */
static int read_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_bytes(struct str text, size_t at, uint8_t *ret, size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i++) {
        int high = read_digit(text.data[at + 2 * i]);
        int low = read_digit(text.data[at + 2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

bool trace_context_read(struct str text, struct trace_context *ret)
{
    struct trace_context context = {.is_sampled = false};
    uint8_t version = 0;
    uint8_t flags = 0;

    if (text.len < PARENT_LEN || text.data[TRACE_ID_AT - 1] != '-' ||
        text.data[SPAN_ID_AT - 1] != '-' || text.data[FLAGS_AT - 1] != '-')
        return false;
    if (!read_bytes(text, VERSION_AT, &version, 1) || version == INVALID_VERSION)
        return false;
    /* Later versions may add fields at the end. */
    if (text.len > PARENT_LEN && (version == 0 || text.data[PARENT_LEN] != '-'))
        return false;
    if (!read_bytes(text, TRACE_ID_AT, context.trace_id, TRACE_ID_NBYTES) ||
        !read_bytes(text, SPAN_ID_AT, context.span_id, TRACE_SPAN_ID_NBYTES) ||
        !read_bytes(text, FLAGS_AT, &flags, 1))
        return false;
    if (is_zero(context.trace_id, TRACE_ID_NBYTES) ||
        is_zero(context.span_id, TRACE_SPAN_ID_NBYTES))
        return false;
    context.is_sampled = flags & FLAG_SAMPLED;
    *ret = context;
    return true;
}

void trace_context_write_id(const struct trace_context *context, char ret_text[TRACE_ID_TEXT_BYTES])
{
    ret_text[0] = '\0';
    if (trace_context_is_set(context))
        (void)hex_encode(context->trace_id, TRACE_ID_NBYTES, ret_text);
}

void trace_context_write(const struct trace_context *context,
                         char ret_text[TRACE_PARENT_TEXT_BYTES])
{
    char *end = ret_text;

    *end = '\0';
    if (!trace_context_is_set(context))
        return;
    *end++ = '0';
    *end++ = '0';
    *end++ = '-';
    end = hex_encode(context->trace_id, TRACE_ID_NBYTES, end);
    *end++ = '-';
    end = hex_encode(context->span_id, TRACE_SPAN_ID_NBYTES, end);
    *end++ = '-';
    (void)hex_encode(&(uint8_t){context->is_sampled ? FLAG_SAMPLED : 0}, 1, end);
}

/* The list of other systems' positions. */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_key_start(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_key_rest(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!is_key_start(c) && !is_digit(c) && c != '_' && c != '-' && c != '*' && c != '/')
            return false;
    }
    return true;
}

static bool is_key(struct str key)
{
    size_t at = str_find_byte(key, '@');
    bool has_tenant = at < key.len;
    struct str system = has_tenant ? str_skip(key, at + 1) : key;
    struct str tenant = {key.data, at};

    if (system.len == 0 || !is_key_start(system.data[0]) || !is_key_rest(system))
        return false;
    if (!has_tenant)
        return key.len <= MAX_KEY_BYTES;
    return tenant.len > 0 && tenant.len <= MAX_TENANT_BYTES && system.len <= MAX_SYSTEM_BYTES &&
           (is_key_start(tenant.data[0]) || is_digit(tenant.data[0])) && is_key_rest(tenant);
}

static bool is_value(struct str value)
{
    if (value.len == 0 || value.len > MAX_VALUE_BYTES)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c < ' ' || c > '~' || c == ',' || c == '=')
            return false;
    }
    return true;
}

/* Spaces and tabs around a member are not of it. */
static struct str trim(struct str text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = str_skip(text, 1);
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static bool is_among(struct str key, const struct str *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_is_equal(key, keys[i]))
            return true;
    }
    return false;
}

bool trace_state_is_valid(struct str text)
{
    struct str keys[TRACE_STATE_MAX_MEMBERS];
    size_t count = 0;

    if (text.len > TRACE_STATE_MAX_BYTES)
        return false;
    while (text.len > 0) {
        struct str value = trim(str_cut(&text, ','));
        if (value.len == 0) /* an empty member is allowed, and means nothing */
            continue;
        bool has_value = str_find_byte(value, '=') < value.len;
        struct str key = str_cut(&value, '=');
        if (!has_value || count == TRACE_STATE_MAX_MEMBERS || !is_key(key) || !is_value(value) ||
            is_among(key, keys, count))
            return false;
        keys[count++] = key;
    }
    return count > 0;
}

bool request_id_is_valid(struct str text)
{
    if (text.len == 0 || text.len > REQUEST_ID_MAX_BYTES)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!is_digit(c) && !is_key_start(c) && !(c >= 'A' && c <= 'Z') && c != '-' && c != '_' &&
            c != '.' && c != ':' && c != '/')
            return false;
    }
    return true;
}
