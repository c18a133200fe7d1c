#include "spec/parameter_kind.h"

#include <arpa/inet.h>

#include "spec/cluster_key.h"
#include "spec/http_url.h"
#include "spec/postgres_url.h"

enum { NAMENODE_PORT = 8020, BUCKET_MIN_BYTES = 3, BUCKET_MAX_BYTES = 63 };

static struct status validate_path(struct str value)
{
    return value.data[0] == '/'
               ? status_ok()
               : status_error(STATUS_INVALID_ARGUMENT, "'%.*s' is not an absolute path",
                              (int)(value.len > 60 ? 60 : value.len), value.data);
}

static struct str find_all(struct str value)
{
    return value;
}

static struct status validate_postgres_url(struct str value)
{
    struct postgres_hosts hosts = {0};
    struct status st = postgres_url_validate(value);

    if (st.code == STATUS_OK)
        st = postgres_hosts_read(value, &hosts);
    postgres_hosts_deinit(&hosts);
    return st;
}

static struct status validate_cluster_key(struct str value)
{
    struct cluster_key key;

    return cluster_key_read(value, &key);
}

static struct status validate_lindorm_key(struct str value)
{
    struct lindorm_key key;

    return lindorm_key_read(value, &key);
}

static struct str find_lindorm_password(struct str value)
{
    struct lindorm_key key;

    return lindorm_key_read(value, &key).code == STATUS_OK ? key.password : (struct str){0};
}

/* As /etc/hosts has them: what a name stands for is an address, so that it needs no resolving. */
static struct status validate_host(struct str key, struct str value)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct in6_addr address; /* holds one of version 4, too */

    if (!host_is_valid(key))
        return status_error(STATUS_INVALID_ARGUMENT, "has a name that is none of a host");
    if (value.len < sizeof(text))
        memcpy(text, value.data, value.len);
    if (inet_pton(AF_INET, text, &address) != 1 && inet_pton(AF_INET6, text, &address) != 1)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "has a value that is no IP address; a name must stand for one");
    return status_ok();
}

static struct status validate_hdfs_uri(struct str value)
{
    static const char scheme[] = "hdfs://";

    if (str_has_prefix(value, scheme))
        value = str_skip(value, strlen(scheme));
    return host_list_validate(value, NAMENODE_PORT);
}

static struct status validate_hdfs_setting(struct str key, struct str value)
{
    (void)value;
    return str_is(key, "hdfsUserName")
               ? status_ok()
               : status_error(STATUS_INVALID_ARGUMENT, "'%.*s' is not known; there is hdfsUserName",
                              (int)(key.len > 60 ? 60 : key.len), key.data);
}

static struct status validate_http_url(struct str value)
{
    struct http_url url;

    return http_url_read(value, &url);
}

static struct status validate_http_urls(struct str value)
{
    struct http_url url;
    struct status st = status_ok();

    for (size_t n = 0; st.code == STATUS_OK && value.data; n++) {
        if (n == HOST_LIST_MAX_HOSTS)
            return status_error(STATUS_INVALID_ARGUMENT, "has more than %d hosts",
                                HOST_LIST_MAX_HOSTS);
        st = http_urls_take(&value, &url);
    }
    return st;
}

/* Amazon S3 User Guide, "Bucket naming rules"; what is dropped of them no server minds. */
static struct status validate_bucket(struct str value)
{
    bool is_right = value.len >= BUCKET_MIN_BYTES && value.len <= BUCKET_MAX_BYTES;

    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        bool is_at_end = i == 0 || i == value.len - 1;
        is_right = is_right && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                                (!is_at_end && (c == '.' || c == '-')));
    }
    return is_right ? status_ok()
                    : status_error(STATUS_INVALID_ARGUMENT,
                                   "is not a bucket's name: %d to %d of a-z, 0-9, '.' and '-', "
                                   "first and last a letter or digit",
                                   BUCKET_MIN_BYTES, BUCKET_MAX_BYTES);
}

static struct status validate_prefix(struct str value)
{
    return value.data[0] != '/'
               ? status_ok()
               : status_error(STATUS_INVALID_ARGUMENT, "begins with '/', which keys of S3 do not");
}

const struct parameter_kind parameter_text = {.json_kind = JSON_KIND_STRING};
const struct parameter_kind parameter_bool = {.json_kind = JSON_KIND_BOOL};
const struct parameter_kind parameter_path = {
    .json_kind = JSON_KIND_STRING,
    .validate = validate_path,
};
const struct parameter_kind parameter_secret = {
    .json_kind = JSON_KIND_STRING,
    .find_secret = find_all,
};
const struct parameter_kind parameter_postgres_url = {
    .json_kind = JSON_KIND_STRING,
    .validate = validate_postgres_url,
    .find_secret = postgres_url_find_password,
};
const struct parameter_kind parameter_cluster_key = {
    .json_kind = JSON_KIND_STRING,
    .validate = validate_cluster_key,
};
const struct parameter_kind parameter_lindorm_key = {
    .json_kind = JSON_KIND_STRING,
    .validate = validate_lindorm_key,
    .find_secret = find_lindorm_password,
};
const struct parameter_kind parameter_hosts = {
    .json_kind = JSON_KIND_OBJECT,
    .validate_member = validate_host,
};
const struct parameter_kind parameter_hdfs_uri = {
    .json_kind = JSON_KIND_STRING,
    .validate = validate_hdfs_uri,
};
const struct parameter_kind parameter_hdfs_conf = {
    .json_kind = JSON_KIND_OBJECT,
    .validate_member = validate_hdfs_setting,
};
const struct parameter_kind parameter_http_url = {
    .json_kind = JSON_KIND_STRING,
    .validate = validate_http_url,
};
const struct parameter_kind parameter_http_urls = {
    .json_kind = JSON_KIND_STRING,
    .validate = validate_http_urls,
};
const struct parameter_kind parameter_bucket = {
    .json_kind = JSON_KIND_STRING,
    .validate = validate_bucket,
};
const struct parameter_kind parameter_prefix = {
    .json_kind = JSON_KIND_STRING,
    .validate = validate_prefix,
};
