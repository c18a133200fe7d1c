/*
 * tests/unit/spec/test_data_source_endpoints.c - the servers that data sources name.
 */
#include "spec/data_source_endpoints.h"
#include "tests/harness/test.h"

enum {
    FILES = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_FILE,
    POSTGRES = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_POSTGRES,
    HBASE = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HBASE,
    LINDORM = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_LINDORM,
    HDFS = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HDFS,
    S3 = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_S3,
    SPARK = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_SPARK,
};

/* The endpoints as "host:port[=address] ...", or what is wrong. */
static const char *read_endpoints(int type, const char *json, struct buf *text)
{
    struct data_source_endpoints endpoints = {0};
    struct status st = data_source_endpoints_read((Pb__DataSourceType)type, json, &endpoints);

    buf_clear(text);
    for (size_t i = 0; st.code == STATUS_OK && i < endpoints.count; i++)
        buf_printf(text, "%s%s:%d%s%s", i ? " " : "", endpoints.items[i].host,
                   endpoints.items[i].port, endpoints.items[i].address ? "=" : "",
                   endpoints.items[i].address ? endpoints.items[i].address : "");
    if (st.code != STATUS_OK)
        buf_append_text(text, st.text);
    data_source_endpoints_deinit(&endpoints);
    return buf_get_text(text);
}

test(data_source_endpoints_are_those_that_the_parameters_name)
{
    static const struct {
        int type;
        const char *json;
        const char *expected;
    } cases[] = {
        {FILES, "{\"root\":\"/data\"}", ""},
        {POSTGRES, "{\"url\":\"postgresql://u:p@h1:6543,h2/d\"}", "h1:6543 h2:5432"},
        {POSTGRES, "{\"url\":\"postgresql://[::1]:6543/d?sslmode=require\"}", "::1:6543"},
        {POSTGRES, "{\"url\":\"postgresql:///d?host=/tmp/s&port=7000\"}", "/tmp/s:7000"},
        {POSTGRES, "{\"url\":\"postgresql://%2Ftmp%2Fs/d\"}", "/tmp/s:5432"},
        {POSTGRES, "{\"url\":\"postgresql://h1,h2/d?port=7000\"}", "h1:7000 h2:7000"},
        {POSTGRES, "{\"url\":\"postgresql://a:1/d?host=b,c&port=2,3\"}", "b:2 c:3"},
        {POSTGRES, "{\"url\":\"postgresql://name/d?hostaddr=10.0.0.1\"}", "10.0.0.1:5432"},
        {POSTGRES, "{\"url\":\"postgresql://u:a?b@h/d\"}", "h:5432"},
        {POSTGRES, "{\"url\":\"postgresql:///d\"}", ""},
        {HBASE, "{\"clusterKey\":\"zk1,zk2,zk3:2181:/hbase\"}", "zk1:2181 zk2:2181 zk3:2181"},
        {HBASE, "{\"clusterKey\":\"zk1:2182,zk2:2181:/hbase\"}", "zk1:2182 zk2:2181"},
        {HBASE, "{\"clusterKey\":\"zk1:2182,zk2:2183:2181:/hbase\"}", "zk1:2182 zk2:2183"},
        {HBASE, "{\"clusterKey\":\"hbase+zk://zk1:2182,zk2/hbase\"}", "zk1:2182 zk2:2181"},
        {HBASE, "{\"clusterKey\":\"hbase+rpc://m1,m2:16020\",\"hosts\":{\"m2\":\"10.0.0.2\"}}",
         "m1:16000 m2:16020=10.0.0.2"},
        {LINDORM, "{\"clusterKey\":\"ld.example\"}", "ld.example:30020"},
        {LINDORM, "{\"clusterKey\":\"ld.example:30021:user:pass:word\"}", "ld.example:30021"},
        {HDFS, "{\"url\":\"http://nn1:9870,https://nn2:9871/\"}", "nn1:9870 nn2:9871"},
        {S3, "{\"endpoint\":\"https://s3.example\"}", "s3.example:443"},
        {SPARK, "{\"url\":\"http://m:6066\"}", "m:6066"},
        {SPARK, "{\"url\":\"spark://m:6066\"}",
         "parameters.url: does not begin with http:// or https://"},
        {SPARK, "{}", "parameters.url: is missing"},
        {SPARK, "[]", "parameters: a JSON object is expected"},
        {0, "{}", "the data source's type is not known"},
    };
    struct buf text = {0};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_str(read_endpoints(cases[i].type, cases[i].json, &text), cases[i].expected);
    buf_deinit(&text);
}

test(data_source_names_at_most_64_hosts)
{
    struct buf json = {0}, text = {0};

    for (int n = DATA_SOURCE_MAX_ENDPOINTS; n <= DATA_SOURCE_MAX_ENDPOINTS + 1; n++) {
        buf_clear(&json);
        buf_append_text(&json, "{\"clusterKey\":\"");
        for (int i = 0; i < n; i++)
            buf_printf(&json, "%sh%d", i ? "," : "", i);
        buf_append_text(&json, ":2181:/hbase\"}");
        const char *read = read_endpoints(HBASE, buf_get_text(&json), &text);
        check_int(strncmp(read, "h0:2181 h1:2181", 15) == 0, n == DATA_SOURCE_MAX_ENDPOINTS);
    }
    check_str(buf_get_text(&text), "parameters.clusterKey: has more than 64 hosts");
    buf_deinit(&json);
    buf_deinit(&text);
}

test(data_source_address_is_the_first_host_of_a_network)
{
    static const struct {
        int type;
        const char *json;
        const char *expected;
    } cases[] = {
        {FILES, "{\"root\":\"/data\"}", ""},
        {POSTGRES, "{\"url\":\"postgresql:///d?host=/tmp/s\"}", ""},
        {POSTGRES, "{\"url\":\"postgresql:///d?host=/tmp/s,db2\"}", "db2"},
        {HBASE, "{\"clusterKey\":\"10.1.2.3,10.1.2.4:2181:/hbase\"}", "10.1.2.3"},
        {LINDORM, "{\"clusterKey\":\"ld.example:30020:user:secret\"}", "ld.example"},
        {HBASE, "no JSON", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf text = {0};
        data_source_write_address((Pb__DataSourceType)cases[i].type, cases[i].json, &text);
        check_str(buf_get_text(&text), cases[i].expected);
        buf_deinit(&text);
    }
}
