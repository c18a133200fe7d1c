/*
 * base/metrics.h - what a program counts, for Prometheus to read.
 *
 * A family is described by a constant beside the code that counts, and a program's families are one list. Who counts asks
 * for its series once, by the values of the labels, and keeps it: an update is an atomic addition. A program that is not
 * asked for metrics has no registry; then every series is NULL, and updates of it do nothing.
 *
 * Labels take few values: the method, never an id.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct metric;
struct metrics;

enum {
    METRIC_MAX_LABELS = 3,
    METRICS_MAX_SERIES = 1024, /* of a family; what comes later is counted together, as "other" */
};

enum metric_kind {
    METRIC_COUNTER,
    METRIC_GAUGE,     /* has no value until one is set */
    METRIC_HISTOGRAM, /* of times, observed in microseconds and shown in seconds */
};

struct metric_family {
    const char
        *name; /* as Prometheus wants it: the unit is in it, and a counter's ends in _total */
    enum metric_kind kind;
    unsigned parts;   /* what is set or added is in such parts of the unit, 1000 for ms; 0: 1 */
    const char *help; /* one sentence */
    const char *labels[METRIC_MAX_LABELS]; /* those that are not used are NULL, and last */
};

/* families[0 .. nfamilies) is borrowed until metrics_destroy. */
struct metrics *metrics_create(const struct metric_family *const *families, size_t nfamilies)
    MUST_CHECK;

/* NULL is allowed. */
void metrics_destroy(struct metrics *metrics);

/*
 * The series of a family, one of metrics' own, whose labels have these values, which are copied; made when it is asked for
 * first. It lives as long as metrics. NULL if metrics is NULL. Any thread; takes a lock.
 */
struct metric *metrics_get(struct metrics *metrics, const struct metric_family *family,
                           const char *const values[]);

/* For families without labels. */
struct metric *metrics_get_only(struct metrics *metrics, const struct metric_family *family);

/* Takes the values of all of a gauge's series away. Any thread. */
void metrics_clear(struct metrics *metrics, const struct metric_family *family);

/* Updates. Any thread; metric may be NULL. */
void metric_add(struct metric *metric, int64_t n);
void metric_set(struct metric *metric, int64_t value);
void metric_observe_us(struct metric *metric, int64_t took_us);

/* What a counter or a gauge has now; 0 for NULL. */
int64_t metric_get(const struct metric *metric);

/* Embedded in what knows values that are only worth finding out when they are asked for. */
struct metrics_source {
    /* Runs in metrics_write, on its thread, and may run on several at a time; sets gauges and counters. Must not block. */
    void (*on_write)(struct metrics_source *source);
    struct metrics_source *next; /* of the registry */
};

/* source is borrowed until metrics_destroy. Nothing happens if metrics is NULL. Before the first metrics_write. */
void metrics_add_source(struct metrics *metrics, struct metrics_source *source);

/* Appends everything, in Prometheus' text format 0.0.4 (prometheus.io, "Exposition formats"). Any thread. */
void metrics_write(struct metrics *metrics, struct buf *ret);

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
