#include "spec/migration_spec.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/number.h"
#include "base/utf8.h"
#include "sluice/v1/task.pb-c.h"
#include "spec/extra_attrs.h"

#define FIELD(name) "task.full_migration." name

enum {
    MAX_KEY_TEXT_BYTES = 4 * MIGRATION_MAX_KEY_BYTES, /* "\x00" stands for one byte */
    MAX_COLUMN_BYTES = 1024,
    MAX_SHOWN_BYTES = 60,
};

static const char *const keys[] = {"bandWidth", "concurrency", "startTs", "endTs",
                                   "startKey",  "endKey",      "cols",    "verify",
                                   "mode",      "repair",      "onError", "bulkload"};

static const char *const mode_choices[] = {
    [MIGRATION_COPY] = "COPY",
    [MIGRATION_VERIFY_ONLY] = "VERIFY_ONLY",
};

static const char *const verify_choices[] = {
    [MIGRATION_VERIFY_NONE] = "none",
    [MIGRATION_VERIFY_COUNT] = "count",
    [MIGRATION_VERIFY_FULL] = "full",
};

static const char *const on_error_choices[] = {
    [MIGRATION_ON_ERROR_STOP] = "stop",
    [MIGRATION_ON_ERROR_SKIP] = "skip",
};

/* Times: milliseconds since 1970, or yyyyMMddHHmmss in UTC. Only the latter have 14 digits. */

static const int64_t first_date = INT64_C(10000000000000); /* 14 digits */
static const int64_t end_of_dates = INT64_C(100000000000000);

static bool read_date(int64_t digits, int64_t *ret_ms)
{
    char text[24]; /* 14 digits and the marks of RFC 3339 */
    int64_t time_us;
    int date = (int)(digits / 1000000), time = (int)(digits % 1000000);

    int n = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", date / 10000,
                     date / 100 % 100, date % 100, time / 10000, time / 100 % 100, time % 100);
    assert(n > 0 && (size_t)n < sizeof(text));
    if (clock_read_text(str_from(text), &time_us).code != STATUS_OK)
        return false;
    *ret_ms = time_us / 1000;
    return true;
}

static int64_t read_time(const struct config_reader *attrs, const char *key, int64_t default_ms)
{
    const struct json *value = config_find(attrs, key);
    int64_t number = -1;

    if (!value)
        return default_ms;
    if (json_get_kind(value) == JSON_KIND_INT)
        number = json_get_int(value);
    else if (json_get_kind(value) == JSON_KIND_STRING &&
             number_read(key, json_get_string(value), 0, end_of_dates - 1, &number).code !=
                 STATUS_OK)
        number = -1;
    if (number >= 0 && number < first_date)
        return number;
    if (number >= 0 && number < end_of_dates && read_date(number, &number))
        return number;
    config_add(attrs, key,
               "is neither milliseconds since 1970 nor a time as yyyyMMddHHmmss (UTC), such as"
               " 20260102030405");
    return default_ms;
}

/* Row keys: text in which "\xHH" stands for a byte, as HBase's shell shows them. */

static int get_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static struct str decode_key(struct str text, struct arena *arena)
{
    char *bytes = arena_alloc(arena, text.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < text.len; len++) {
        bool is_escape = i + 4 <= text.len && text.data[i] == '\\' && text.data[i + 1] == 'x' &&
                         get_digit(text.data[i + 2]) >= 0 && get_digit(text.data[i + 3]) >= 0;

        bytes[len] = is_escape
                         ? (char)(get_digit(text.data[i + 2]) * 16 + get_digit(text.data[i + 3]))
                         : text.data[i];
        i += is_escape ? 4 : 1;
    }
    return str_from_bytes(bytes, len);
}

static struct str read_key(const struct config_reader *attrs, const char *name, struct arena *arena)
{
    struct str key = decode_key(config_get_string(attrs, name, MAX_KEY_TEXT_BYTES), arena);

    if (key.len > MIGRATION_MAX_KEY_BYTES)
        config_add(attrs, name, "has %zu bytes; a row key has at most %d", key.len,
                   MIGRATION_MAX_KEY_BYTES);
    return key;
}

static bool is_before(struct str a, struct str b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return order < 0 || (order == 0 && a.len < b.len);
}

static void read_range(const struct config_reader *attrs, struct arena *arena,
                       struct migration_spec *spec)
{
    spec->start_ms = read_time(attrs, "startTs", 0);
    spec->end_ms = read_time(attrs, "endTs", INT64_MAX);
    if (spec->start_ms >= spec->end_ms)
        config_add(attrs, "endTs",
                   "is %" PRId64 " ms; more than startTs, %" PRId64 " ms, is expected",
                   spec->end_ms, spec->start_ms);
    spec->start_key = read_key(attrs, "startKey", arena);
    spec->end_key = read_key(attrs, "endKey", arena);
    if (spec->start_key.len > 0 && spec->end_key.len > 0 &&
        !is_before(spec->start_key, spec->end_key))
        config_add(attrs, "endKey", "is not behind startKey");
}

/* Columns: "family" or "family:qualifier". */

/* Whether HBase takes it as a family's name (ColumnFamilyDescriptorBuilder). */
static bool is_family(struct str name)
{
    if (name.len == 0 || name.data[0] == '.' || str_is(name, "recovered.edits"))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];

        if (c < ' ' || c == 0x7f || c == '/' || c == '\\')
            return false;
    }
    return true;
}

