/*
 * store/lane_metrics.h - what a lane counts. For lane.c and connection.c; the families are for programs' lists.
 */
#ifndef STORE_LANE_METRICS_H
#define STORE_LANE_METRICS_H

#include "base/metrics.h"

struct pg_result;

extern const struct metric_family store_connections;
extern const struct metric_family store_connections_max;
extern const struct metric_family store_connections_made_total;
extern const struct metric_family store_connections_lost_total;
extern const struct metric_family store_queries_queued;
extern const struct metric_family store_queries_refused_total;
extern const struct metric_family store_queries_total;
extern const struct metric_family store_batches_total;
extern const struct metric_family store_batch_duration_seconds;
extern const struct metric_family store_errors_total;

#define STORE_METRIC_FAMILIES \
    &store_connections, &store_connections_max, &store_connections_made_total, \
        &store_connections_lost_total, &store_queries_queued, &store_queries_refused_total, \
        &store_queries_total, &store_batches_total, &store_batch_duration_seconds, \
        &store_errors_total

/* All are NULL if nothing is counted. */
struct lane_metrics {
    struct metrics *metrics;
    const char *lane;
    struct metric *connections;
    struct metric *made;
    struct metric *lost;
    struct metric *queued;
    struct metric *refused;
    struct metric *queries;
    struct metric *batches;
    struct metric *duration;
};

/* lane is its label, and a literal; metrics may be NULL. */
void lane_metrics_init(struct lane_metrics *counts, struct metrics *metrics, const char *lane,
                       unsigned max_connections);

/* A failed PGresult of libpq. */
void lane_metrics_note_error(const struct lane_metrics *counts, const struct pg_result *failed);

#endif
