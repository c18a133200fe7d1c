#include "spec/spark_params.h"

#include "base/json_in.h"
#include "spec/import_spec.h"

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

static void check_pairs(struct str text, const char *field, struct violations *violations)
{
    unsigned count = 0;

    while (text.len > 0) {
        size_t end = 0;
        while (end < text.len && text.data[end] != ';' && text.data[end] != '\n')
            end++;
        struct str pair = str_trim((struct str){.data = text.data, .len = end});
        text = end < text.len ? str_skip(text, end + 1) : (struct str){0};
        if (pair.len == 0)
            continue;
        if (++count > IMPORT_MAX_SPARK_PARAMS) {
            violations_add(violations, field,
                           "sparkAdditionalParams: at most %d settings are taken",
                           IMPORT_MAX_SPARK_PARAMS);
            return;
        }
        size_t sign = str_find_byte(pair, '=');
        if (sign == pair.len)
            violations_add(violations, field, "sparkAdditionalParams: '%.*s' is not key=value",
                           (int)(pair.len > 80 ? 80 : pair.len), pair.data);
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
