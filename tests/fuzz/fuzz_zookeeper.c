/*
 * tests/fuzz/fuzz_zookeeper.c - any bytes, as what ZooKeeper answers, and as what HBase keeps there.
 */
#include <stdlib.h>
#include <string.h>

#include "hbase/peer_logs.h"
#include "hbase/znode.h"
#include "hbase/zookeeper_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void read_node(struct str data)
{
    struct hbase_server server;
    char id[HBASE_CLUSTER_ID_BYTES];

    if (hbase_znode_read_master(data, &server).code == STATUS_OK)
        require(server.port > 0 && strlen(server.host) > 0);
    if (hbase_znode_read_meta(data, &server).code == STATUS_OK)
        require(server.port > 0 && strlen(server.host) > 0);
    if (hbase_znode_read_id(data, id).code == STATUS_OK)
        require(strlen(id) > 0);
}

static void read_names(struct str bytes)
{
    struct arena *arena = arena_create(0);
    struct zookeeper_names names;
    int64_t begin_ms;

    if (zookeeper_read_names(bytes, arena, &names).code == STATUS_OK) {
        require(names.count <= bytes.len);
        for (size_t i = 0; i < names.count; i++)
            require(hbase_peer_log_read_name(names.names[i], &begin_ms).code != STATUS_OK ||
                    begin_ms > 0);
    }
    arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = str_from_bytes(data, size), node;
    size_t len;
    int32_t id;

    if (size >= ZOOKEEPER_LENGTH_BYTES)
        (void)zookeeper_read_length(bytes.data, &len).code;
    (void)zookeeper_read_connected(bytes).code;
    (void)zookeeper_read_id(bytes, &id).code;
    if (zookeeper_read_data(bytes, &node).code == STATUS_OK) {
        require(node.len <= size);
        read_node(node);
    }
    read_names(bytes);
    read_node(bytes);
    return 0;
}
