/*
 * tests/unit/spec/test_data_source_spec.c - parameters of data sources.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "spec/data_source_spec.h"
#include "tests/harness/test.h"

enum {
    FILE_TYPE = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_FILE,
    POSTGRES = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_POSTGRES,
    HBASE = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HBASE,
    LINDORM = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_LINDORM,
    HDFS = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HDFS,
    S3 = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_S3,
    SPARK = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_SPARK,
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

/* text is what is wrong, "" if nothing. */
static void check_parameters(int type, const char *json, const char *text)
{
    struct violations violations = {0};

    data_source_validate_parameters((Pb__DataSourceType)type, json, &violations);
    check_str(violations.items[0].text, text);
    check_int(violations.count, text[0] ? 1 : 0);
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
        {POSTGRES, "{\"url\":\"postgresql://h1,h2:s3cret/d\"}",
         "parameters.url: has a port that is not 1 to 65535"},
        {POSTGRES, "[]", "parameters is an array; a JSON object is expected"},
        {POSTGRES, "{\"url\":\"postgresql://u@h/d\",\"password\":\"a\\nb\"}",
         "parameters.password: has control characters"},
        {POSTGRES, "{\"url\":\"postgresql://u@h/d\",\"password\":s3cret}",
         "parameters: not JSON: invalid token at line 1, column 40"},
        {0, "{}",
         "the data source's type is missing; FILE, POSTGRES, HBASE, LINDORM, HDFS, S3 or "
         "SPARK is expected"},
        {99, "{}",
         "the data source's type is not known; FILE, POSTGRES, HBASE, LINDORM, HDFS, S3 or "
         "SPARK is expected"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_parameters(cases[i].type, cases[i].json, cases[i].text);
}

test(data_source_of_hbase_or_lindorm_is_named_by_a_cluster_key)
{
    static const char no_key[] = "parameters.clusterKey: is not like zk1,zk2:2181:/hbase, "
                                 "hbase+zk://zk1:2181/hbase or hbase+rpc://master:16000";
    static const char no_host[] = "parameters.clusterKey: has a host that is no name or address";
    static const char no_node[] = "parameters.clusterKey: has a node of ZooKeeper that is not like "
                                  "/hbase";
    static const char no_port[] = "parameters.clusterKey: has a port that is not 1 to 65535";
    static const struct {
        int type;
        const char *key, *text;
    } cases[] = {
        {HBASE, "zk1,zk2,zk3:2181:/hbase", ""},
        {HBASE, "zk1:2181,zk2:2182:2181:/hbase-unsecure", ""},
        {HBASE, "hbase+zk://zk1,[::1]:2182/hbase/a", ""},
        {HBASE, "hbase+zk://zk1", ""},
        {HBASE, "hbase+rpc://m1,m2:16020", ""},
        {HBASE, "zk1", no_key},
        {HBASE, "zk1:/hbase", no_key},
        {HBASE, "zk1:0:/hbase", no_key},
        {HBASE, "zk1:2181:hbase", no_node},
        {HBASE, "zk1:2181:/", no_node},
        {HBASE, "zk1:2181:/hbase/", no_node},
        {HBASE, "hbase+zk://zk1/hbase?a=b", no_node},
        {HBASE, "zk1,,zk2:2181:/hbase", no_host},
        {HBASE, "zk1.zk2/x:2181:/hbase", no_host},
        {HBASE, "hbase+rpc://", no_host},
        {HBASE, "hbase+rpc://u:s3cret@m1", no_port},
        {HBASE, "hbase+rpc://[::1:16000", no_host},
        {HBASE, "hbase+rpc://m1:65536", no_port},
        {HBASE, "ld:30020:user:s3cret", no_key},
        {LINDORM, "ld.example", ""},
        {LINDORM, "ld.example:30020", ""},
        {LINDORM, "ld.example:30020:user:pass:word", ""},
        {LINDORM, "ld.example:30020:user",
         "parameters.clusterKey: is not like host:30020 or host:30020:user:password"},
        {LINDORM, "ld.example:s3cret", no_port},
        {LINDORM, "ld example:30020", no_host},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf json = {0};
        buf_printf(&json, "{\"clusterKey\":\"%s\"}", cases[i].key);
        check_parameters(cases[i].type, buf_get_text(&json), cases[i].text);
        buf_deinit(&json);
    }
}

/* What stands before is right: what more there is decides. */
static const char hbase[] = "\"clusterKey\":\"zk1:2181:/hbase\"";
static const char lindorm[] = "\"clusterKey\":\"ld:30020\"";
static const char hdfs[] = "\"url\":\"http://nn1:9870,http://nn2:9870\"";
static const char s3[] = "\"endpoint\":\"https://s3.example\",\"bucket\":\"in-2026\"";
static const char spark[] = "\"url\":\"http://master:6066\"";

struct parameter_case {
    int type;
    const char *head, *more, *text;
};

static void check_cases(const struct parameter_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf json = {0};
        buf_printf(&json, "{%s%s}", cases[i].head, cases[i].more);
        check_parameters(cases[i].type, buf_get_text(&json), cases[i].text);
        buf_deinit(&json);
    }
}

