/*
 * tests/unit/spec/test_spark_params.c - which settings of Spark are not shown.
 */
#include "spec/spark_params.h"
#include "tests/harness/test.h"

test(spark_params_show_no_secrets)
{
    static const struct {
        const char *text, *masked;
    } cases[] = {
        {"", ""},
        {"{ \"spark.a\" : \"1\" }", "{ \"spark.a\" : \"1\" }"},
        {"{\"spark.a\":\"1\",\"spark.hadoop.fs.oss.accessKeySecret\":\"s3\"}",
         "{\"spark.a\":\"1\",\"spark.hadoop.fs.oss.accessKeySecret\":\"***\"}"},
        {"spark.a=1; spark.ssl.keyPassword = s3=x \nspark.b=2",
         "spark.a=1; spark.ssl.keyPassword =***\nspark.b=2"},
        {"spark.a=token", "spark.a=token"},
        {"spark.x.TOKEN=s3;", "spark.x.TOKEN=***;"},
        {"{\"spark.secret\":\"s3\"", "***"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf masked = {0};
        spark_params_write_masked(str_from(cases[i].text), &masked);
        check_str(buf_get_text(&masked), cases[i].masked);
        buf_deinit(&masked);
    }
}
