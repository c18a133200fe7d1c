/*
 * tests/unit/spec/test_import_spec.c - what makes an import right, and what is said when it is wrong.
 */
#include <stdio.h>

#include "sluice/v1/task.pb-c.h"
#include "spec/import_spec.h"
#include "tests/harness/test.h"

static const char good_reader[] =
    "{\"filePath\":\"parquet/\",\"column\":[\"id\",\"qty\",\"price\"]}";
static const char good_writer[] =
    "{\"columns\":[\"ROW||String\",\"f:qty||int\",\"f:price||DECIMAL\"],\"namespace\":\"shop\","
    "\"lindormTable\":\"orders\",\"compression\":\"zstd\"}";

static Pb__BulkloadSpec make_message(const char *reader, const char *writer)
{
    Pb__BulkloadSpec message = PB__BULKLOAD_SPEC__INIT;

    message.reader_config_json = (char *)(uintptr_t)reader;
    message.writer_config_json = (char *)(uintptr_t)writer;
    message.driver_spec = PB__DRIVER_SPEC__DRIVER_SPEC_LARGE;
    message.instances = 5;
    message.file_type = PB__FILE_TYPE__FILE_TYPE_CSV;
    return message;
}

test(import_spec_reads_the_hbase_form)
{
    Pb__BulkloadSpec message = make_message(good_reader, good_writer);
    struct violations violations = {0};
    struct import_spec *spec = NULL;

    check_status(import_spec_read(&message, &violations, &spec), STATUS_OK);
    check_str(spec->path, "parquet/");
    check_int(spec->ncolumns, 3);
    check(!spec->is_sql && spec->is_compressed && !spec->has_header);
    check(spec->columns[0].is_key && !spec->columns[1].is_key);
    check_str(spec->columns[0].target, "ROW");
    check_str(spec->columns[1].target, "f:qty");
    check_int(spec->columns[1].type, COLUMN_INT);
    check_int(spec->columns[2].type, COLUMN_DECIMAL);
    check_str(spec->namespace, "shop");
    check_str(spec->table, "orders");
    check_int(spec->delimiter, ',');
    check_int(spec->max_threads, 4);
    check(spec->timestamp_ms == INT64_MIN);
    import_spec_destroy(spec);
}

test(import_spec_reads_the_sql_form_and_csv_settings)
{
    Pb__BulkloadSpec message = make_message(
        "{\"filePath\":\"a.csv\",\"column\":[\"id|bigint\",\"b\"],\"header\":\"TRUE\","
        "\"delimite\":\"\\\\t\",\"maxBadRows\":7,\"duplicates\":\"error\"}",
        "{\"columns\":[\"id\",\"b\"],\"lindormTable\":\"t\",\"timestamp\":\"2019-11-12 20:04:32\"}");
    struct violations violations = {0};
    struct import_spec *spec = NULL;

    check_status(import_spec_read(&message, &violations, &spec), STATUS_OK);
    check(spec->is_sql && spec->has_header);
    check_str(spec->columns[0].source, "id");
    check_str(spec->namespace, "default");
    check_int(spec->delimiter, '\t');
    check_int(spec->max_bad_rows, 7);
    check_int(spec->duplicates, IMPORT_DUPLICATES_ERROR);
    check_int(spec->timestamp_ms, 1573589072000);
    import_spec_destroy(spec);
}

/* A wrong text, and the beginning of what is said. */
struct wrong {
    const char *json;
    const char *text;
};

static void check_wrong(const struct wrong *wrong, bool is_reader)
{
    Pb__BulkloadSpec message =
        make_message(is_reader ? wrong->json : good_reader, is_reader ? good_writer : wrong->json);
    struct violations violations = {0};
    struct import_spec *spec = NULL;
    struct status st = import_spec_read(&message, &violations, &spec);

    check_status(st, STATUS_INVALID_ARGUMENT);
    check(spec == NULL);
    bool is_as_designed = strncmp(st.text, wrong->text, strlen(wrong->text)) == 0;
    if (!is_as_designed)
        check_str(st.text, wrong->text);
    check_str(violations.items[0].field,
              is_reader ? "task.bulkload.reader_config_json" : "task.bulkload.writer_config_json");
}

