#include "connectors/hbase/hbase_source.h"

#include "base/arena.h"
#include "base/json_in.h"
#include "hbase/cluster.h"
#include "spec/cluster_key.h"

const char hbase_source_default_user[] = "sluice";

static struct str find_text(const struct json *parameters, const char *key)
{
    const struct json *value = json_find(parameters, key);

    return value && json_get_kind(value) == JSON_KIND_STRING ? json_get_string(value)
                                                             : (struct str){0};
}

static struct status read_endpoints(struct cluster_key key, struct arena *arena,
                                    struct hbase_cluster_options *options)
{
    struct hbase_endpoint *endpoints = arena_alloc(arena, HOST_LIST_MAX_HOSTS * sizeof(*endpoints));
    struct host_port server;

    options->endpoints = endpoints;
    while (key.hosts.data && options->nendpoints < HOST_LIST_MAX_HOSTS) {
        struct status st = host_list_take(&key.hosts, key.default_port, &server);
        if (st.code != STATUS_OK)
            return st;
        endpoints[options->nendpoints++] =
            (struct hbase_endpoint){arena_copy_str(arena, server.host), server.port};
    }
    return status_ok();
}

static struct status read_cluster_key(const struct json *parameters, struct arena *arena,
                                      struct hbase_cluster_options *options)
{
    struct cluster_key key;
    struct str text = find_text(parameters, "clusterKey");

    if (!text.data)
        return status_error(STATUS_INVALID_ARGUMENT, "parameters.clusterKey: is missing");
    struct status st = cluster_key_read(text, &key);
    if (st.code == STATUS_OK)
        st = read_endpoints(key, arena, options);
    if (st.code != STATUS_OK)
        return status_error(st.code, "parameters.clusterKey: %s", st.text);
    if (key.kind == CLUSTER_KEY_ZOOKEEPER)
        options->znode = arena_copy_str(arena, key.parent);
    return st;
}

/* What is no text is left out: the gateway has refused it already. */
static void read_hosts(const struct json *parameters, struct arena *arena,
                       struct hbase_cluster_options *options)
{
    const struct json *object = json_find(parameters, "hosts");

    if (!object || json_get_kind(object) != JSON_KIND_OBJECT)
        return;
    struct hbase_host *hosts = arena_alloc(arena, (json_get_count(object) + 1) * sizeof(*hosts));
    options->hosts = hosts;
    for (struct json_member m = json_first(object); m.value; m = json_next(object, m)) {
        if (json_get_kind(m.value) == JSON_KIND_STRING)
            hosts[options->nhosts++] = (struct hbase_host){
                arena_copy_str(arena, m.key), arena_copy_str(arena, json_get_string(m.value))};
    }
}

static struct status read_object(const struct json *parameters, struct arena *arena,
                                 struct hbase_cluster_options *options)
{
    struct str user = find_text(parameters, "username");
    struct status st = read_cluster_key(parameters, arena, options);

    read_hosts(parameters, arena, options);
    options->user = user.data ? arena_copy_str(arena, user) : hbase_source_default_user;
    return st;
}

struct status hbase_source_open(const char *parameters_json, const char *name,
                                const struct stop *stop, struct metrics *metrics,
                                struct hbase_cluster **ret)
{
    struct hbase_cluster_options options = {.name = name, .stop = stop, .metrics = metrics};
    struct arena *arena = arena_create(0);
    struct json *root = NULL;

    struct status st = json_read("parameters", str_from(parameters_json), &root);
    if (st.code == STATUS_OK && json_get_kind(root) != JSON_KIND_OBJECT)
        st = status_error(STATUS_INVALID_ARGUMENT, "parameters: a JSON object is expected");
    if (st.code == STATUS_OK)
        st = read_object(root, arena, &options);
    if (st.code == STATUS_OK)
        *ret = hbase_cluster_create(&options);
    else
        st = status_error(st.code, "data source '%s': %s", name, st.text);
    json_destroy(root);
    arena_destroy(arena);
    return st;
}
