#include "spec/import_spec.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "sluice/v1/task.pb-c.h"
#include "spec/config_reader.h"
#include "spec/spark_params.h"

/* The spec as users of it see it, and the memory that its texts are in. */
struct owned_spec {
    struct import_spec spec;
    struct arena *arena;
};

#define FIELD(name) "task.bulkload." name
static const char reader_field[] = FIELD("reader_config_json");
static const char writer_field[] = FIELD("writer_config_json");

static const char *const reader_keys[] = {"filePath", "column",     "header",    "delimiter",
                                          "delimite", "maxBadRows", "duplicates"};
static const char *const max_compute_keys[] = {"table", "partition", "numPartitions"};
static const char *const writer_keys[] = {"columns", "namespace", "lindormTable", "compression",
                                          "timestamp"};

/* What the type behind "name|" may be. It is only checked: what is written decides. */
static const char *const reader_types[] = {
    "boolean", "byte",    "tinyint", "short",   "smallint", "int",       "integer", "long",
    "bigint",  "float",   "double",  "decimal", "string",   "varbinary", "binary",  "varchar",
    "char",    "numeric", "date",    "text",    "real",     "timestamp", "json",
};

static const unsigned max_threads[] = {
    [PB__DRIVER_SPEC__DRIVER_SPEC_SMALL] = 1,
    [PB__DRIVER_SPEC__DRIVER_SPEC_MEDIUM] = 2,
    [PB__DRIVER_SPEC__DRIVER_SPEC_LARGE] = 4,
    [PB__DRIVER_SPEC__DRIVER_SPEC_XLARGE] = 8,
};

static int shown(struct str text)
{
    return (int)(text.len > 60 ? 60 : text.len);
}

/* Whether one of the path's parts is "..", or it begins at the root of the file system. */
static bool leads_outside(struct str path)
{
    if (path.len > 0 && path.data[0] == '/')
        return true;
    while (path.len > 0) {
        if (str_is(str_cut(&path, '/'), ".."))
            return true;
    }
    return false;
}

static void read_path(const struct config_reader *reader, struct owned_spec *owned)
{
    struct str path = config_get_string(reader, "filePath", IMPORT_MAX_PATH_BYTES);

    if (reader->root && !config_find(reader, "filePath"))
        config_add(reader, "filePath", "is missing");
    if (leads_outside(path))
        config_add(reader, "filePath",
                   "'%.*s' is outside of the data source; a path below its root is expected",
                   shown(path), path.data);
    owned->spec.path = arena_copy_str(owned->arena, path);
}

static void read_delimiter(const struct config_reader *reader, struct import_spec *spec)
{
    const char *key = config_find(reader, "delimiter") ? "delimiter" : "delimite";
    struct str text = config_get_string(reader, key, 8);

    if (config_find(reader, "delimiter") && config_find(reader, "delimite"))
        config_add(reader, "delimite", "is there besides delimiter");
    spec->delimiter = ',';
    if (text.len == 0)
        return;
    if (str_is(text, "\\t"))
        text = str_from("\t");
    unsigned char c = (unsigned char)text.data[0];
    if (text.len == 1 && c < 0x80 && c != '"' && c != '\n' && c != '\r')
        spec->delimiter = (char)c;
    else
        config_add(reader, key, "'%.*s' is not one ASCII character other than quote and line end",
                   shown(text), text.data);
}

static void read_duplicates(const struct config_reader *reader, struct import_spec *spec)
{
    struct str text = config_get_string(reader, "duplicates", 16);

    if (text.len == 0 || str_is(text, "last"))
        spec->duplicates = IMPORT_DUPLICATES_LAST;
    else if (str_is(text, "error"))
        spec->duplicates = IMPORT_DUPLICATES_ERROR;
    else
        config_add(reader, "duplicates", "'%.*s' is not \"last\" or \"error\"", shown(text),
                   text.data);
}

