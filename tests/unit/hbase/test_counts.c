#include "hbase/counts.h"

#include "base/compiler.h"
#include "hbase/hbase.pb-c.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/cluster_fixture.h"

enum { CALL_MS = 5000, PATIENCE_MS = 300 };

/* A master that is starting. */
static void hold(void *self, struct fake_call *call)
{
    (void)self;
    fake_call_throw(call, "org.apache.hadoop.hbase.PleaseHoldException", "starting", FAKE_RETRY);
}

static struct status call_master(struct hbase_cluster *cluster)
{
    const Hb__Empty empty = HB__EMPTY__INIT;
    const struct hbase_request request = {.method = "Ask",
                                          .message = &empty.base,
                                          .reply = &hb__empty__descriptor,
                                          .timeout_ms = CALL_MS};
    struct hbase_reply reply = {0};

    return hbase_cluster_call_master(cluster, &request, &reply);
}

static int64_t get_count(struct metrics *metrics, const struct metric_family *family,
                         const char *outcome)
{
    return metric_get(metrics_get(metrics, family, &outcome));
}

test(calls_and_what_is_tried_again_are_counted)
{
    static const struct metric_family *const families[] = {HBASE_METRIC_FAMILIES};
    struct cluster_fixture f = {.on_call = hold};

    cluster_fixture_open(&f);
    struct metrics *metrics = metrics_create(families, ARRAY_LEN(families));
    struct hbase_endpoint endpoint = {"127.0.0.1", f.meta.port};
    struct hbase_cluster *cluster =
        hbase_cluster_create(&(struct hbase_cluster_options){.name = "src",
                                                             .endpoints = &endpoint,
                                                             .nendpoints = 1,
                                                             .user = "sluice",
                                                             .stop = &f.stop,
                                                             .metrics = metrics});
    hbase_cluster_set_patience(cluster, PATIENCE_MS);
    check_status(call_master(cluster), STATUS_UNAVAILABLE);
    int64_t nasked = (int64_t)fake_server_count_calls(f.server, "Ask");
    check_int(get_count(metrics, &hbase_calls_total, "no_master"), nasked);
    check(get_count(metrics, &hbase_calls_total, "answered") > 0); /* where the master is */
    check_int(get_count(metrics, &hbase_retries_total, "again"), nasked - 1);
    check_int(get_count(metrics, &hbase_retries_total, "given_up"), 1);
    hbase_cluster_destroy(cluster);
    metrics_destroy(metrics);
    cluster_fixture_close(&f);
}