static void read_column(const struct config_reader *attrs, const struct json *element,
                        struct arena *arena, struct migration_column *column)
{
    if (json_get_kind(element) != JSON_KIND_STRING) {
        config_add(attrs, "cols", "has %s; strings are expected", json_get_kind_name(element));
        return;
    }
    struct str text = json_get_string(element);
    int shown = (int)utf8_fit(text, MAX_SHOWN_BYTES);
    if (text.len > MAX_COLUMN_BYTES) {
        config_add(attrs, "cols", "'%.*s' has %zu bytes; at most %d are taken", shown, text.data,
                   text.len, MAX_COLUMN_BYTES);
        return;
    }
    struct str rest = str_from(arena_copy_str(arena, text));
    column->family = str_cut(&rest, ':');
    column->is_whole_family = rest.data == NULL;
    column->qualifier = rest;
    if (!is_family(column->family))
        config_add(attrs, "cols", "'%.*s' is not a family, such as f, or a column, such as f:a",
                   shown, text.data);
}

/* Whether one of the columns has to do with the other one: they are equal, or one is its family. */
static bool is_overlapping(const struct migration_column *a, const struct migration_column *b)
{
    return str_is_equal(a->family, b->family) &&
           (a->is_whole_family || b->is_whole_family || str_is_equal(a->qualifier, b->qualifier));
}

static void check_columns(const struct config_reader *attrs, const struct json *array,
                          const struct migration_column *columns, size_t ncolumns)
{
    for (size_t i = 1; i < ncolumns; i++) {
        size_t j = 0;

        while (j < i && !(columns[i].family.len > 0 && is_overlapping(&columns[i], &columns[j])))
            j++;
        if (j == i)
            continue;
        struct str text = json_get_string(json_get_element(array, i));
        config_add(attrs, "cols", "'%.*s' is there twice, by itself or in its family",
                   (int)utf8_fit(text, MAX_SHOWN_BYTES), text.data);
    }
}

static void read_columns(const struct config_reader *attrs, struct arena *arena,
                         struct migration_spec *spec)
{
    const struct json *array = config_get_array(attrs, "cols", MIGRATION_MAX_COLUMNS);
    size_t ncolumns = array ? json_get_count(array) : 0;
    struct migration_column *columns = arena_alloc(arena, (ncolumns + 1) * sizeof(*columns));

    for (size_t i = 0; i < ncolumns; i++)
        read_column(attrs, json_get_element(array, i), arena, &columns[i]);
    check_columns(attrs, array, columns, ncolumns);
    spec->columns = columns;
    spec->ncolumns = ncolumns;
}

/* Where the destination's files are put. */
static void read_load(const struct config_reader *attrs, struct arena *arena,
                      struct migration_spec *spec)
{
    spec->folder = extra_attrs_read_folder(attrs, arena);
    if (spec->folder && !spec->has_to_load)
        config_add(
            attrs, "bulkload",
            "says where files are put, though none are to be loaded; the task's own bulkload "
            "must be true then");
}

/* What is compared, and whether that is all there is to do. */
static void read_verification(const struct config_reader *attrs, struct migration_spec *spec)
{
    spec->mode = (enum migration_mode)extra_attrs_read_choice(attrs, "mode", mode_choices,
                                                              ARRAY_LEN(mode_choices));
    spec->verify = (enum migration_verify)extra_attrs_read_choice(attrs, "verify", verify_choices,
                                                                  ARRAY_LEN(verify_choices));
    spec->has_to_repair = config_get_bool(attrs, "repair", false);
    if (spec->mode == MIGRATION_VERIFY_ONLY) {
        if (!config_find(attrs, "verify"))
            spec->verify = MIGRATION_VERIFY_FULL;
        if (spec->verify == MIGRATION_VERIFY_NONE)
            config_add(attrs, "verify",
                       "is none, though mode is VERIFY_ONLY; count or full is"
                       " expected");
        if (spec->has_to_load || spec->has_to_create)
            config_add(attrs, "mode",
                       "is VERIFY_ONLY, which copies nothing; bulkload and"
                       " createTable must be false then");
    }
    if (spec->has_to_repair && spec->verify != MIGRATION_VERIFY_FULL)
        config_add(attrs, "repair", "is true, though verify is %s; it takes full",
                   verify_choices[spec->verify]);
}

void migration_spec_read(const Pb__FullMigrationSpec *message, bool is_one_source,
                         struct arena *arena, struct violations *violations,
                         struct migration_spec *ret)
{
    const struct table_names_rules rules = {
        .field = FIELD("table_names"), .has_patterns = true, .is_one_source = is_one_source};
    struct config_reader attrs =
        extra_attrs_make(FIELD("extra_attrs_json"), message->extra_attrs_json, violations);
    struct migration_spec spec = {
        .has_to_load = message->bulkload,
        .has_to_create = message->create_table,
    };

    table_names_read(message->table_names, message->n_table_names, &rules, arena, violations,
                     &spec.tables);
    config_refuse_others(&attrs, keys, ARRAY_LEN(keys));
    spec.max_bytes_s_per_thread = extra_attrs_read_bandwidth(&attrs);
    spec.concurrency =
        (unsigned)config_get_int(&attrs, "concurrency", 1, MIGRATION_MAX_CONCURRENCY, 0);
    read_range(&attrs, arena, &spec);
    read_columns(&attrs, arena, &spec);
    read_verification(&attrs, &spec);
    read_load(&attrs, arena, &spec);
    spec.on_error = (enum migration_on_error)extra_attrs_read_choice(
        &attrs, "onError", on_error_choices, ARRAY_LEN(on_error_choices));
    config_reader_deinit(&attrs);
    *ret = spec;
}
