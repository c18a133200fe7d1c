#include "hbase/cluster.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "hbase/counts.h"
#include "hbase/pool.h"
#include "hbase/registry.h"

enum {
    CONNECT_MS = 3000, /* to one server */
    SLICE_MS = 100,    /* so often a pause looks for a stop */
};

static const char *const service_names[] = {
    [HBASE_CLIENT_SERVICE] = "ClientService",
    [HBASE_ADMIN_SERVICE] = "AdminService",
    [HBASE_MASTER_SERVICE] = "MasterService",
};

struct hbase_cluster {
    struct arena *arena; /* has the options' copies */
    struct hbase_cluster_options options;
    struct hbase_pool *pool;
    struct hbase_registry registry;
    struct hbase_counts counts;
    atomic_llong patience_ms;

    pthread_mutex_t mutex; /* guards all below */
    struct hbase_found found[HBASE_NPLACES];
    bool is_found[HBASE_NPLACES];
};

static char *copy(struct arena *arena, const char *text)
{
    return text ? arena_copy_str(arena, str_from(text)) : NULL;
}

static void copy_endpoints(struct arena *arena, struct hbase_cluster_options *options)
{
    struct hbase_endpoint *copies = arena_alloc(arena, options->nendpoints * sizeof(*copies));

    for (size_t i = 0; i < options->nendpoints; i++)
        copies[i] = (struct hbase_endpoint){copy(arena, options->endpoints[i].host),
                                            options->endpoints[i].port};
    options->endpoints = copies;
}

static void copy_hosts(struct arena *arena, struct hbase_cluster_options *options)
{
    struct hbase_host *copies = arena_alloc(arena, options->nhosts * sizeof(*copies));

    for (size_t i = 0; i < options->nhosts; i++)
        copies[i] = (struct hbase_host){copy(arena, options->hosts[i].name),
                                        copy(arena, options->hosts[i].address)};
    options->hosts = copies;
}

static void copy_options(struct arena *arena, struct hbase_cluster_options *options)
{
    options->name = copy(arena, options->name);
    options->znode = copy(arena, options->znode);
    options->user = copy(arena, options->user);
    copy_endpoints(arena, options);
    copy_hosts(arena, options);
}

struct hbase_cluster *hbase_cluster_create(const struct hbase_cluster_options *options)
{
    struct hbase_cluster *cluster = mem_alloc(sizeof(*cluster));

    cluster->arena = arena_create(0);
    cluster->options = *options;
    copy_options(cluster->arena, &cluster->options);
    hbase_counts_init(&cluster->counts, options->metrics);
    cluster->pool = hbase_pool_create(&(struct hbase_pool_options){
        .hosts = cluster->options.hosts,
        .nhosts = cluster->options.nhosts,
        .user = cluster->options.user,
        .stop = cluster->options.stop,
        .counts = &cluster->counts,
    });
    cluster->registry.options = &cluster->options;
    cluster->registry.pool = cluster->pool;
    atomic_init(&cluster->patience_ms, HBASE_DEFAULT_PATIENCE_MS);
    (void)pthread_mutex_init(&cluster->mutex, NULL);
    return cluster;
}

void hbase_cluster_destroy(struct hbase_cluster *cluster)
{
    if (!cluster)
        return;
    hbase_pool_destroy(cluster->pool);
    (void)pthread_mutex_destroy(&cluster->mutex);
    arena_destroy(cluster->arena);
    mem_free(cluster);
}

const char *hbase_cluster_get_name(const struct hbase_cluster *cluster)
{
    return cluster->options.name;
}

const char *hbase_cluster_get_user(const struct hbase_cluster *cluster)
{
    return cluster->options.user;
}

const struct stop *hbase_cluster_get_stop(const struct hbase_cluster *cluster)
{
    return cluster->options.stop;
}

void hbase_cluster_set_patience(struct hbase_cluster *cluster, int64_t patience_ms)
{
    atomic_store(&cluster->patience_ms, patience_ms);
}

static int64_t get_patience_ms(const struct hbase_cluster *cluster)
{
    return atomic_load(&cluster->patience_ms);
}

/* ---- Where it is ---- */

static struct status find(struct hbase_cluster *cluster, enum hbase_place place,
                          struct hbase_found *ret)
{
    (void)pthread_mutex_lock(&cluster->mutex);
    bool is_found = cluster->is_found[place];
    struct hbase_found found = cluster->found[place];
    (void)pthread_mutex_unlock(&cluster->mutex);

    if (!is_found) {
        struct status st = hbase_registry_find(&cluster->registry, place, &found);
        if (st.code != STATUS_OK)
            return st;
        (void)pthread_mutex_lock(&cluster->mutex);
        cluster->found[place] = found;
        cluster->is_found[place] = true;
        (void)pthread_mutex_unlock(&cluster->mutex);
    }
    *ret = found;
    return status_ok();
}

static struct status find_server(struct hbase_cluster *cluster, enum hbase_place place,
                                 struct hbase_server *ret)
{
    struct hbase_found found;
    struct status st = find(cluster, place, &found);

    if (st.code == STATUS_OK)
        *ret = found.server;
    return st;
}

struct status hbase_cluster_find_master(struct hbase_cluster *cluster, struct hbase_server *ret)
{
    return find_server(cluster, HBASE_MASTER, ret);
}

struct status hbase_cluster_find_meta(struct hbase_cluster *cluster, struct hbase_server *ret)
{
    return find_server(cluster, HBASE_META, ret);
}