static bool is_reader_type(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(reader_types); i++) {
        if (str_is_ignoring_case(name, reader_types[i]))
            return true;
    }
    return false;
}

/* The name of an element of "column"; behind a '|' a CSV column's type may stand. */
static const char *read_source(const struct config_reader *reader, const struct json *element,
                               struct owned_spec *owned)
{
    if (json_get_kind(element) != JSON_KIND_STRING) {
        config_add(reader, "column", "has %s; strings are expected", json_get_kind_name(element));
        return "";
    }
    struct str name = json_get_string(element);
    if (owned->spec.format == IMPORT_CSV && str_find_byte(name, '|') < name.len) {
        struct str rest = name;
        name = str_cut(&rest, '|');
        if (!is_reader_type(rest))
            config_add(reader, "column", "'%.*s' has no known type behind '|'",
                       shown(json_get_string(element)), name.data);
    }
    if (name.len == 0 || name.len > IMPORT_MAX_NAME_BYTES)
        config_add(reader, "column", "a name has %zu bytes; 1 to %d are taken", name.len,
                   IMPORT_MAX_NAME_BYTES);
    return arena_copy_str(owned->arena, name);
}

static void refuse_max_compute(const struct config_reader *reader)
{
    for (size_t i = 0; i < ARRAY_LEN(max_compute_keys); i++) {
        if (config_find(reader, max_compute_keys[i]))
            config_add(reader, max_compute_keys[i],
                       "belongs to MaxCompute sources, which are not supported");
    }
}

static void read_reader_config(struct str text, struct violations *violations,
                               struct owned_spec *owned)
{
    struct config_reader reader =
        config_reader_make("readerConfig", reader_field, text, IMPORT_MAX_CONFIG_BYTES, violations);
    struct import_spec *spec = &owned->spec;
    const struct json *columns = config_get_array(&reader, "column", IMPORT_MAX_COLUMNS);

    if (!config_find(&reader, "table"))
        config_refuse_others(&reader, reader_keys, ARRAY_LEN(reader_keys));
    refuse_max_compute(&reader);
    read_path(&reader, owned);
    if (reader.root && !config_find(&reader, "column"))
        config_add(&reader, "column", "is missing");
    spec->ncolumns = columns ? json_get_count(columns) : 0;
    spec->columns = arena_alloc(owned->arena, (spec->ncolumns + 1) * sizeof(*spec->columns));
    for (size_t i = 0; i < spec->ncolumns; i++)
        spec->columns[i].source = read_source(&reader, json_get_element(columns, i), owned);
    spec->has_header = config_get_bool(&reader, "header", false);
    spec->max_bad_rows = config_get_int(&reader, "maxBadRows", 0, IMPORT_MAX_BAD_ROWS, 0);
    read_delimiter(&reader, spec);
    read_duplicates(&reader, spec);
    config_reader_deinit(&reader);
}

/* One column in HBase form: "ROW||Type" or "family:qualifier||Type". */
static void read_hbase_column(const struct config_reader *reader, struct str text,
                              struct owned_spec *owned, struct import_column *column)
{
    size_t bars = str_find(text, "||");
    struct str name = {.data = text.data, .len = bars};
    struct str type = str_skip(text, bars + 2);
    size_t colon = str_find_byte(name, ':');

    if (!column_type_find(type, &column->type))
        config_add(reader, "columns", "'%.*s' has no known type: %s is expected", shown(text),
                   text.data, column_type_get_choices());
    column->is_key = str_is(name, "ROW");
    if (!column->is_key && (colon == 0 || colon + 1 >= name.len))
        config_add(reader, "columns", "'%.*s' is not ROW||Type or family:qualifier||Type",
                   shown(text), text.data);
    column->target = arena_copy_str(owned->arena, name);
}

static bool is_hbase_form(const struct json *columns)
{
    for (size_t i = 0; i < json_get_count(columns); i++) {
        const struct json *element = json_get_element(columns, i);
        if (json_get_kind(element) != JSON_KIND_STRING)
            continue;
        struct str text = json_get_string(element);
        if (str_find(text, "||") < text.len)
            return true;
    }
    return false;
}

