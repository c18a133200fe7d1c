/*
 * hbase/znode.h - what HBase keeps in nodes of ZooKeeper (org.apache.hadoop.hbase.zookeeper.ZKMetadata): 0xff, a 4-byte
 * length, the writer's id of that length; all of which may be missing; then "PBUF" and a message.
 */
#ifndef HBASE_ZNODE_H
#define HBASE_ZNODE_H

#include "base/status.h"
#include "base/str.h"
#include "hbase/cluster.h"

/* DATA_LOSS: it is not what HBase writes. */
struct status hbase_znode_read_master(struct str data, struct hbase_server *ret) MUST_CHECK;

/* UNAVAILABLE: hbase:meta is not open; DATA_LOSS. */
struct status hbase_znode_read_meta(struct str data, struct hbase_server *ret) MUST_CHECK;

/* Of hbaseid, which old versions wrote as plain text. DATA_LOSS. */
struct status hbase_znode_read_id(struct str data, char ret[HBASE_CLUSTER_ID_BYTES]) MUST_CHECK;

/* A cluster's id, from wherever. DATA_LOSS: it is empty, too long, or has bytes that no id has. */
struct status hbase_cluster_id_read(struct str text, char ret[HBASE_CLUSTER_ID_BYTES]) MUST_CHECK;

#endif