struct status hbase_cluster_find_id(struct hbase_cluster *cluster, char ret[HBASE_CLUSTER_ID_BYTES])
{
    struct hbase_found found;
    struct status st = find(cluster, HBASE_CLUSTER_ID, &found);

    if (st.code == STATUS_OK)
        memcpy(ret, found.id, sizeof(found.id));
    return st;
}

struct status hbase_cluster_open_zookeeper(struct hbase_cluster *cluster, struct zookeeper **ret,
                                           const char **ret_znode)
{
    const struct hbase_cluster_options *options = &cluster->options;

    if (!options->znode)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "'%s' is named by servers of HBase, not by its ZooKeeper",
                            options->name);
    *ret_znode = options->znode;
    return hbase_registry_open_zookeeper(&cluster->registry, ret);
}

void hbase_cluster_forget(struct hbase_cluster *cluster)
{
    (void)pthread_mutex_lock(&cluster->mutex);
    cluster->is_found[HBASE_MASTER] = false;
    cluster->is_found[HBASE_META] = false; /* a cluster's id stays what it is */
    (void)pthread_mutex_unlock(&cluster->mutex);
}

/* ---- Connections and calls ---- */

struct status hbase_cluster_connect(struct hbase_cluster *cluster,
                                    const struct hbase_server *server, enum hbase_service service,
                                    struct hbase_connection **ret)
{
    return hbase_pool_get(cluster->pool, server, service_names[service],
                          clock_get_monotonic_ms() + CONNECT_MS, ret);
}

void hbase_cluster_release(struct hbase_cluster *cluster, struct hbase_connection *connection)
{
    hbase_pool_release(cluster->pool, connection);
}

void hbase_cluster_disconnect(struct hbase_cluster *cluster, const struct hbase_server *server,
                              enum hbase_service service)
{
    hbase_pool_retire(cluster->pool, server, service_names[service]);
}

bool hbase_cluster_try(struct hbase_cluster *cluster, const struct hbase_server *server,
                       enum hbase_service service, const struct hbase_request *request,
                       struct hbase_reply *ret, struct hbase_fault *ret_fault)
{
    struct hbase_connection *connection;
    struct hbase_call *call;
    struct status st = hbase_cluster_connect(cluster, server, service, &connection);

    if (st.code != STATUS_OK) {
        hbase_fault_from_status(st, ret_fault);
        return false;
    }
    hbase_call_start(connection, request, &call);
    bool is_answered = hbase_call_wait(call, ret, ret_fault);
    hbase_cluster_release(cluster, connection);
    return is_answered;
}

/* One try at whatever master is active now. What its fault means for what is known has been taken in. */
static bool try_master(struct hbase_cluster *cluster, const struct hbase_request *request,
                       struct hbase_reply *ret, struct hbase_fault *ret_fault)
{
    struct hbase_server master;
    struct status st = hbase_cluster_find_master(cluster, &master);

    if (st.code != STATUS_OK) {
        hbase_fault_from_status(st, ret_fault);
        return false;
    }
    if (hbase_cluster_try(cluster, &master, HBASE_MASTER_SERVICE, request, ret, ret_fault))
        return true;
    if (ret_fault->action == HBASE_ACTION_FIND_MASTER ||
        ret_fault->action == HBASE_ACTION_RECONNECT)
        hbase_cluster_forget(cluster);
    return false;
}

struct status hbase_cluster_call_master(struct hbase_cluster *cluster,
                                        const struct hbase_request *request,
                                        struct hbase_reply *ret)
{
    struct hbase_retry retry = hbase_cluster_begin_retry(cluster);
    struct hbase_fault fault;

    do {
        if (try_master(cluster, request, ret, &fault))
            return status_ok();
    } while (hbase_cluster_pause(cluster, &retry, &fault));
    return hbase_cluster_explain(cluster, &fault);
}

/* ---- Patience ---- */

struct hbase_retry hbase_cluster_begin_retry(const struct hbase_cluster *cluster)
{
    return (struct hbase_retry){
        .deadline_ms = clock_get_monotonic_ms() + get_patience_ms(cluster),
    };
}

bool hbase_cluster_pause(const struct hbase_cluster *cluster, struct hbase_retry *retry,
                         const struct hbase_fault *fault)
{
    int64_t now_ms = clock_get_monotonic_ms();
    bool is_throttled = fault->action == HBASE_ACTION_THROTTLE;

    if (fault->action == HBASE_ACTION_FAIL)
        return false;
    hbase_counts_note_retry(&cluster->counts, now_ms < retry->deadline_ms);
    if (now_ms >= retry->deadline_ms)
        return false;
    if (!is_throttled)
        retry->ntries++;

    int64_t end_ms = now_ms + hbase_fault_get_pause_ms(fault, retry->ntries);
    if (is_throttled) /* the server lives, and has said when it goes on */
        retry->deadline_ms += end_ms - now_ms;
    if (end_ms > retry->deadline_ms)
        end_ms = retry->deadline_ms;
    for (; now_ms < end_ms; now_ms = clock_get_monotonic_ms()) {
        if (stop_is_requested(cluster->options.stop))
            return false;
        (void)poll(NULL, 0, end_ms - now_ms < SLICE_MS ? (int)(end_ms - now_ms) : SLICE_MS);
    }
    return !stop_is_requested(cluster->options.stop);
}

struct status hbase_cluster_explain(const struct hbase_cluster *cluster,
                                    const struct hbase_fault *fault)
{
    if (stop_is_requested(cluster->options.stop))
        return status_error(STATUS_CANCELLED, "stop was requested");
    return fault->status;
}
