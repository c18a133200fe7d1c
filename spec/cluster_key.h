/*
 * spec/cluster_key.h - how the address of an HBase or Lindorm cluster is written.
 *
 * HBase: "zk1,zk2:2181:/hbase", where the port is for the hosts that have none of their own, as HBase's ZKConfig reads
 * it; and its connection URIs "hbase+zk://zk1:2181,zk2:2181/hbase" and "hbase+rpc://master1:16000,master2:16000".
 * Lindorm: "host:30020", or "host:30020:user:password" as the Lindorm Tunnel Service has it.
 */
#ifndef SPEC_CLUSTER_KEY_H
#define SPEC_CLUSTER_KEY_H

#include "spec/host_list.h"

enum cluster_key_kind {
    CLUSTER_KEY_ZOOKEEPER, /* hosts are those of ZooKeeper */
    CLUSTER_KEY_RPC,       /* hosts are masters or region servers of HBase */
};

/* What a key says, borrowed from it. */
struct cluster_key {
    enum cluster_key_kind kind;
    struct str hosts; /* for host_list_take */
    int default_port;
    struct str parent; /* of ZooKeeper: HBase's node, "/hbase" */
};

/* INVALID_ARGUMENT: text is no address of an HBase cluster. The text of the error quotes nothing. */
struct status cluster_key_read(struct str text, struct cluster_key *ret) MUST_CHECK;

struct lindorm_key {
    struct host_port server;
    struct str username; /* {NULL, 0}: the key has none */
    struct str password; /* the same; may hold any byte */
};

/* INVALID_ARGUMENT: text is no address of a Lindorm instance. The text of the error quotes nothing. */
struct status lindorm_key_read(struct str text, struct lindorm_key *ret) MUST_CHECK;

#endif
