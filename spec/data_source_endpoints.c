#include "spec/data_source_endpoints.h"

#include "base/json_in.h"
#include "base/mem.h"
#include "spec/cluster_key.h"
#include "spec/http_url.h"
#include "spec/postgres_url.h"

static struct str find_text(const struct json *parameters, const char *key)
{
    const struct json *value = json_find(parameters, key);

    return value && json_get_kind(value) == JSON_KIND_STRING ? json_get_string(value)
                                                             : (struct str){0};
}

static struct status add(struct str host, int port, struct data_source_endpoints *ret)
{
    if (ret->count == DATA_SOURCE_MAX_ENDPOINTS)
        return status_error(STATUS_INVALID_ARGUMENT, "has more than %d hosts",
                            DATA_SOURCE_MAX_ENDPOINTS);
    ret->items[ret->count++] =
        (struct data_source_endpoint){.host = mem_copy_str(host), .port = port};
    return status_ok();
}

static struct status add_postgres(struct str url, struct data_source_endpoints *ret)
{
    struct postgres_hosts hosts = {0};
    struct status st = postgres_hosts_read(url, &hosts);

    for (size_t i = 0; st.code == STATUS_OK && i < hosts.count; i++)
        st = add(str_from(hosts.items[i].name), hosts.items[i].port, ret);
    postgres_hosts_deinit(&hosts);
    return st;
}

static struct status add_hbase(struct str text, struct data_source_endpoints *ret)
{
    struct cluster_key key;
    struct host_port server;
    struct status st = cluster_key_read(text, &key);

    if (st.code != STATUS_OK)
        return st;
    while (st.code == STATUS_OK && key.hosts.data) {
        st = host_list_take(&key.hosts, key.default_port, &server);
        if (st.code == STATUS_OK)
            st = add(server.host, server.port, ret);
    }
    return st;
}

static struct status add_lindorm(struct str text, struct data_source_endpoints *ret)
{
    struct lindorm_key key;
    struct status st = lindorm_key_read(text, &key);

    return st.code == STATUS_OK ? add(key.server.host, key.server.port, ret) : st;
}

static struct status add_http(struct str text, struct data_source_endpoints *ret)
{
    struct http_url url;
    struct status st = status_ok();

    while (st.code == STATUS_OK && text.data) {
        st = http_urls_take(&text, &url);
        if (st.code == STATUS_OK)
            st = add(url.server.host, url.server.port, ret);
    }
    return st;
}

/* By type: the parameter that names servers, and what reads it. */
static const struct {
    const char *key; /* NULL: there is none */
    struct status (*add)(struct str value, struct data_source_endpoints *ret);
} types[] = {
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_FILE] = {NULL, NULL},
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_POSTGRES] = {"url", add_postgres},
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HBASE] = {"clusterKey", add_hbase},
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_LINDORM] = {"clusterKey", add_lindorm},
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HDFS] = {"url", add_http},
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_S3] = {"endpoint", add_http},
    [PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_SPARK] = {"url", add_http},
};

/* Sets the addresses of the hosts that the parameter hosts has. */
static void set_addresses(const struct json *parameters, struct data_source_endpoints *endpoints)
{
    const struct json *hosts = json_find(parameters, "hosts");

    if (!hosts || json_get_kind(hosts) != JSON_KIND_OBJECT)
        return;
    for (size_t i = 0; i < endpoints->count; i++) {
        struct str address = find_text(hosts, endpoints->items[i].host);
        if (address.data)
            endpoints->items[i].address = mem_copy_str(address);
    }
}

static struct status read_object(Pb__DataSourceType type, const struct json *parameters,
                                 struct data_source_endpoints *ret)
{
    const char *key = types[type].key;
    struct str value = key ? find_text(parameters, key) : (struct str){0};

    if (!key)
        return status_ok();
    if (!value.data)
        return status_error(STATUS_INVALID_ARGUMENT, "parameters.%s: is missing", key);
    struct status st = types[type].add(value, ret);
    if (st.code != STATUS_OK)
        return status_error(st.code, "parameters.%s: %s", key, st.text);
    set_addresses(parameters, ret);
    return st;
}

struct status data_source_endpoints_read(Pb__DataSourceType type, const char *parameters_json,
                                         struct data_source_endpoints *ret)
{
    struct json *root = NULL;

    if ((int)type <= 0 || (size_t)type >= ARRAY_LEN(types))
        return status_error(STATUS_INVALID_ARGUMENT, "the data source's type is not known");
    struct status st = json_read("parameters", str_from(parameters_json), &root);
    if (st.code == STATUS_OK && json_get_kind(root) != JSON_KIND_OBJECT)
        st = status_error(STATUS_INVALID_ARGUMENT, "parameters: a JSON object is expected");
    if (st.code == STATUS_OK)
        st = read_object(type, root, ret);
    json_destroy(root);
    return st;
}

void data_source_endpoints_deinit(struct data_source_endpoints *endpoints)
{
    for (size_t i = 0; i < endpoints->count; i++) {
        mem_free(endpoints->items[i].host);
        mem_free(endpoints->items[i].address);
    }
    *endpoints = (struct data_source_endpoints){0};
}

void data_source_write_address(Pb__DataSourceType type, const char *parameters_json,
                               struct buf *ret)
{
    struct data_source_endpoints endpoints = {0};
    struct status st = data_source_endpoints_read(type, parameters_json, &endpoints);

    for (size_t i = 0; st.code == STATUS_OK && i < endpoints.count; i++) {
        if (endpoints.items[i].host[0] != '/') {
            buf_append_text(ret, endpoints.items[i].host);
            break;
        }
    }
    data_source_endpoints_deinit(&endpoints);
}
