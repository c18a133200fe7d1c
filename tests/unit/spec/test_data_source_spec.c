/*
 * tests/unit/spec/test_data_source_spec.c - parameters of data sources, and their secrets.
 */
#include "base/mem.h"
#include "spec/data_source_spec.h"
#include "tests/harness/test.h"

enum {
    FILE_TYPE = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_FILE,
    POSTGRES = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_POSTGRES,
};

/* What is said of a password whose '@' or '/' is not encoded. */
static const char stray_at[] =
    "parameters.url: has a '@' that does not end user and password; write %40 for '@' and %2F for "
    "'/' in them";

test(data_source_names_are_plain)
{
    static const struct {
        const char *name;
        bool is_right;
    } cases[] = {{"hdfs", true}, {"ld-uf6.x_1", true}, {"", false},        {"-x", false},
                 {"a b", false}, {"a/b", false},       {"\xc3\xa9", false}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct violations violations = {0};
        data_source_validate_name(cases[i].name, "name", &violations);
        check_int(violations.count, cases[i].is_right ? 0 : 1);
    }
}

test(data_source_name_has_its_limit)
{
    char name[DATA_SOURCE_MAX_NAME_BYTES + 2] = {0};
    struct violations violations = {0};

    memset(name, 'a', DATA_SOURCE_MAX_NAME_BYTES);
    data_source_validate_name(name, "name", &violations);
    check_int(violations.count, 0);
    name[DATA_SOURCE_MAX_NAME_BYTES] = 'a';
    data_source_validate_name(name, "name", &violations);
    check_int(violations.count, 1);
}

test(data_source_parameters_are_checked_by_type)
{
    static const struct {
        int type;
        const char *json;
        const char *text; /* "" if it is right */
    } cases[] = {
        {FILE_TYPE, "{\"root\":\"/data\"}", ""},
        {FILE_TYPE, "{\"root\":\"data\"}", "parameters.root: 'data' is not an absolute path"},
        {FILE_TYPE, "{}", "parameters.root: is missing"},
        {FILE_TYPE, "{\"root\":\"/d\",\"url\":\"x\"}",
         "parameters: 'url' is not known; there are root"},
        {POSTGRES, "{\"url\":\"postgresql://u@h/d\",\"password\":\"p\"}", ""},
        {POSTGRES, "{\"url\":\"mysql://h\"}", "parameters.url: does not begin with postgresql://"},
        {POSTGRES, "{\"url\":\"postgresql://h?password=x\"}",
         "parameters.url: has a password in its query; use the parameter password"},
        {POSTGRES, "{\"url\":\"postgresql://h?pass%77ord=x\"}",
         "parameters.url: has a '%' in a key of its query"},
        {POSTGRES, "{\"url\":\"postgresql://u:p%40@h/d?options=a%20b\"}", ""},
        {POSTGRES, "{\"url\":\"postgresql://u:s3/cret@h/d\"}", stray_at},
        {POSTGRES, "{\"url\":\"postgresql://u:s3@cret@h/d\"}", stray_at},
        {POSTGRES, "{\"url\":\"postgresql://h/d?application_name=a@b\"}", stray_at},
        {POSTGRES, "[]", "parameters is an array; a JSON object is expected"},
        {0, "{}", "the data source's type is missing; FILE or POSTGRES is expected"},
        {99, "{}", "the data source's type is not known; FILE or POSTGRES is expected"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct violations violations = {0};
        data_source_validate_parameters((Pb__DataSourceType)cases[i].type, cases[i].json,
                                        &violations);
        check_int(violations.count, cases[i].text[0] ? 1 : 0);
        check_str(violations.items[0].text, cases[i].text);
    }
}

test(data_source_secrets_are_masked)
{
    static const struct {
        const char *json, *masked;
    } cases[] = {
        {"{\"url\":\"postgresql://u:s3cret@h/d\",\"password\":\"s3cret\"}",
         "{\"url\":\"postgresql://u:***@h/d\",\"password\":\"***\"}"},
        {"{\"url\":\"postgresql://u:a@b:c@h/d\"}", "{\"url\":\"postgresql://u:***@h/d\"}"},
        {"{\"url\":\"postgresql://u@h/d\"}", "{\"url\":\"postgresql://u@h/d\"}"},
        {"{\"pasword\":\"s3cret\",\"url\":[\"s3cret\"]}", "{\"pasword\":\"***\",\"url\":\"***\"}"},
        {"no json s3cret", "{}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf masked = {0};
        data_source_write_masked((Pb__DataSourceType)POSTGRES, cases[i].json, &masked);
        check_str(buf_get_text(&masked), cases[i].masked);
        buf_deinit(&masked);
    }
}

test(data_source_update_keeps_secrets_that_read_as_masked)
{
    static const struct {
        const char *new_json, *merged;
    } cases[] = {
        {"{\"url\":\"postgresql://u:***@h2/d\",\"password\":\"***\"}",
         "{\"url\":\"postgresql://u:old@h2/d\",\"password\":\"pw\"}"},
        {"{\"url\":\"postgresql://u:new@h/d\",\"password\":\"np\"}",
         "{\"url\":\"postgresql://u:new@h/d\",\"password\":\"np\"}"},
        {"{\"url\":\"postgresql://h/d\"}", "{\"url\":\"postgresql://h/d\"}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf merged = {0};
        check_status(data_source_merge((Pb__DataSourceType)POSTGRES,
                                       "{\"url\":\"postgresql://u:old@h/d\",\"password\":\"pw\"}",
                                       cases[i].new_json, &merged),
                     STATUS_OK);
        check_str(buf_get_text(&merged), cases[i].merged);
        buf_deinit(&merged);
    }
}

test(data_source_parameter_is_read_or_not_there)
{
    char *value = NULL;

    check_status(data_source_read_parameter("{\"root\":\"/d\"}", "root", &value), STATUS_OK);
    check_str(value, "/d");
    mem_free(value);
    check_status(data_source_read_parameter("{}", "root", &value), STATUS_OK);
    check(value == NULL);
    check_status(data_source_read_parameter("{\"root\":7}", "root", &value),
                 STATUS_INVALID_ARGUMENT);
}

test(data_source_refuses_a_mask_where_no_secret_is_stored)
{
    static const struct {
        const char *json;
        unsigned count;
    } cases[] = {{"{\"url\":\"postgresql://u:***@h/d\"}", 1},
                 {"{\"url\":\"postgresql://u:***@h/d\",\"password\":\"***\"}", 2},
                 {"{\"url\":\"postgresql://u:x@h/d\",\"password\":\"x\"}", 0},
                 {"{\"url\":\"postgresql://u@h/***\"}", 0}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct violations violations = {0};
        data_source_validate_secrets((Pb__DataSourceType)POSTGRES, cases[i].json, &violations);
        check_int(violations.count, cases[i].count);
    }
}
