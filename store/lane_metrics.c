#include "store/lane_metrics.h"

#include <string.h>

#include <libpq-fe.h>

#include "base/compiler.h"

/*
 * Faults of the database itself are shown from the start, at 0: what Prometheus sees first of a series is no growth to it,
 * and an alert would miss the first fault.
 */
static void show_errors(const struct lane_metrics *counts)
{
    static const char *const classes[] = {"08", "25", "53", "57", "58", "XX"};

    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        (void)metrics_get(counts->metrics, &store_errors_total,
                          (const char *const[]){counts->lane, classes[i]});
}

void lane_metrics_init(struct lane_metrics *counts, struct metrics *metrics, const char *lane,
                       unsigned max_connections)
{
    const char *const labels[] = {lane};

    *counts = (struct lane_metrics){
        .metrics = metrics,
        .lane = lane,
        .connections = metrics_get(metrics, &store_connections, labels),
        .made = metrics_get(metrics, &store_connections_made_total, labels),
        .lost = metrics_get(metrics, &store_connections_lost_total, labels),
        .queued = metrics_get(metrics, &store_queries_queued, labels),
        .refused = metrics_get(metrics, &store_queries_refused_total, labels),
        .queries = metrics_get(metrics, &store_queries_total, labels),
        .batches = metrics_get(metrics, &store_batches_total, labels),
        .duration = metrics_get(metrics, &store_batch_duration_seconds, labels),
    };
    metric_set(counts->connections, 0);
    metric_set(counts->queued, 0);
    metric_set(metrics_get(metrics, &store_connections_max, labels), max_connections);
    show_errors(counts);
}

void lane_metrics_note_error(const struct lane_metrics *counts, const struct pg_result *failed)
{
    const char *sqlstate = PQresultErrorField(failed, PG_DIAG_SQLSTATE);
    char class[3] = "08"; /* libpq itself speaks: the connection is gone */

    if (!counts->metrics)
        return;
    if (sqlstate && strlen(sqlstate) == 5)
        memcpy(class, sqlstate, 2);
    metric_add(metrics_get(counts->metrics, &store_errors_total,
                           (const char *const[]){counts->lane, class}),
               1);
}

const struct metric_family store_connections = {
    .name = "sluice_database_connections",
    .kind = METRIC_GAUGE,
    .help = "Connections to Sluice's database that are up.",
    .labels = {"lane"},
};

const struct metric_family store_connections_max = {
    .name = "sluice_database_connections_max",
    .kind = METRIC_GAUGE,
    .help = "Connections to Sluice's database that are to be up.",
    .labels = {"lane"},
};

const struct metric_family store_connections_made_total = {
    .name = "sluice_database_connections_made_total",
    .kind = METRIC_COUNTER,
    .help = "Connections that were made, again and for the first time.",
    .labels = {"lane"},
};

const struct metric_family store_connections_lost_total = {
    .name = "sluice_database_connections_lost_total",
    .kind = METRIC_COUNTER,
    .help = "Connections that were lost, or could not be made.",
    .labels = {"lane"},
};

const struct metric_family store_queries_queued = {
    .name = "sluice_database_queries_queued",
    .kind = METRIC_GAUGE,
    .help = "Queries that wait for a connection.",
    .labels = {"lane"},
};

const struct metric_family store_queries_refused_total = {
    .name = "sluice_database_queries_refused_total",
    .kind = METRIC_COUNTER,
    .help = "Queries that were refused because too many waited.",
    .labels = {"lane"},
};

const struct metric_family store_queries_total = {
    .name = "sluice_database_queries_total",
    .kind = METRIC_COUNTER,
    .help = "Queries that were sent.",
    .labels = {"lane"},
};

const struct metric_family store_batches_total = {
    .name = "sluice_database_batches_total",
    .kind = METRIC_COUNTER,
    .help = "Statements that were sent; each has the queries that had come meanwhile.",
    .labels = {"lane"},
};

const struct metric_family store_batch_duration_seconds = {
    .name = "sluice_database_batch_duration_seconds",
    .kind = METRIC_HISTOGRAM,
    .help = "From sending a statement to its rows, those before it on the connection included.",
    .labels = {"lane"},
};

const struct metric_family store_errors_total = {
    .name = "sluice_database_errors_total",
    .kind = METRIC_COUNTER,
    .help = "Statements that failed, by the class of their SQLSTATE; 08 is a lost connection.",
    .labels = {"lane", "class"},
};
