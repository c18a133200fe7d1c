/*
 * hbase/cluster_status.h - what the master knows of its servers: versions, regions and their sizes, replication.
 */
#ifndef HBASE_CLUSTER_STATUS_H
#define HBASE_CLUSTER_STATUS_H

#include "base/arena.h"
#include "base/status.h"
#include "hbase/cluster.h"
#include "hbase/hbase.pb-c.h"

/* The live servers with their loads, and HBase's version, in arena. As old as the servers' last reports: some seconds. Blocks. */
struct status hbase_cluster_status_read(struct hbase_cluster *cluster, struct arena *arena,
                                        Hb__ClusterStatus **ret) MUST_CHECK;

#endif
