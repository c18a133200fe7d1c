#include "hbase/cluster_status.h"

#include "base/compiler.h"
#include "hbase/master.h"

/* ClusterStatus.proto, Option: the version, the id, the live servers, the dead ones, the master. */
static const int32_t options[] = {0, 1, 2, 3, 4};

struct status hbase_cluster_status_read(struct hbase_cluster *cluster, struct arena *arena,
                                        Hb__ClusterStatus **ret)
{
    Hb__GetClusterStatusRequest question = HB__GET_CLUSTER_STATUS_REQUEST__INIT;
    const ProtobufCMessage *answer = NULL;

    question.n_options = ARRAY_LEN(options);
    question.options = (int32_t *)(uintptr_t)options;
    struct status st =
        hbase_master_ask(cluster, "GetClusterStatus", &question.base,
                         &hb__get_cluster_status_response__descriptor, arena, &answer);
    if (st.code == STATUS_OK)
        *ret = ((const Hb__GetClusterStatusResponse *)answer)->cluster_status;
    return st;
}
