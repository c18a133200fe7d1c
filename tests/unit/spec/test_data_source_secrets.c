/*
 * tests/unit/spec/test_data_source_secrets.c - secrets of data sources: masked, kept, and not sent elsewhere.
 */
#include "spec/data_source_secrets.h"
#include "tests/harness/test.h"

enum {
    FILES = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_FILE,
    POSTGRES = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_POSTGRES,
    HBASE = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HBASE,
    LINDORM = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_LINDORM,
    S3 = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_S3,
    SPARK = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_SPARK,
};

test(data_source_secrets_are_masked)
{
    static const struct {
        int type;
        const char *json, *masked;
    } cases[] = {
        {POSTGRES, "{\"url\":\"postgresql://u:s3cret@h/d\",\"password\":\"s3cret\"}",
         "{\"url\":\"postgresql://u:***@h/d\",\"password\":\"***\"}"},
        {POSTGRES, "{\"url\":\"postgresql://u:a@b:c@h/d\"}",
         "{\"url\":\"postgresql://u:***@h/d\"}"},
        {POSTGRES, "{\"url\":\"postgresql://u@h/d\"}", "{\"url\":\"postgresql://u@h/d\"}"},
        {POSTGRES, "{\"pasword\":\"s3cret\",\"url\":[\"s3cret\"]}",
         "{\"pasword\":\"***\",\"url\":\"***\"}"},
        {POSTGRES, "no json s3cret", "{}"},
        {POSTGRES, "[\"s3cret\"]", "{}"},
        {0, "{\"password\":\"s3cret\"}", "{\"password\":\"***\"}"},
        {HBASE, "{\"clusterKey\":\"z:1:/h\",\"hosts\":{\"a\":\"10.0.0.1\"},\"username\":\"u\"}",
         "{\"clusterKey\":\"z:1:/h\",\"hosts\":{\"a\":\"10.0.0.1\"},\"username\":\"u\"}"},
        {LINDORM, "{\"clusterKey\":\"ld:30020:u:s3:cret\"}", "{\"clusterKey\":\"ld:30020:u:***\"}"},
        {S3,
         "{\"accessKeyId\":\"a\",\"secretAccessKey\":\"s3cret\",\"sessionToken\":\"s3cret\","
         "\"pathStyle\":true}",
         "{\"accessKeyId\":\"a\",\"secretAccessKey\":\"***\",\"sessionToken\":\"***\","
         "\"pathStyle\":true}"},
        {SPARK, "{\"url\":\"http://m:6066\",\"token\":\"s3cret\"}",
         "{\"url\":\"http://m:6066\",\"token\":\"***\"}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf masked = {0};
        data_source_write_masked((Pb__DataSourceType)cases[i].type, cases[i].json, &masked);
        check_str(buf_get_text(&masked), cases[i].masked);
        buf_deinit(&masked);
    }
}

/* Merges; result is the merged parameters, or "" if there are violations, whose first is text. */
static void check_merged(int type, const char *old_json, const char *new_json, const char *result,
                         const char *text)
{
    struct violations violations = {0};
    struct buf merged = {0};

    data_source_merge((Pb__DataSourceType)type, old_json, new_json, &violations, &merged);
    check_str(violations.items[0].text, text);
    if (violations.count == 0)
        check_str(buf_get_text(&merged), result);
    buf_deinit(&merged);
}

test(data_source_update_keeps_secrets_that_read_as_masked)
{
    static const char postgres[] = "{\"url\":\"postgresql://u:old@h/d\",\"password\":\"pw\"}";
    static const char lindorm[] = "{\"clusterKey\":\"ld:30020:u:old\"}";
    static const char s3[] = "{\"endpoint\":\"https://s\",\"bucket\":\"b\",\"accessKeyId\":\"a\","
                             "\"secretAccessKey\":\"old\"}";
    static const struct {
        int type;
        const char *old_json, *new_json, *merged;
    } cases[] = {
        {POSTGRES, postgres, "{\"url\":\"postgresql://u:***@h/d\",\"password\":\"***\"}", postgres},
        {POSTGRES, postgres, "{\"url\":\"postgresql://u:new@h/d\",\"password\":\"***\"}",
         "{\"url\":\"postgresql://u:new@h/d\",\"password\":\"pw\"}"},
        {POSTGRES, postgres, "{\"url\":\"postgresql://u:new@h2/d\",\"password\":\"np\"}",
         "{\"url\":\"postgresql://u:new@h2/d\",\"password\":\"np\"}"},
        {POSTGRES, postgres, "{\"url\":\"postgresql://h/d\"}", "{\"url\":\"postgresql://h/d\"}"},
        {LINDORM, lindorm, "{\"clusterKey\":\"ld:30020:u:***\"}", lindorm},
        {S3, s3,
         "{\"endpoint\":\"https://s\",\"bucket\":\"c\",\"accessKeyId\":\"a\","
         "\"secretAccessKey\":\"***\",\"pathStyle\":false}",
         "{\"endpoint\":\"https://s\",\"bucket\":\"c\",\"accessKeyId\":\"a\","
         "\"secretAccessKey\":\"old\",\"pathStyle\":false}"},
        {HBASE, "{\"clusterKey\":\"z:1:/h\"}",
         "{\"clusterKey\":\"y:1:/h\",\"username\":\"***\",\"hosts\":{\"a\":\"::1\"}}",
         "{\"clusterKey\":\"y:1:/h\",\"username\":\"***\",\"hosts\":{\"a\":\"::1\"}}"},
        {FILES, "{\"root\":\"/a\"}", "{\"root\":\"/b\"}", "{\"root\":\"/b\"}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_merged(cases[i].type, cases[i].old_json, cases[i].new_json, cases[i].merged, "");
}

test(data_source_secret_is_not_kept_for_another_place)
{
    static const struct {
        int type;
        const char *old_json, *new_json, *text;
    } cases[] = {
        {POSTGRES, "{\"url\":\"postgresql://u@h/d\",\"password\":\"pw\"}",
         "{\"url\":\"postgresql://u@h2/d\",\"password\":\"***\"}",
         "parameters.password: *** stands for the stored secret, which is not sent to where the new "
         "url points; send the secret again"},
        {POSTGRES, "{\"url\":\"postgresql://u:pw@h/d\"}",
         "{\"url\":\"postgresql://u:***@h/d?host=h2\"}",
         "parameters.url: *** stands for the stored secret, which is not sent to where the new url "
         "points; send the secret again"},
        {POSTGRES, "{\"url\":\"postgresql://u:pw@h/d\",\"password\":\"pw\"}",
         "{\"url\":\"postgresql://u@h/d\",\"password\":\"***\"}",
         "parameters.password: *** stands for the stored secret, which is not sent to where the new "
         "url points; send the secret again"},
        {LINDORM, "{\"clusterKey\":\"ld:30020:u:pw\"}", "{\"clusterKey\":\"evil:30020:u:***\"}",
         "parameters.clusterKey: *** stands for the stored secret, which is not sent to where the "
         "new clusterKey points; send the secret again"},
        {S3, "{\"endpoint\":\"https://s\",\"bucket\":\"b\",\"sessionToken\":\"t\"}",
         "{\"endpoint\":\"http://s\",\"bucket\":\"b\",\"sessionToken\":\"***\"}",
         "parameters.sessionToken: *** stands for the stored secret, which is not sent to where the "
         "new endpoint points; send the secret again"},
        {SPARK, "{\"url\":\"http://m:6066\",\"token\":\"t\"}",
         "{\"url\":\"http://m:6067\",\"token\":\"***\"}",
         "parameters.token: *** stands for the stored secret, which is not sent to where the new url "
         "points; send the secret again"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_merged(cases[i].type, cases[i].old_json, cases[i].new_json, "", cases[i].text);
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
        struct buf merged = {0};
        data_source_merge((Pb__DataSourceType)POSTGRES, "{}", cases[i].json, &violations, &merged);
        check_int(violations.count, cases[i].count);
        buf_deinit(&merged);
    }
    check_merged(POSTGRES, "{}", "{\"url\":\"postgresql://u@h/d\",\"password\":\"***\"}", "",
                 "parameters.password: *** stands for a stored secret, and none is stored");
}
