#include "spec/spark_params.h"

#include "base/json_in.h"
#include "base/json_out.h"
#include "spec/import_spec.h"

static const char mask[] = "***";

/* What a user may not set: it chooses where code runs, or which. '*' stands for any text. */
static const struct {
    const char *prefix;
    const char *suffix;
} refused[] = {
    {"spark.master", ""},         {"spark.submit.", ""},
    {"spark.jars", ""},           {"spark.files", ""},
    {"spark.archives", ""},       {"spark.yarn.dist.", ""},
    {"spark.plugins", ""},        {"spark.extraListeners", ""},
    {"spark.", "extraClassPath"}, {"spark.", "extraJavaOptions"},
    {"spark.", "LibraryPath"},    {"spark.", "defaultJavaOptions"},
};

static bool has_suffix(struct str text, const char *suffix)
{
    size_t len = strlen(suffix);

    return text.len >= len && memcmp(text.data + text.len - len, suffix, len) == 0;
}

static void check_key(struct str key, const char *field, struct violations *violations)
{
    int shown = (int)(key.len > 80 ? 80 : key.len);

    if (!str_has_prefix(key, "spark.") || key.len == strlen("spark.")) {
        violations_add(violations, field,
                       "sparkAdditionalParams: '%.*s' is not a setting of Spark (spark.*)", shown,
                       key.data ? key.data : "");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (str_has_prefix(key, refused[i].prefix) && has_suffix(key, refused[i].suffix)) {
            violations_add(violations, field, "sparkAdditionalParams: '%.*s' may not be set", shown,
                           key.data);
            return;
        }
    }
}

static void check_object(const struct json *root, const char *field, struct violations *violations)
{
    if (json_get_count(root) > IMPORT_MAX_SPARK_PARAMS) {
        violations_add(violations, field,
                       "sparkAdditionalParams has %zu settings; at most %d are taken",
                       json_get_count(root), IMPORT_MAX_SPARK_PARAMS);
        return;
    }
    for (struct json_member m = json_first(root); m.value; m = json_next(root, m)) {
        check_key(m.key, field, violations);
        if (json_get_kind(m.value) != JSON_KIND_STRING)
            violations_add(
                violations, field, "sparkAdditionalParams.%.*s is %s; a string is expected",
                (int)(m.key.len > 80 ? 80 : m.key.len), m.key.data, json_get_kind_name(m.value));
    }
}

static void check_json(struct str text, const char *field, struct violations *violations)
{
    struct json *root = NULL;
    struct status st = json_read("sparkAdditionalParams", text, &root);

    if (st.code != STATUS_OK) {
        violations_add(violations, field, "%s", st.text);
        return;
    }
    if (json_get_kind(root) == JSON_KIND_OBJECT)
        check_object(root, field, violations);
    json_destroy(root);
}

/* Takes the first pair off *rest, up to and without its separator, which is moved to *ret_separator: 0: the end. */
static struct str take_pair(struct str *rest, char *ret_separator)
{
    size_t end = 0;

    while (end < rest->len && rest->data[end] != ';' && rest->data[end] != '\n')
        end++;
    struct str pair = {.data = rest->data, .len = end};
    *ret_separator = end < rest->len ? rest->data[end] : '\0';
    *rest = end < rest->len ? str_skip(*rest, end + 1) : (struct str){0};
    return pair;
}

static void check_pairs(struct str text, const char *field, struct violations *violations)
{
    unsigned count = 0;

    while (text.len > 0) {
        char separator;
        struct str pair = str_trim(take_pair(&text, &separator));
        if (pair.len == 0)
            continue;
        if (++count > IMPORT_MAX_SPARK_PARAMS) {
            violations_add(violations, field,
                           "sparkAdditionalParams: at most %d settings are taken",
                           IMPORT_MAX_SPARK_PARAMS);
            return;
        }
        size_t sign = str_find_byte(pair, '=');
        if (sign == pair.len) /* what it is may be a secret, so it is not quoted */
            violations_add(violations, field, "sparkAdditionalParams: setting %u is not key=value",
                           count);
        else
            check_key(str_trim((struct str){.data = pair.data, .len = sign}), field, violations);
    }
}

void spark_params_validate(struct str text, const char *field, struct violations *violations)
{
    text = str_trim(text);
    if (text.len > IMPORT_MAX_CONFIG_BYTES)
        violations_add(violations, field,
                       "sparkAdditionalParams has %zu bytes; at most %d are taken", text.len,
                       IMPORT_MAX_CONFIG_BYTES);
    else if (text.len > 0 && text.data[0] == '{')
        check_json(text, field, violations);
    else
        check_pairs(text, field, violations);
}

/* Whether the setting's value is a secret by its name, as Spark decides it (spark.redaction.regex), and then some. */
static bool is_secret(struct str key)
{
    static const char *const words[] = {"secret",     "password",  "token",
                                        "credential", "accesskey", "access.key"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t len = strlen(words[i]);
        for (size_t at = 0; at + len <= key.len; at++) {
            if ((key.data[at] | 0x20) == words[i][0] &&
                str_is_ignoring_case((struct str){.data = key.data + at, .len = len}, words[i]))
                return true;
        }
    }
    return false;
}

static void write_object(const struct json *root, struct buf *ret)
{
    struct json_out out = json_out_make(ret);

    json_out_begin_object(&out);
    for (struct json_member m = json_first(root); m.value; m = json_next(root, m)) {
        json_out_key_str(&out, m.key);
        if (is_secret(m.key) || json_get_kind(m.value) != JSON_KIND_STRING)
            json_out_text(&out, mask);
        else
            json_out_string(&out, json_get_string(m.value));
    }
    json_out_end_object(&out);
}

static void write_pairs(struct str text, struct buf *ret)
{
    while (text.len > 0) {
        char separator;
        struct str pair = take_pair(&text, &separator);
        size_t sign = str_find_byte(pair, '=');
        bool is_masked = sign < pair.len && is_secret((struct str){.data = pair.data, .len = sign});

        buf_append(ret, pair.data, is_masked ? sign + 1 : pair.len);
        if (is_masked)
            buf_append_text(ret, mask);
        if (separator != '\0')
            buf_append_char(ret, separator);
    }
}

void spark_params_write_masked(struct str text, struct buf *ret)
{
    struct str trimmed = str_trim(text);
    struct json *root = NULL;

    if (!is_secret(text)) {
        buf_append_str(ret, text);
    } else if (trimmed.data[0] != '{') {
        write_pairs(text, ret);
    } else if (json_read("sparkAdditionalParams", trimmed, &root).code == STATUS_OK &&
               json_get_kind(root) == JSON_KIND_OBJECT) {
        write_object(root, ret);
    } else {
        buf_append_text(ret, mask);
    }
    json_destroy(root);
}
