#include "spec/data_source_types.h"

#include "spec/cluster_key.h"

static struct str find_text(const struct config_reader *reader, const char *key)
{
    const struct json *value = config_find(reader, key);

    return value && json_get_kind(value) == JSON_KIND_STRING ? json_get_string(value)
                                                             : (struct str){0};
}

/* User and password stand in clusterKey or beside it, so that there is no question which ones count. */
static void check_lindorm(const struct config_reader *reader)
{
    struct lindorm_key key = {0};
    bool has_username = config_find(reader, "username");
    bool has_password = config_find(reader, "password");
    struct status st = lindorm_key_read(find_text(reader, "clusterKey"), &key);

    if (st.code == STATUS_OK && key.username.data && (has_username || has_password))
        config_add(reader, "clusterKey",
                   "has user and password, which are given as username and password, too");
    else if (has_username != has_password)
        config_add(reader, has_username ? "password" : "username",
                   "is missing; username and password go together");
}

static void check_s3(const struct config_reader *reader)
{
    bool has_id = config_find(reader, "accessKeyId");
    bool has_key = config_find(reader, "secretAccessKey");

    if (has_id != has_key)
        config_add(reader, has_id ? "secretAccessKey" : "accessKeyId",
                   "is missing; accessKeyId and secretAccessKey go together");
    else if (!has_id && config_find(reader, "sessionToken"))
        config_add(reader, "sessionToken", "is given without accessKeyId and secretAccessKey");
}

/* docs/data-sources.md tells what each is for. */
static const struct parameter file_parameters[] = {
    {"root", &parameter_path, PARAMETER_REQUIRED},
};
static const struct parameter postgres_parameters[] = {
    {"url", &parameter_postgres_url, PARAMETER_REQUIRED | PARAMETER_TARGET},
    {"password", &parameter_secret, PARAMETER_OPTIONAL},
};
static const struct parameter hbase_parameters[] = {
    {"clusterKey", &parameter_cluster_key, PARAMETER_REQUIRED},
    {"username", &parameter_text, PARAMETER_OPTIONAL},
    {"hosts", &parameter_hosts, PARAMETER_OPTIONAL},
    {"hbaseDir", &parameter_path, PARAMETER_OPTIONAL},
    {"hdfsUri", &parameter_hdfs_uri, PARAMETER_OPTIONAL},
    {"extraConf", &parameter_hdfs_conf, PARAMETER_OPTIONAL},
};
static const struct parameter lindorm_parameters[] = {
    {"clusterKey", &parameter_lindorm_key, PARAMETER_REQUIRED | PARAMETER_TARGET},
    {"username", &parameter_text, PARAMETER_OPTIONAL},
    {"password", &parameter_secret, PARAMETER_OPTIONAL},
};
static const struct parameter hdfs_parameters[] = {
    {"url", &parameter_http_urls, PARAMETER_REQUIRED},
    {"user", &parameter_text, PARAMETER_OPTIONAL},
    {"root", &parameter_path, PARAMETER_OPTIONAL},
};
static const struct parameter s3_parameters[] = {
    {"endpoint", &parameter_http_url, PARAMETER_REQUIRED | PARAMETER_TARGET},
    {"bucket", &parameter_bucket, PARAMETER_REQUIRED},
    {"region", &parameter_text, PARAMETER_OPTIONAL},
    {"prefix", &parameter_prefix, PARAMETER_OPTIONAL},
    {"accessKeyId", &parameter_text, PARAMETER_OPTIONAL},
    {"secretAccessKey", &parameter_secret, PARAMETER_OPTIONAL},
    {"sessionToken", &parameter_secret, PARAMETER_OPTIONAL},
    {"pathStyle", &parameter_bool, PARAMETER_OPTIONAL},
};
static const struct parameter spark_parameters[] = {
    {"url", &parameter_http_url, PARAMETER_REQUIRED | PARAMETER_TARGET},
    {"token", &parameter_secret, PARAMETER_OPTIONAL},
};

static const struct data_source_type types[] = {
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_FILE] = {file_parameters, ARRAY_LEN(file_parameters),
                                                     NULL},
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_POSTGRES] = {postgres_parameters,
                                                         ARRAY_LEN(postgres_parameters), NULL},
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HBASE] = {hbase_parameters, ARRAY_LEN(hbase_parameters),
                                                      NULL},
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_LINDORM] = {lindorm_parameters,
                                                        ARRAY_LEN(lindorm_parameters),
                                                        check_lindorm},
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HDFS] = {hdfs_parameters, ARRAY_LEN(hdfs_parameters),
                                                     NULL},
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_S3] = {s3_parameters, ARRAY_LEN(s3_parameters),
                                                   check_s3},
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_SPARK] = {spark_parameters, ARRAY_LEN(spark_parameters),
                                                      NULL},
};

const char data_source_type_names[] = "FILE, POSTGRES, HBASE, LINDORM, HDFS, S3 or SPARK";

const struct data_source_type *data_source_type_find(Pb__DataSourceType type)
{
    return (int)type > 0 && (size_t)type < ARRAY_LEN(types) ? &types[type] : NULL;
}

const struct parameter *data_source_type_find_parameter(const struct data_source_type *type,
                                                        struct str key)
{
    for (size_t i = 0; type && i < type->nparameters; i++) {
        if (str_is(key, type->parameters[i].key))
            return &type->parameters[i];
    }
    return NULL;
}
