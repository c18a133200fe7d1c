#include "worker/worker_status.h"

#include <stdatomic.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "base/process_metrics.h"
#include "base/tls_expiry.h"
#include "hbase/counts.h"
#include "http/status_server.h"
#include "rpc/otlp.h"
#include "worker/engine.h"
#include "worker/job_counts.h"

static const struct metric_family syncs_running = {
    .name = "sluice_worker_syncs_running",
    .kind = METRIC_GAUGE,
    .help = "Incremental syncs that the worker follows.",
};

static const struct metric_family sync_lag_seconds = {
    .name = "sluice_worker_sync_lag_seconds",
    .kind = METRIC_GAUGE,
    .parts = 1000,
    .help =
        "How far the destination is behind, by the sync that is furthest; absent while none knows.",
};

static const struct metric_family sync_queued_logs = {
    .name = "sluice_worker_sync_queued_logs",
    .kind = METRIC_GAUGE,
    .help = "Logs of the sources that are to be shipped yet, of all syncs.",
};

static const struct metric_family *const families[] = {
    PROCESS_METRIC_FAMILIES, TLS_METRIC_FAMILIES, OTLP_METRIC_FAMILIES,
    ENGINE_METRIC_FAMILIES,  JOB_METRIC_FAMILIES, HBASE_METRIC_FAMILIES,
    &syncs_running,          &sync_lag_seconds,   &sync_queued_logs,
};

struct worker_status {
    struct status_source source;
    struct metrics_source figures;
    struct status_server *server;
    _Atomic(struct engine *) engine; /* NULL: not yet */
};

static void on_write(struct metrics_source *source)
{
    struct worker_status *status = container_of(source, struct worker_status, figures);
    struct metrics *metrics = status_server_get_metrics(status->server);
    struct engine *engine = atomic_load(&status->engine);
    struct engine_syncs syncs = {.lag_ms = -1};

    if (!engine)
        return;
    engine_get_syncs(engine, &syncs);
    metric_set(metrics_get_only(metrics, &syncs_running), syncs.count);
    metric_set(metrics_get_only(metrics, &sync_queued_logs), syncs.queued_logs);
    if (syncs.lag_ms >= 0)
        metric_set(metrics_get_only(metrics, &sync_lag_seconds), syncs.lag_ms);
    else
        metrics_clear(metrics, &sync_lag_seconds);
}

static bool is_ready(struct status_source *source, const char **ret_why)
{
    struct engine *engine =
        atomic_load(&container_of(source, struct worker_status, source)->engine);

    *ret_why = engine ? "the gateway has not answered the last question for work"
                      : "the program is starting";
    return engine && engine_is_answered(engine);
}

struct status worker_status_create(const char *listen, const struct cidr_list *allowed,
                                   const struct tls_paths *server_tls,
                                   const struct tls_paths *client_tls, struct worker_status **ret)
{
    struct worker_status *status = mem_alloc(sizeof(*status));

    *ret = NULL;
    status->source.is_ready = is_ready;
    status->figures.on_write = on_write;
    struct status st =
        status_server_create(&(struct status_server_options){.listen = listen,
                                                             .allowed = allowed,
                                                             .families = families,
                                                             .nfamilies = ARRAY_LEN(families),
                                                             .source = &status->source,
                                                             .figures = &status->figures,
                                                             .server_tls = *server_tls,
                                                             .client_tls = *client_tls},
                             &status->server);
    if (st.code != STATUS_OK || !status->server) {
        worker_status_destroy(status);
        return st;
    }
    *ret = status;
    return st;
}

struct metrics *worker_status_get_metrics(struct worker_status *status)
{
    return status ? status_server_get_metrics(status->server) : NULL;
}

int worker_status_get_port(const struct worker_status *status)
{
    return status ? status_server_get_port(status->server) : 0;
}

void worker_status_follow(struct worker_status *status, struct engine *engine)
{
    if (status)
        atomic_store(&status->engine, engine);
}

void worker_status_announce_stop(struct worker_status *status)
{
    if (status)
        status_server_announce_stop(status->server);
}

void worker_status_stop(struct worker_status *status)
{
    if (status)
        status_server_stop(status->server);
}

void worker_status_destroy(struct worker_status *status)
{
    if (!status)
        return;
    status_server_destroy(status->server);
    mem_free(status);
}
