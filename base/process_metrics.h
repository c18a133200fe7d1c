/*
 * base/process_metrics.h - what the system tells of this process, under the names that all of Prometheus' clients use.
 */
#ifndef BASE_PROCESS_METRICS_H
#define BASE_PROCESS_METRICS_H

#include "base/metrics.h"

/* For a program's list of families. */
extern const struct metric_family process_start_time_seconds;
extern const struct metric_family process_cpu_seconds_total;
extern const struct metric_family process_resident_memory_bytes;
extern const struct metric_family process_open_fds;
extern const struct metric_family process_max_fds;
extern const struct metric_family sluice_build_info;

#define PROCESS_METRIC_FAMILIES \
    &process_start_time_seconds, &process_cpu_seconds_total, &process_resident_memory_bytes, \
        &process_open_fds, &process_max_fds, &sluice_build_info

struct process_metrics;

/* Each metrics_write finds them out anew. Nothing is counted if metrics is NULL. */
struct process_metrics *process_metrics_create(struct metrics *metrics, const char *version)
    MUST_CHECK;

/* When nobody writes the metrics any more. NULL is allowed. */
void process_metrics_destroy(struct process_metrics *process);

#endif
