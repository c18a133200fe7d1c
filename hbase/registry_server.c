/*
 * hbase/registry_server.c - asks HBase's own servers where a cluster is: ClientMetaService (Registry.proto; in 1.7, 2.3
 * and 2.4 masters alone offer it).
 */
#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "hbase/fault.h"
#include "hbase/registry.h"
#include "hbase/server.h"
#include "hbase/znode.h"

static const char SERVICE[] = "ClientMetaService";

static struct status read_master(const ProtobufCMessage *message, struct hbase_found *ret)
{
    const Hb__GetActiveMasterResponse *reply = (const Hb__GetActiveMasterResponse *)message;

    if (!reply->server_name)
        return status_error(STATUS_UNAVAILABLE, "no master is active");
    return hbase_server_read(reply->server_name, &ret->server);
}

static struct status read_masters(const ProtobufCMessage *message, struct hbase_found *ret)
{
    const Hb__GetMastersResponse *reply = (const Hb__GetMastersResponse *)message;

    for (size_t i = 0; i < reply->n_master_servers; i++)
        if (reply->master_servers[i]->is_active)
            return hbase_server_read(reply->master_servers[i]->server_name, &ret->server);
    return status_error(STATUS_UNAVAILABLE, "no master is active");
}

static struct status read_meta(const ProtobufCMessage *message, struct hbase_found *ret)
{
    const Hb__GetMetaRegionLocationsResponse *reply =
        (const Hb__GetMetaRegionLocationsResponse *)message;

    for (size_t i = 0; i < reply->n_meta_locations; i++) {
        const Hb__RegionLocation *location = reply->meta_locations[i];

        if (location->region_info->replica_id == 0 && location->server_name)
            return hbase_server_read(location->server_name, &ret->server);
    }
    return status_error(STATUS_UNAVAILABLE, "hbase:meta has no server yet");
}

static struct status read_id(const ProtobufCMessage *message, struct hbase_found *ret)
{
    const Hb__GetClusterIdResponse *reply = (const Hb__GetClusterIdResponse *)message;

    if (!reply->cluster_id)
        return status_error(STATUS_UNAVAILABLE, "the cluster has no id yet");
    return hbase_cluster_id_read(str_from(reply->cluster_id), ret->id);
}

/* A question, and how its answer is read. */
struct question {
    const char *method;
    const ProtobufCMessageDescriptor *reply;
    struct status (*read)(const ProtobufCMessage *message, struct hbase_found *ret);
};

static const struct question questions[] = {
    [HBASE_MASTER] = {"GetActiveMaster", &hb__get_active_master_response__descriptor, read_master},
    [HBASE_META] = {"GetMetaRegionLocations", &hb__get_meta_region_locations_response__descriptor,
                    read_meta},
    [HBASE_CLUSTER_ID] = {"GetClusterId", &hb__get_cluster_id_response__descriptor, read_id},
};
static_assert(ARRAY_LEN(questions) == HBASE_NPLACES, "a question for each place");

/* What 1.7 has instead of GetActiveMaster. */
static const struct question question_masters = {
    "GetMasters", &hb__get_masters_response__descriptor, read_masters};

static struct status ask(struct hbase_connection *connection, const struct hbase_endpoint *endpoint,
                         const struct question *question, int64_t deadline_ms,
                         struct hbase_found *ret)
{
    const Hb__Empty empty = HB__EMPTY__INIT;
    int64_t left_ms = deadline_ms - clock_get_monotonic_ms();
    const struct hbase_request request = {
        .method = question->method,
        .message = &empty.base,
        .reply = question->reply,
        .timeout_ms = left_ms > 0 ? left_ms : 1,
    };
    struct hbase_reply reply;
    struct hbase_fault fault;
    struct hbase_call *call;

    hbase_call_start(connection, &request, &call);
    if (!hbase_call_wait(call, &reply, &fault))
        return fault.status;
    struct status st = question->read(reply.message, ret);
    hbase_reply_free(&reply);
    return st.code == STATUS_OK
               ? st
               : status_error(st.code, "%s:%d: %s", endpoint->host, endpoint->port, st.text);
}

static struct status ask_place(struct hbase_connection *connection,
                               const struct hbase_endpoint *endpoint, enum hbase_place place,
                               int64_t deadline_ms, struct hbase_found *ret)
{
    struct status st = ask(connection, endpoint, &questions[place], deadline_ms, ret);

    if (st.code == STATUS_UNIMPLEMENTED && place == HBASE_MASTER)
        st = ask(connection, endpoint, &question_masters, deadline_ms, ret);
    return st;
}

struct status hbase_registry_ask_server(struct hbase_registry *registry,
                                        const struct hbase_endpoint *endpoint,
                                        enum hbase_place place, int64_t deadline_ms,
                                        struct hbase_found *ret)
{
    struct hbase_server server = {.port = endpoint->port};
    struct hbase_connection *connection;

    (void)snprintf(server.host, sizeof(server.host), "%s", endpoint->host);
    struct status st = hbase_pool_get(registry->pool, &server, SERVICE, deadline_ms, &connection);
    if (st.code != STATUS_OK)
        return st;
    st = ask_place(connection, endpoint, place, deadline_ms, ret);
    if (st.code != STATUS_OK)
        hbase_pool_retire(registry->pool, &server, SERVICE);
    hbase_pool_release(registry->pool, connection);
    return st;
}
