#include "connectors/hbase/hbase_source.h"

#include "base/compiler.h"
#include "base/stop.h"
#include "hbase/cluster.h"
#include "tests/harness/test.h"

static struct stop stop;

/* Opens a data source that is right, and finds out where its cluster looks for a master. */
static struct status look(const char *parameters_json)
{
    struct hbase_cluster *cluster = NULL;
    struct hbase_server server;
    struct status st = hbase_source_open(parameters_json, "h1", &stop, NULL, &cluster);

    check_status(st, STATUS_OK);
    if (st.code == STATUS_OK)
        st = hbase_cluster_find_master(cluster, &server);
    hbase_cluster_destroy(cluster);
    return st;
}

test(hbase_source_looks_where_the_parameters_say)
{
    /* Nobody listens at port 1. */
    static const struct {
        const char *parameters_json;
        const char *words[3];
    } cases[] = {
        {"{\"clusterKey\":\"127.0.0.1:1:/hbase\"}", {"h1", "127.0.0.1:1", "refused"}},
        {"{\"clusterKey\":\"127.0.0.1,127.0.0.2:1:/hbase\"}", {"127.0.0.1:1", "127.0.0.2:1", ""}},
        {"{\"clusterKey\":\"hbase+zk://127.0.0.1:1/hbase\"}", {"127.0.0.1:1", "refused", ""}},
        {"{\"clusterKey\":\"hbase+rpc://127.0.0.1:1\"}", {"127.0.0.1:1", "refused", ""}},
        {"{\"clusterKey\":\"hbase+rpc://no.such.host:1\",\"hosts\":{\"no.such.host\":\"127.0.0.1\"}}",
         {"no.such.host:1", "refused", ""}},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct status st = look(cases[i].parameters_json);

        check_status(st, STATUS_UNAVAILABLE);
        for (size_t j = 0; j < ARRAY_LEN(cases[i].words); j++) {
            check(strstr(st.text, cases[i].words[j]) != NULL);
        }
    }
}

test(hbase_source_has_a_user)
{
    struct hbase_cluster *cluster = NULL;

    check_status(
        hbase_source_open("{\"clusterKey\":\"zk:2181:/hbase\"}", "h1", &stop, NULL, &cluster),
        STATUS_OK);
    check_str(hbase_cluster_get_user(cluster), hbase_source_default_user);
    check_str(hbase_cluster_get_name(cluster), "h1");
    hbase_cluster_destroy(cluster);

    check_status(hbase_source_open("{\"clusterKey\":\"zk:2181:/hbase\",\"username\":\"hadoop\"}",
                                   "h1", &stop, NULL, &cluster),
                 STATUS_OK);
    check_str(hbase_cluster_get_user(cluster), "hadoop");
    hbase_cluster_destroy(cluster);
}

test(hbase_source_refuses_parameters_that_are_not_right)
{
    static const char *const cases[] = {
        "",
        "[]",
        "{}",
        "{\"clusterKey\":7}",
        "{\"clusterKey\":\"zk\"}",
        "{\"clusterKey\":\"zk:2181:hbase\"}",
        "{\"clusterKey\":\"hbase+rpc://\"}",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct hbase_cluster *cluster = NULL;
        struct status st = hbase_source_open(cases[i], "h1", &stop, NULL, &cluster);

        check_status(st, STATUS_INVALID_ARGUMENT);
        check(strstr(st.text, "data source 'h1'") != NULL);
        check(cluster == NULL);
    }
}
