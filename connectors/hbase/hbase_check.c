#include "connectors/hbase/hbase_check.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "connectors/check.h"
#include "connectors/hbase/hbase_source.h"
#include "connectors/network/network_check.h"
#include "hbase/cluster.h"
#include "hbase/cluster_status.h"
#include "hbase/message.h"
#include "spec/data_source_endpoints.h"

enum {
    ASK_MS = 3000,     /* for one server's answer */
    MAX_SERVERS = 100, /* region servers that are asked */
    MAX_STATUS_BYTES = 16 * 1024 * 1024,
    TARGET_BYTES = HBASE_MAX_HOST_BYTES + 16,
};

/* The end points that the data source names: one that works is enough. Each gets its steps. */
static bool try_endpoints(const struct check_options *options)
{
    struct data_source_endpoints endpoints = {0};
    bool is_any = false;
    struct status st =
        data_source_endpoints_read(options->type, options->parameters_json, &endpoints);

    if (st.code != STATUS_OK) {
        options->log->begin(options->log, "read parameters", "");
        (void)check_end_step(options->log, st, "");
    }
    for (size_t i = 0; i < endpoints.count && !stop_is_requested(options->stop); i++)
        is_any = network_check_endpoint(options, &endpoints.items[i], "") || is_any;
    data_source_endpoints_deinit(&endpoints);
    return is_any;
}

static void write_server(const char *host, int port, char ret[TARGET_BYTES])
{
    (void)snprintf(ret, TARGET_BYTES, "%s:%d", host, port);
}

static bool find_cluster(const struct check_options *options, struct hbase_cluster *cluster,
                         struct hbase_server *ret_master)
{
    char id[HBASE_CLUSTER_ID_BYTES];
    struct hbase_server meta;
    struct buf found = {0};

    options->log->begin(options->log, "find cluster", "");
    struct status st = hbase_cluster_find_id(cluster, id);
    if (st.code == STATUS_OK)
        st = hbase_cluster_find_master(cluster, ret_master);
    if (st.code == STATUS_OK)
        st = hbase_cluster_find_meta(cluster, &meta);
    if (st.code == STATUS_OK)
        buf_printf(&found, "cluster %s, master %s:%d, hbase:meta on %s:%d", id, ret_master->host,
                   ret_master->port, meta.host, meta.port);
    bool is_ok = check_end_step(options->log, st, buf_get_text(&found));
    buf_deinit(&found);
    return is_ok;
}

static bool ask_master(const struct check_options *options, struct hbase_cluster *cluster,
                       const struct hbase_server *master, struct arena *arena,
                       Hb__ClusterStatus **ret)
{
    char target[TARGET_BYTES];
    struct buf found = {0};

    write_server(master->host, master->port, target);
    options->log->begin(options->log, "ask master", target);
    struct status st = hbase_cluster_status_read(cluster, arena, ret);
    if (st.code == STATUS_OK)
        buf_printf(&found, "HBase %s; %zu region server%s live, %zu dead",
                   (*ret)->hbase_version ? (*ret)->hbase_version->version : "of unknown version",
                   (*ret)->n_live_servers, (*ret)->n_live_servers == 1 ? "" : "s",
                   (*ret)->n_dead_servers);
    if (st.code == STATUS_OK && (*ret)->n_live_servers == 0)
        st = status_error(STATUS_UNAVAILABLE, "%s", buf_get_text(&found));
    bool is_ok = check_end_step(options->log, st, buf_get_text(&found));
    buf_deinit(&found);
    return is_ok;
}

/*
 * Asks for a region that the server may not have: that it says so is an answer, too. A connection alone would say less: servers
 * take what they do not understand without a word.
 */
static struct status ask_server(struct hbase_cluster *cluster, const struct hbase_server *server)
{
    static const char meta_region[] = "hbase:meta,,1";
    Hb__RegionSpecifier region = HB__REGION_SPECIFIER__INIT;
    Hb__GetRegionInfoRequest message = HB__GET_REGION_INFO_REQUEST__INIT;
    struct hbase_reply reply = {0};
    struct hbase_fault fault;

    region.type = HB__REGION_SPECIFIER__TYPE__REGION_NAME;
    region.value = hbase_bytes_make(str_from(meta_region));
    message.region = &region;
    const struct hbase_request request = {
        .method = "GetRegionInfo",
        .message = &message.base,
        .reply = &hb__get_region_info_response__descriptor,
        .timeout_ms = ASK_MS,
    };
    bool is_ok = hbase_cluster_try(cluster, server, HBASE_ADMIN_SERVICE, &request, &reply, &fault);
    hbase_reply_free(&reply);
    return is_ok || fault.action == HBASE_ACTION_RELOCATE ? status_ok() : fault.status;
}

static void ask_servers(const struct check_options *options, struct hbase_cluster *cluster,
                        const Hb__ClusterStatus *status)
{
    for (size_t i = 0; i < status->n_live_servers && i < MAX_SERVERS; i++) {
        const Hb__ServerName *name = status->live_servers[i]->server;
        struct hbase_server server = {.port = (int)name->port,
                                      .start_code = (int64_t)name->start_code};
        char target[TARGET_BYTES];

        if (stop_is_requested(options->stop) || clock_get_monotonic_ms() >= options->deadline_ms)
            return;
        (void)snprintf(server.host, sizeof(server.host), "%s", name->host_name);
        write_server(server.host, server.port, target);
        options->log->begin(options->log, "ask region server", target);
        (void)check_end_step(options->log, ask_server(cluster, &server), "answers");
    }
}

static void try_cluster(const struct check_options *options, struct hbase_cluster *cluster)
{
    struct arena *arena = arena_create(MAX_STATUS_BYTES);
    struct hbase_server master;
    Hb__ClusterStatus *status = NULL;

    hbase_cluster_set_patience(cluster, ASK_MS);
    if (find_cluster(options, cluster, &master) &&
        ask_master(options, cluster, &master, arena, &status))
        ask_servers(options, cluster, status);
    arena_destroy(arena);
}

void hbase_check_run(const struct check_options *options)
{
    struct hbase_cluster *cluster = NULL;

    if (!try_endpoints(options))
        return;
    struct status st =
        hbase_source_open(options->parameters_json, options->name, options->stop, NULL, &cluster);
    if (st.code == STATUS_OK) {
        try_cluster(options, cluster);
    } else {
        options->log->begin(options->log, "read parameters", "");
        (void)check_end_step(options->log, st, "");
    }
    hbase_cluster_destroy(cluster);
}
