#include "rest-shim/rest_counts.h"

#include <stdio.h>

#include "base/compiler.h"
#include "base/process_metrics.h"
#include "base/tls_expiry.h"
#include "http/status_server.h"
#include "rest-shim/routes.h"
#include "rpc/otlp.h"

enum { CLASS_BYTES = sizeof("5xx") };

static const struct metric_family requests_total = {
    .name = "sluice_http_requests_total",
    .kind = METRIC_COUNTER,
    .help = "HTTP requests that were answered; status is a class, 5xx, or gone if the client was.",
    .labels = {"method", "route", "status"},
};

static const struct metric_family request_duration_seconds = {
    .name = "sluice_http_request_duration_seconds",
    .kind = METRIC_HISTOGRAM,
    .help = "From a whole request to the end of its reply; those that follow tasks take long.",
    .labels = {"method", "route"},
};

static const struct metric_family requests_running = {
    .name = "sluice_http_requests_running",
    .kind = METRIC_GAUGE,
    .help = "HTTP requests that are under way.",
};

static const struct metric_family requests_refused_total = {
    .name = "sluice_http_requests_refused_total",
    .kind = METRIC_COUNTER,
    .help = "HTTP requests that were too large, no HTTP, or more than there is room for.",
    .labels = {"status"},
};

static const struct metric_family *const families[] = {
    PROCESS_METRIC_FAMILIES,   TLS_METRIC_FAMILIES, OTLP_METRIC_FAMILIES,    &requests_total,
    &request_duration_seconds, &requests_running,   &requests_refused_total,
};

/* Whether the gateway can be reached is told by the route /readyz of the program's own listener. */
struct status rest_counts_serve(const char *listen, const struct cidr_list *allowed,
                                const struct tls_paths *server_tls,
                                const struct tls_paths *client_tls, struct status_server **ret)
{
    struct status st =
        status_server_create(&(struct status_server_options){.listen = listen,
                                                             .allowed = allowed,
                                                             .families = families,
                                                             .nfamilies = ARRAY_LEN(families),
                                                             .server_tls = *server_tls,
                                                             .client_tls = *client_tls},
                             ret);

    if (st.code == STATUS_OK && *ret)
        metric_set(metrics_get_only(status_server_get_metrics(*ret), &requests_running), 0);
    return st;
}

void rest_counts_begin(struct metrics *metrics)
{
    metric_add(metrics_get_only(metrics, &requests_running), 1);
}

static void write_class(int http_status, char ret[CLASS_BYTES])
{
    (void)snprintf(ret, CLASS_BYTES, "%cxx", '0' + http_status / 100 % 10);
}

void rest_counts_end(struct metrics *metrics, const struct route *route, int http_status,
                     int64_t took_us)
{
    char class[CLASS_BYTES];
    const char *const labels[] = {
        route ? route->verb : "unknown",
        route ? route->path : "unknown",
        http_status == 0 ? "gone" : class,
    };

    if (!metrics)
        return;
    write_class(http_status, class);
    metric_add(metrics_get_only(metrics, &requests_running), -1);
    metric_add(metrics_get(metrics, &requests_total, labels), 1);
    metric_observe_us(metrics_get(metrics, &request_duration_seconds, labels), took_us);
}

void rest_counts_refuse(struct metrics *metrics, int http_status)
{
    char class[CLASS_BYTES];
    const char *const labels[] = {class};

    write_class(http_status, class);
    metric_add(metrics_get(metrics, &requests_refused_total, labels), 1);
}
