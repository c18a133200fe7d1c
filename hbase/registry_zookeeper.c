/*
 * hbase/registry_zookeeper.c - asks ZooKeeper where a cluster is.
 *
 * The node master is there only while a master is active; hbaseid is there always. So the latter decides whether a node that
 * is missing is one that will come, or the parent is wrong.
 */
#include "hbase/registry.h"
#include "hbase/znode.h"
#include "hbase/zookeeper.h"

static const struct {
    const char *node;   /* below the parent */
    const char *absent; /* what it means that it is missing where HBase is */
} places[] = {
    [HBASE_MASTER] = {"master", "no master is active"},
    [HBASE_META] = {"meta-region-server", "hbase:meta has no server yet"},
    [HBASE_CLUSTER_ID] = {"hbaseid", NULL},
};
static_assert(ARRAY_LEN(places) == HBASE_NPLACES, "a node for each place");

static struct status read_data(enum hbase_place place, struct str data, struct hbase_found *ret)
{
    switch (place) {
    case HBASE_MASTER:
        return hbase_znode_read_master(data, &ret->server);
    case HBASE_META:
        return hbase_znode_read_meta(data, &ret->server);
    default:
        return hbase_znode_read_id(data, ret->id);
    }
}

/* What a node says; whatever is wrong with it may be better at the next server, or a moment later. */
static struct status read_found(const struct hbase_registry *registry,
                                const struct zookeeper_options *options, enum hbase_place place,
                                struct str data, struct hbase_found *ret)
{
    struct status st = read_data(place, data, ret);

    if (st.code == STATUS_OK)
        return st;
    return status_error(STATUS_UNAVAILABLE, "%s:%d: '%s/%s': %s", options->host, options->port,
                        registry->options->znode, places[place].node, st.text);
}

/* "zk1:2181,zk2:2181", which may be cut. */
static void write_quorum(const struct hbase_cluster_options *options, struct buf *ret)
{
    for (size_t i = 0; i < options->nendpoints; i++)
        buf_printf(ret, "%s%s:%d", i > 0 ? "," : "", options->endpoints[i].host,
                   options->endpoints[i].port);
}

static struct status make_absent(const struct hbase_cluster_options *options,
                                 enum hbase_place place)
{
    struct buf quorum = {0};

    write_quorum(options, &quorum);
    struct status st = status_error(
        STATUS_FAILED_PRECONDITION,
        "ZooKeeper has no node '%s/%s' (at %.60s): is the cluster's zookeeper.znode.parent another "
        "one, or has HBase never run there?",
        options->znode, places[place].node, buf_get_text(&quorum));
    buf_deinit(&quorum);
    return st;
}

static struct status read_node(struct hbase_registry *registry, struct zookeeper *zookeeper,
                               enum hbase_place place, struct buf *ret)
{
    struct buf path = {0};

    buf_printf(&path, "%s/%s", registry->options->znode, places[place].node);
    struct status st = zookeeper_read(zookeeper, buf_get_text(&path), ret);
    buf_deinit(&path);
    return st;
}

/* What it means that the place's node is missing. */
static struct status explain_absent(struct hbase_registry *registry, struct zookeeper *zookeeper,
                                    const struct zookeeper_options *options, enum hbase_place place)
{
    struct buf data = {0};

    if (place == HBASE_CLUSTER_ID)
        return make_absent(registry->options, place);
    struct status st = read_node(registry, zookeeper, HBASE_CLUSTER_ID, &data);
    buf_deinit(&data);
    if (st.code == STATUS_NOT_FOUND)
        return make_absent(registry->options, place);
    if (st.code != STATUS_OK)
        return st;
    return status_error(STATUS_UNAVAILABLE, "%s:%d: %s", options->host, options->port,
                        places[place].absent);
}

static struct zookeeper_options get_options(const struct hbase_registry *registry,
                                            const struct hbase_endpoint *endpoint,
                                            int64_t deadline_ms)
{
    return (struct zookeeper_options){
        .host = endpoint->host,
        .address = hbase_pool_find_address(registry->pool, endpoint->host),
        .port = endpoint->port,
        .stop = registry->options->stop,
        .deadline_ms = deadline_ms,
    };
}

struct status hbase_registry_ask_zookeeper(struct hbase_registry *registry,
                                           const struct hbase_endpoint *endpoint,
                                           enum hbase_place place, int64_t deadline_ms,
                                           struct hbase_found *ret)
{
    const struct zookeeper_options options = get_options(registry, endpoint, deadline_ms);
    struct zookeeper *zookeeper = NULL;
    struct buf data = {0};
    struct status st = zookeeper_open(&options, &zookeeper);

    if (st.code == STATUS_OK)
        st = read_node(registry, zookeeper, place, &data);
    if (st.code == STATUS_NOT_FOUND)
        st = explain_absent(registry, zookeeper, &options, place);
    else if (st.code == STATUS_OK)
        st = read_found(registry, &options, place, buf_get(&data), ret);
    buf_deinit(&data);
    zookeeper_close(zookeeper);
    return st;
}

struct status hbase_registry_open_session(struct hbase_registry *registry,
                                          const struct hbase_endpoint *endpoint,
                                          int64_t deadline_ms, struct zookeeper **ret)
{
    const struct zookeeper_options options = get_options(registry, endpoint, deadline_ms);

    return zookeeper_open(&options, ret);
}