static void read_target(const struct config_reader *reader, const struct json *element,
                        struct owned_spec *owned, struct import_column *column)
{
    column->target = "";
    if (json_get_kind(element) != JSON_KIND_STRING) {
        config_add(reader, "columns", "has %s; strings are expected", json_get_kind_name(element));
        return;
    }
    struct str text = json_get_string(element);
    if (text.len == 0 || text.len > IMPORT_MAX_NAME_BYTES + 16)
        config_add(reader, "columns", "a column has %zu bytes; 1 to %d are taken", text.len,
                   IMPORT_MAX_NAME_BYTES);
    else if (owned->spec.is_sql)
        column->target = arena_copy_str(owned->arena, text);
    else if (str_find(text, "||") == text.len)
        config_add(reader, "columns", "'%.*s' has no ||Type, though others have", shown(text),
                   text.data);
    else
        read_hbase_column(reader, text, owned, column);
}

static bool is_named_before(const struct import_spec *spec, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(spec->columns[i].target, spec->columns[index].target) == 0)
            return true;
    }
    return false;
}

/* Each target once, and in HBase form exactly one row key. */
static void check_targets(const struct config_reader *reader, const struct import_spec *spec)
{
    size_t nkeys = 0;

    for (size_t i = 0; i < spec->ncolumns; i++) {
        nkeys += spec->columns[i].is_key;
        if (spec->columns[i].target[0] != '\0' && is_named_before(spec, i))
            config_add(reader, "columns", "'%.60s' is there twice", spec->columns[i].target);
    }
    if (!spec->is_sql && nkeys == 0)
        config_add(reader, "columns", "ROW||Type is missing; exactly one column is the row key");
}

static void read_targets(const struct config_reader *reader, struct owned_spec *owned)
{
    struct import_spec *spec = &owned->spec;
    const struct json *columns = config_get_array(reader, "columns", IMPORT_MAX_COLUMNS);

    for (size_t i = 0; i < spec->ncolumns; i++)
        spec->columns[i].target = "";
    if (reader->root && !config_find(reader, "columns"))
        config_add(reader, "columns", "is missing");
    if (!columns)
        return;
    if (spec->ncolumns > 0 && json_get_count(columns) != spec->ncolumns) {
        config_add(reader, "columns",
                   "has %zu elements, and readerConfig.column has %zu; they match by position",
                   json_get_count(columns), spec->ncolumns);
        return;
    }
    spec->is_sql = !is_hbase_form(columns);
    for (size_t i = 0; i < spec->ncolumns; i++)
        read_target(reader, json_get_element(columns, i), owned, &spec->columns[i]);
    check_targets(reader, spec);
}

static void read_timestamp(const struct config_reader *reader, struct import_spec *spec)
{
    const struct json *value = config_find(reader, "timestamp");
    char text[48]; /* the longest right form has 23 bytes */
    int64_t time_us = 0;

    spec->timestamp_ms = INT64_MIN;
    if (!value)
        return;
    if (json_get_kind(value) == JSON_KIND_INT && json_get_int(value) >= 0) {
        spec->timestamp_ms = json_get_int(value);
        return;
    }
    struct str given =
        json_get_kind(value) == JSON_KIND_STRING ? json_get_string(value) : (struct str){0};
    if (number_read("timestamp", given, 0, INT64_MAX, &spec->timestamp_ms).code == STATUS_OK)
        return;
    int n = snprintf(text, sizeof(text), "%.*sZ", shown(given), given.data ? given.data : "");
    if (n > 0 && (size_t)n < sizeof(text) &&
        clock_read_text(str_from(text), &time_us).code == STATUS_OK) {
        spec->timestamp_ms = time_us / 1000;
        return;
    }
    config_add(reader, "timestamp",
               "is neither milliseconds since 1970 nor a time like 2026-01-02 03:04:05 (UTC)");
}

