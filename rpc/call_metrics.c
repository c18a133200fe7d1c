/*
 * Calls that end well are counted by what was looked up at the start. Others are looked up when they end: there are many
 * codes and reasons, few of which a method ever has.
 */
#include "rpc/call_metrics.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "rpc/serving.h"

struct method {
    const char *name; /* "sluice.v1.TaskService/GetTask" */
    struct metric *ok;
    struct metric *duration;
};

struct rpc_call_metrics {
    struct metrics *metrics;
    struct metric *running;
    const struct rpc_route *routes;
    size_t nroutes;
    struct method *methods; /* of each route, and behind them of paths that are not known */
};

static struct metric *get_calls(struct rpc_call_metrics *metrics, const struct method *method,
                                enum status_code code, const char *reason)
{
    return metrics_get(metrics->metrics, &rpc_calls_total,
                       (const char *const[]){method->name, status_code_get_name(code), reason});
}

struct rpc_call_metrics *rpc_call_metrics_create(struct metrics *metrics,
                                                 const struct rpc_route *routes, size_t nroutes)
{
    if (!metrics)
        return NULL;

    struct rpc_call_metrics *made = mem_alloc(sizeof(*made));
    made->metrics = metrics;
    made->running = metrics_get_only(metrics, &rpc_calls_running);
    metric_set(made->running, 0);
    made->routes = routes;
    made->nroutes = nroutes;
    made->methods = mem_alloc_array(nroutes + 1, sizeof(*made->methods));
    for (size_t i = 0; i <= nroutes; i++) {
        struct method *method = &made->methods[i];

        method->name = i < nroutes ? routes[i].path + 1 : "unknown";
        method->duration =
            metrics_get(metrics, &rpc_call_duration_seconds, (const char *const[]){method->name});
        if (i < nroutes)
            method->ok = get_calls(made, method, STATUS_OK, "");
    }
    return made;
}

void rpc_call_metrics_destroy(struct rpc_call_metrics *metrics)
{
    if (!metrics)
        return;
    mem_free(metrics->methods);
    mem_free(metrics);
}

int64_t rpc_call_metrics_begin(struct rpc_call_metrics *metrics)
{
    if (!metrics)
        return 0;
    metric_add(metrics->running, 1);
    return clock_get_monotonic_us();
}

void rpc_call_metrics_end(struct rpc_call_metrics *metrics, const struct rpc_route *route,
                          enum status_code code, const char *reason, int64_t begin_us)
{
    if (!metrics)
        return;

    size_t i = route ? (size_t)(route - metrics->routes) : metrics->nroutes;
    const struct method *method = &metrics->methods[i];
    metric_add(metrics->running, -1);
    metric_observe_us(method->duration, clock_get_monotonic_us() - begin_us);
    if (code == STATUS_OK)
        metric_add(method->ok, 1);
    else
        metric_add(get_calls(metrics, method, code, reason ? reason : ""), 1);
}

const struct metric_family rpc_calls_total = {
    .name = "sluice_grpc_calls_total",
    .kind = METRIC_COUNTER,
    .help = "gRPC calls that have ended; reason is that of google.rpc.ErrorInfo, or empty.",
    .labels = {"method", "code", "reason"},
};

const struct metric_family rpc_call_duration_seconds = {
    .name = "sluice_grpc_call_duration_seconds",
    .kind = METRIC_HISTOGRAM,
    .help = "How long gRPC calls took; those that wait for something, and streams, take long.",
    .labels = {"method"},
};

const struct metric_family rpc_calls_running = {
    .name = "sluice_grpc_calls_running",
    .kind = METRIC_GAUGE,
    .help = "gRPC calls that are under way.",
};

const struct metric_family rpc_connections_cut_total = {
    .name = "sluice_grpc_connections_cut_total",
    .kind = METRIC_COUNTER,
    .help = "Connections cut because too much memory was taken, and they sent most.",
};
