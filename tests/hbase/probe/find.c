/*
 * tests/hbase/probe/find.c - find: where the active master and hbase:meta are, and the cluster's id.
 */
#include "tests/hbase/probe/probe.h"

struct status probe_find(struct probe *probe)
{
    struct hbase_server master, meta;
    char id[HBASE_CLUSTER_ID_BYTES];
    struct status st = hbase_cluster_find_master(probe->cluster, &master);

    if (st.code == STATUS_OK)
        st = hbase_cluster_find_meta(probe->cluster, &meta);
    if (st.code == STATUS_OK)
        st = hbase_cluster_find_id(probe->cluster, id);
    if (st.code != STATUS_OK)
        return st;
    probe_tell_server(probe, "master", &master);
    probe_tell_server(probe, "meta", &meta);
    json_out_key(probe->out, "id");
    json_out_text(probe->out, id);
    return st;
}