static void read_compression(const struct config_reader *reader, struct import_spec *spec)
{
    struct str text = config_get_string(reader, "compression", 16);

    spec->is_compressed = str_is_ignoring_case(text, "zstd");
    if (text.len > 0 && !spec->is_compressed && !str_is_ignoring_case(text, "none"))
        config_add(reader, "compression", "'%.*s' is not zstd or none", shown(text), text.data);
}

static void read_writer_config(struct str text, struct violations *violations,
                               struct owned_spec *owned)
{
    struct config_reader reader =
        config_reader_make("writerConfig", writer_field, text, IMPORT_MAX_CONFIG_BYTES, violations);
    struct import_spec *spec = &owned->spec;
    struct str namespace = config_get_string(&reader, "namespace", IMPORT_MAX_NAME_BYTES);
    struct str table = config_get_string(&reader, "lindormTable", IMPORT_MAX_NAME_BYTES);

    config_refuse_others(&reader, writer_keys, ARRAY_LEN(writer_keys));
    if (reader.root && !config_find(&reader, "lindormTable"))
        config_add(&reader, "lindormTable", "is missing");
    spec->namespace = arena_copy_str(owned->arena, namespace.len ? namespace : str_from("default"));
    spec->table = arena_copy_str(owned->arena, table);
    read_targets(&reader, owned);
    read_compression(&reader, spec);
    read_timestamp(&reader, spec);
    config_reader_deinit(&reader);
}

/* What is not in the two JSON texts. */
static void read_size(const Pb__BulkloadSpec *message, struct violations *violations,
                      struct import_spec *spec)
{
    int driver = (int)message->driver_spec;
    bool is_driver = driver > 0 && driver < (int)ARRAY_LEN(max_threads);

    if (!is_driver)
        violations_add(violations, FIELD("driver_spec"),
                       "driverSpec is %s; small, medium, large or xlarge is expected",
                       driver == 0 ? "missing" : "not known");
    if (message->instances < 1 || message->instances > IMPORT_MAX_INSTANCES)
        violations_add(violations, FIELD("instances"), "instances is %d; 1 to %d is expected",
                       message->instances, IMPORT_MAX_INSTANCES);
    unsigned by_driver = is_driver ? max_threads[driver] : 1;
    unsigned by_instances = message->instances > 1 ? 8 : 4;
    spec->max_threads = by_driver < by_instances ? by_driver : by_instances;

    if (message->file_type == PB__FILE_TYPE__FILE_TYPE_CSV)
        spec->format = IMPORT_CSV;
    else if (message->file_type == PB__FILE_TYPE__FILE_TYPE_PARQUET)
        spec->format = IMPORT_PARQUET;
    else
        violations_add(violations, FIELD("file_type"), "fileType is %s; CSV or Parquet is expected",
                       message->file_type == 0 ? "missing" : "not known");
}

struct status import_spec_read(const Pb__BulkloadSpec *message, struct violations *violations,
                               struct import_spec **ret)
{
    struct owned_spec *owned = mem_alloc(sizeof(*owned));

    owned->arena = arena_create(0);
    read_size(message, violations, &owned->spec);
    read_reader_config(str_from(message->reader_config_json), violations, owned);
    read_writer_config(str_from(message->writer_config_json), violations, owned);
    spark_params_validate(str_from(message->spark_additional_params),
                          FIELD("spark_additional_params"), violations);
    struct status st = violations_get_status(violations);
    if (st.code != STATUS_OK)
        import_spec_destroy(&owned->spec);
    else
        *ret = &owned->spec;
    return st;
}

void import_spec_destroy(struct import_spec *spec)
{
    if (!spec)
        return;

    struct owned_spec *owned = container_of(spec, struct owned_spec, spec);
    arena_destroy(owned->arena);
    mem_free(owned);
}