test(data_sources_of_tables_have_more_parameters)
{
    static const struct parameter_case cases[] = {
        {HBASE, hbase, ",\"username\":\"u\",\"hosts\":{\"rs1\":\"10.0.0.1\",\"rs2\":\"::1\"}", ""},
        {HBASE, hbase, ",\"hbaseDir\":\"/hbase\",\"hdfsUri\":\"hdfs://nn1:8020,nn2:8020\"", ""},
        {HBASE, hbase, ",\"extraConf\":{\"hdfsUserName\":\"hadoop\"}", ""},
        {HBASE, hbase, ",\"hosts\":{\"rs1\":\"rs2\"}",
         "parameters.hosts: has a value that is no IP address; a name must stand for one"},
        {HBASE, hbase, ",\"hosts\":{\"a b\":\"10.0.0.1\"}",
         "parameters.hosts: has a name that is none of a host"},
        {HBASE, hbase, ",\"hosts\":{\"rs1\":7}",
         "parameters.hosts: has a value that is a number; a string is expected"},
        {HBASE, hbase, ",\"hosts\":\"10.0.0.1 rs1\"",
         "parameters.hosts: is a string; an object of strings is expected"},
        {HBASE, hbase, ",\"hdfsUri\":\"http://nn1\"",
         "parameters.hdfsUri: has a port that is not 1 to 65535"},
        {HBASE, hbase, ",\"hbaseDir\":\"hbase\"",
         "parameters.hbaseDir: 'hbase' is not an absolute path"},
        {HBASE, hbase, ",\"extraConf\":{\"hdfsPassword\":\"s3cret\"}",
         "parameters.extraConf: 'hdfsPassword' is not known; there is hdfsUserName"},
        {HBASE, hbase, ",\"password\":\"s3cret\"",
         "parameters: 'password' is not known; there are clusterKey, username, hosts, hbaseDir, "
         "hdfsUri, extraConf"},
        {LINDORM, lindorm, ",\"username\":\"u\",\"password\":\"p\"", ""},
        {LINDORM, lindorm, ",\"username\":\"u\"",
         "parameters.password: is missing; username and password go together"},
        {LINDORM, "\"clusterKey\":\"ld:30020:u:p\"", ",\"username\":\"u\",\"password\":\"p\"",
         "parameters.clusterKey: has user and password, which are given as username and password, "
         "too"},
    };

    check_cases(cases, ARRAY_LEN(cases));
}

test(data_sources_of_files_and_spark_have_more_parameters)
{
    static const struct parameter_case cases[] = {
        {HDFS, hdfs, ",\"user\":\"hadoop\",\"root\":\"/data\"", ""},
        {HDFS, "\"url\":\"hdfs://nn1:8020\"", "",
         "parameters.url: does not begin with http:// or https://"},
        {HDFS, "\"url\":\"http://nn1:9870,\"", "",
         "parameters.url: does not begin with http:// or https://"},
        {HDFS, "\"url\":\"http://u:s3cret@nn1\"", "",
         "parameters.url: has a user or password, which is not sent"},
        {HDFS, "\"url\":\"http://nn1/webhdfs/v1\"", "",
         "parameters.url: has a host that is no name or address"},
        {S3, s3, ",\"region\":\"eu-1\",\"prefix\":\"in/\",\"pathStyle\":true", ""},
        {S3, s3, ",\"accessKeyId\":\"a\",\"secretAccessKey\":\"b\",\"sessionToken\":\"c\"", ""},
        {S3, s3, ",\"pathStyle\":\"true\"", ""},
        {S3, s3, ",\"pathStyle\":\"yes\"",
         "parameters.pathStyle: is a string; true or false is expected"},
        {S3, s3, ",\"prefix\":\"/in\"",
         "parameters.prefix: begins with '/', which keys of S3 do not"},
        {S3, s3, ",\"accessKeyId\":\"a\"",
         "parameters.secretAccessKey: is missing; accessKeyId and secretAccessKey go together"},
        {S3, s3, ",\"sessionToken\":\"c\"",
         "parameters.sessionToken: is given without accessKeyId and secretAccessKey"},
        {S3, "\"endpoint\":\"https://s3.example\",\"bucket\":\"-in\"", "",
         "parameters.bucket: is not a bucket's name: 3 to 63 of a-z, 0-9, '.' and '-', first and last "
         "a letter or digit"},
        {SPARK, spark, ",\"token\":\"t\"", ""},
        {SPARK, "\"url\":\"http://m1:6066,http://m2:6066\"", "",
         "parameters.url: has a port that is not 1 to 65535"},
    };

    check_cases(cases, ARRAY_LEN(cases));
}

/* {"clusterKey":...,"hosts":{...}} with n hosts; the caller frees it. */
static char *make_hosts(int n)
{
    struct buf json = {0};

    buf_printf(&json, "{%s,\"hosts\":{", hbase);
    for (int i = 0; i < n; i++)
        buf_printf(&json, "%s\"rs%d\":\"10.0.0.1\"", i ? "," : "", i);
    buf_append_text(&json, "}}");
    return buf_take(&json);
}

test(data_source_takes_256_hosts_by_name)
{
    for (int n = 256; n <= 257; n++) {
        char *json = make_hosts(n);
        check_parameters(HBASE, json,
                         n == 256 ? ""
                                  : "parameters.hosts: has 257 members; at most 256 are taken");
        mem_free(json);
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