test(import_spec_says_what_is_wrong_with_reader_config)
{
    static const struct wrong cases[] = {
        {"", "readerConfig is missing"},
        {"{", "readerConfig: not JSON: "},
        {"[]", "readerConfig is an array; a JSON object is expected"},
        {"{\"column\":[\"a\",\"b\",\"c\"]}", "readerConfig.filePath: is missing"},
        {"{\"filePath\":7,\"column\":[\"a\",\"b\",\"c\"]}",
         "readerConfig.filePath: is a number; a string is expected"},
        {"{\"filePath\":\"../x\",\"column\":[\"a\",\"b\",\"c\"]}",
         "readerConfig.filePath: '../x' is outside of the data source"},
        {"{\"filePath\":\"/etc\",\"column\":[\"a\",\"b\",\"c\"]}",
         "readerConfig.filePath: '/etc' is outside of the data source"},
        {"{\"filePath\":\"x\"}", "readerConfig.column: is missing"},
        {"{\"filePath\":\"x\",\"column\":[]}", "readerConfig.column: has 0 elements"},
        {"{\"filePath\":\"x\",\"column\":[\"a\",7,\"c\"]}", "readerConfig.column: has a number"},
        {"{\"filePath\":\"x\",\"column\":[\"a\",\"\",\"c\"]}", "readerConfig.column: a name has 0"},
        {"{\"filePath\":\"x\",\"column\":[\"a|nonsense\",\"b\",\"c\"]}",
         "readerConfig.column: 'a|nonsense' has no known type"},
        {"{\"filePath\":\"x\",\"column\":[\"a\",\"b\",\"c\"],\"delimiter\":\"ab\"}",
         "readerConfig.delimiter: 'ab' is not one ASCII character"},
        {"{\"filePath\":\"x\",\"column\":[\"a\",\"b\",\"c\"],\"delimiter\":\"\\\"\"}",
         "readerConfig.delimiter: '\"' is not one ASCII character"},
        {"{\"filePath\":\"x\",\"column\":[\"a\",\"b\",\"c\"],\"header\":\"maybe\"}",
         "readerConfig.header: is a string; true or false is expected"},
        {"{\"filePath\":\"x\",\"column\":[\"a\",\"b\",\"c\"],\"maxBadRows\":-1}",
         "readerConfig.maxBadRows: is -1; 0 to 100000 is expected"},
        {"{\"filePath\":\"x\",\"column\":[\"a\",\"b\",\"c\"],\"duplicates\":\"first\"}",
         "readerConfig.duplicates: 'first' is not \"last\" or \"error\""},
        {"{\"filePath\":\"x\",\"column\":[\"a\",\"b\",\"c\"],\"maxBadRow\":1}",
         "readerConfig: 'maxBadRow' is not known; there are filePath, "},
        {"{\"filePath\":\"x\",\"column\":[\"a\",\"b\",\"c\"],\"table\":\"t\"}",
         "readerConfig.table: belongs to MaxCompute sources, which are not supported"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_wrong(&cases[i], true);
}

test(import_spec_says_what_is_wrong_with_writer_config)
{
    static const struct wrong cases[] = {
        {"{\"columns\":[\"ROW||String\",\"f:a||Int\",\"f:b||Int\"]}",
         "writerConfig.lindormTable: is missing"},
        {"{\"lindormTable\":\"t\"}", "writerConfig.columns: is missing"},
        {"{\"lindormTable\":\"t\",\"columns\":[\"ROW||String\"]}",
         "writerConfig.columns: has 1 elements, and readerConfig.column has 3"},
        {"{\"lindormTable\":\"t\",\"columns\":[\"f:c||Int\",\"f:a||Int\",\"f:b||Int\"]}",
         "writerConfig.columns: ROW||Type is missing"},
        {"{\"lindormTable\":\"t\",\"columns\":[\"ROW||String\",\"f:a||Number\",\"f:b||Int\"]}",
         "writerConfig.columns: 'f:a||Number' has no known type: BOOLEAN, BYTE"},
        {"{\"lindormTable\":\"t\",\"columns\":[\"ROW||String\",\"a||Int\",\"f:b||Int\"]}",
         "writerConfig.columns: 'a||Int' is not ROW||Type or family:qualifier||Type"},
        {"{\"lindormTable\":\"t\",\"columns\":[\"ROW||String\",\"f:||Int\",\"f:b||Int\"]}",
         "writerConfig.columns: 'f:||Int' is not ROW||Type"},
        {"{\"lindormTable\":\"t\",\"columns\":[\"ROW||String\",\"b\",\"f:b||Int\"]}",
         "writerConfig.columns: 'b' has no ||Type, though others have"},
        {"{\"lindormTable\":\"t\",\"columns\":[\"a\",\"b\",\"a\"]}",
         "writerConfig.columns: 'a' is there twice"},
        {"{\"lindormTable\":\"t\",\"columns\":[\"a\",\"b\",\"c\"],\"compression\":\"lz4\"}",
         "writerConfig.compression: 'lz4' is not zstd or none"},
        {"{\"lindormTable\":\"t\",\"columns\":[\"a\",\"b\",\"c\"],\"timestamp\":\"soon\"}",
         "writerConfig.timestamp: is neither milliseconds since 1970 nor a time"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_wrong(&cases[i], false);
}

test(import_spec_collects_violations_of_all_fields)
{
    Pb__BulkloadSpec message = PB__BULKLOAD_SPEC__INIT;
    struct violations violations = {0};
    struct import_spec *spec = NULL;

    message.instances = 0;
    check_status(import_spec_read(&message, &violations, &spec), STATUS_INVALID_ARGUMENT);
    check_int(violations.count, 5);
    check_str(violations.items[0].text,
              "driverSpec is missing; small, medium, large or xlarge is expected");
    check_str(violations.items[1].text, "instances is 0; 1 to 1000 is expected");
    check_str(violations.items[2].text, "fileType is missing; CSV or Parquet is expected");
}

test(import_spec_counts_threads_by_driver_and_instances)
{
    static const struct {
        Pb__DriverSpec driver;
        int instances;
        unsigned threads;
    } cases[] = {{PB__DRIVER_SPEC__DRIVER_SPEC_SMALL, 9, 1},
                 {PB__DRIVER_SPEC__DRIVER_SPEC_MEDIUM, 1, 2},
                 {PB__DRIVER_SPEC__DRIVER_SPEC_XLARGE, 1, 4},
                 {PB__DRIVER_SPEC__DRIVER_SPEC_XLARGE, 2, 8}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Pb__BulkloadSpec message = make_message(good_reader, good_writer);
        struct violations violations = {0};
        struct import_spec *spec = NULL;
        message.driver_spec = cases[i].driver;
        message.instances = cases[i].instances;
        check_status(import_spec_read(&message, &violations, &spec), STATUS_OK);
        check_int(spec->max_threads, cases[i].threads);
        import_spec_destroy(spec);
    }
}

test(spark_params_take_both_forms_and_refuse_what_runs_code)
{
    static const struct {
        const char *text;
        bool is_right;
    } cases[] = {
        {"", true},
        {"spark.executor.memory=4g;spark.executor.cores=2\n", true},
        {"{\"spark.executor.memory\":\"4g\"}", true},
        {"{\"spark.executor.cores\":2}", false},
        {"{\"spark.x\":\"1\"", false},
        {"executor.memory=4g", false},
        {"spark.=1", false},
        {"spark.executor.memory", false},
        {"spark.master=local", false},
        {"spark.jars.packages=a:b:c", false},
        {"spark.driver.extraJavaOptions=-x", false},
        {"{\"spark.executor.extraClassPath\":\"x\"}", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Pb__BulkloadSpec message = make_message(good_reader, good_writer);
        struct violations violations = {0};
        struct import_spec *spec = NULL;
        message.spark_additional_params = (char *)(uintptr_t)cases[i].text;
        check_status(import_spec_read(&message, &violations, &spec),
                     cases[i].is_right ? STATUS_OK : STATUS_INVALID_ARGUMENT);
        import_spec_destroy(spec);
    }
}
