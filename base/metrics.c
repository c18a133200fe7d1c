/*
 * Series are only ever added, at the front of their family's list, so a walk needs no lock but to begin; a lock is taken
 * for the lists alone. What a histogram shows is read part by part, so its sum may be a little ahead of its count.
 */
#include "base/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/compiler.h"
#include "base/mem.h"

static const char *const bound_texts[] = {"0.001", "0.0025", "0.005", "0.01", "0.025",
                                          "0.05",  "0.1",    "0.25",  "0.5",  "1",
                                          "2.5",   "5",      "10",    "30"};
static const int64_t bounds_us[] = {1000,   2500,   5000,    10000,   25000,   50000,    100000,
                                    250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000};

enum { NBOUNDS = ARRAY_LEN(bounds_us), MICROSECONDS = 1000000 };

static_assert(ARRAY_LEN(bound_texts) == NBOUNDS, "each bound has its text");

struct metric {
    struct metric *next; /* in its family */
    char *values[METRIC_MAX_LABELS];
    atomic_bool is_set;
    atomic_int_least64_t value;    /* of a histogram: the sum in microseconds */
    atomic_uint_least64_t *counts; /* of a histogram: of NBOUNDS + 1 buckets, each its own only */
};

/* The series of one family. */
struct group {
    const struct metric_family *family;
    struct metric *first;
    size_t nseries;
};

struct metrics {
    struct group *groups;
    size_t ngroups;
    struct metrics_source *sources;
    pthread_mutex_t mutex; /* for the lists in groups */
};

static size_t count_labels(const struct metric_family *family)
{
    size_t n = 0;

    while (n < METRIC_MAX_LABELS && family->labels[n])
        n++;
    return n;
}

static struct group *find_group(struct metrics *metrics, const struct metric_family *family)
{
    size_t i = 0;

    while (i < metrics->ngroups && metrics->groups[i].family != family)
        i++;
    assert(i < metrics->ngroups); /* the program's list lacks a family */
    return &metrics->groups[i];
}

/* The lock is held. */
static struct metric *find_metric(const struct group *group, const char *const *values,
                                  size_t nlabels)
{
    for (struct metric *metric = group->first; metric; metric = metric->next) {
        size_t i = 0;
        while (i < nlabels && strcmp(metric->values[i], values[i]) == 0)
            i++;
        if (i == nlabels)
            return metric;
    }
    return NULL;
}

/* The lock is held. */
static struct metric *add_metric(struct group *group, const char *const *values, size_t nlabels)
{
    struct metric *metric = mem_alloc(sizeof(*metric));

    for (size_t i = 0; i < nlabels; i++)
        metric->values[i] = mem_copy_str(str_from(values[i]));
    if (group->family->kind == METRIC_HISTOGRAM)
        metric->counts = mem_alloc_array(NBOUNDS + 1, sizeof(*metric->counts));
    atomic_init(&metric->is_set, group->family->kind != METRIC_GAUGE);
    metric->next = group->first;
    group->first = metric;
    group->nseries++;
    return metric;
}

struct metric *metrics_get(struct metrics *metrics, const struct metric_family *family,
                           const char *const values[])
{
    static const char *const others[METRIC_MAX_LABELS] = {"other", "other", "other"};

    if (!metrics)
        return NULL;

    struct group *group = find_group(metrics, family);
    size_t nlabels = count_labels(family);
    pthread_mutex_lock(&metrics->mutex);
    struct metric *metric = find_metric(group, values, nlabels);
    if (!metric && group->nseries >= METRICS_MAX_SERIES) {
        values = others;
        metric = find_metric(group, values, nlabels);
    }
    if (!metric)
        metric = add_metric(group, values, nlabels);
    pthread_mutex_unlock(&metrics->mutex);
    return metric;
}

struct metric *metrics_get_only(struct metrics *metrics, const struct metric_family *family)
{
    assert(!family->labels[0]);
    return metrics_get(metrics, family, NULL);
}

static struct metric *get_first(struct metrics *metrics, const struct group *group)
{
    pthread_mutex_lock(&metrics->mutex);
    struct metric *first = group->first;
    pthread_mutex_unlock(&metrics->mutex);
    return first;
}

void metrics_clear(struct metrics *metrics, const struct metric_family *family)
{
    if (!metrics)
        return;
    assert(family->kind == METRIC_GAUGE);
    struct metric *metric = get_first(metrics, find_group(metrics, family));
    for (; metric; metric = metric->next) {
        atomic_store_explicit(&metric->is_set, false, memory_order_relaxed);
        atomic_store_explicit(&metric->value, 0, memory_order_relaxed);
    }
}

/* Updates. */

void metric_add(struct metric *metric, int64_t n)
{
    if (metric)
        (void)atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t value)
{
    if (!metric)
        return;
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
    atomic_store_explicit(&metric->is_set, true, memory_order_relaxed);
}

void metric_observe_us(struct metric *metric, int64_t took_us)
{
    size_t i = 0;

    if (!metric)
        return;
    while (i < NBOUNDS && took_us > bounds_us[i])
        i++;
    (void)atomic_fetch_add_explicit(&metric->counts[i], 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&metric->value, took_us, memory_order_relaxed);
}

int64_t metric_get(const struct metric *metric)
{
    return metric ? atomic_load_explicit(&metric->value, memory_order_relaxed) : 0;
}

void metrics_add_source(struct metrics *metrics, struct metrics_source *source)
{
    if (!metrics)
        return;
    source->next = metrics->sources;
    metrics->sources = source;
}

/* The text. */

static void write_value_text(struct buf *ret, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n') {
            buf_append_text(ret, "\\n");
            continue;
        }
        if (*text == '\\' || *text == '"')
            buf_append_char(ret, '\\');
        buf_append_char(ret, *text);
    }
}

/* The name and the labels; bound is that of a bucket, or NULL. */
static void write_name(struct buf *ret, const struct metric_family *family,
                       const struct metric *metric, const char *suffix, const char *bound)
{
    char before = '{';

    buf_printf(ret, "%s%s", family->name, suffix);
    for (size_t i = 0; i < count_labels(family); i++) {
        buf_printf(ret, "%c%s=\"", before, family->labels[i]);
        write_value_text(ret, metric->values[i]);
        buf_append_char(ret, '"');
        before = ',';
    }
    if (bound) {
        buf_printf(ret, "%cle=\"%s\"", before, bound);
        before = ',';
    }
    buf_append_text(ret, before == ',' ? "} " : " ");
}

/* value is in parts of what is shown. */
static void write_value(struct buf *ret, int64_t value, int64_t parts)
{
    if (parts <= 1)
        buf_printf(ret, "%" PRId64 "\n", value);
    else
        buf_printf(ret, "%.15g\n", (double)value / (double)parts);
}

static void write_histogram(struct buf *ret, const struct metric_family *family,
                            const struct metric *metric)
{
    int64_t sum_us = metric_get(metric);
    uint64_t count = 0;

    for (size_t i = 0; i <= NBOUNDS; i++) {
        count += atomic_load_explicit(&metric->counts[i], memory_order_relaxed);
        write_name(ret, family, metric, "_bucket", i < NBOUNDS ? bound_texts[i] : "+Inf");
        buf_printf(ret, "%" PRIu64 "\n", count);
    }
    write_name(ret, family, metric, "_sum", NULL);
    write_value(ret, sum_us, MICROSECONDS);
    write_name(ret, family, metric, "_count", NULL);
    buf_printf(ret, "%" PRIu64 "\n", count);
}

static void write_head(struct buf *ret, const struct metric_family *family)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};

    buf_printf(ret, "# HELP %s %s", family->name, family->help);
    for (size_t i = 0; i < count_labels(family); i++)
        buf_printf(ret, "%s%s", i == 0 ? " Labels: " : ", ", family->labels[i]);
    buf_printf(ret, "%s\n# TYPE %s %s\n", family->labels[0] ? "." : "", family->name,
               kinds[family->kind]);
}

void metrics_write(struct metrics *metrics, struct buf *ret)
{
    for (struct metrics_source *source = metrics->sources; source; source = source->next)
        source->on_write(source);
    for (size_t i = 0; i < metrics->ngroups; i++) {
        const struct metric_family *family = metrics->groups[i].family;

        write_head(ret, family);
        const struct metric *metric = get_first(metrics, &metrics->groups[i]);
        for (; metric; metric = metric->next) {
            if (!atomic_load_explicit(&metric->is_set, memory_order_relaxed))
                continue;
            if (family->kind == METRIC_HISTOGRAM) {
                write_histogram(ret, family, metric);
                continue;
            }
            write_name(ret, family, metric, "", NULL);
            write_value(ret, metric_get(metric), family->parts);
        }
    }
}

/* Life and end. */

struct metrics *metrics_create(const struct metric_family *const *families, size_t nfamilies)
{
    struct metrics *metrics = mem_alloc(sizeof(*metrics));

    (void)pthread_mutex_init(&metrics->mutex, NULL);
    metrics->groups = mem_alloc_array(nfamilies, sizeof(*metrics->groups));
    metrics->ngroups = nfamilies;
    for (size_t i = 0; i < nfamilies; i++) {
        metrics->groups[i].family = families[i];
        if (!families[i]->labels[0] && families[i]->kind != METRIC_GAUGE)
            (void)add_metric(&metrics->groups[i], NULL, 0); /* it is there from the start, at 0 */
    }
    return metrics;
}

static void destroy_series(struct group *group)
{
    while (group->first) {
        struct metric *metric = group->first;

        group->first = metric->next;
        for (size_t i = 0; i < METRIC_MAX_LABELS; i++)
            mem_free(metric->values[i]);
        mem_free(metric->counts);
        mem_free(metric);
    }
}

void metrics_destroy(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < metrics->ngroups; i++)
        destroy_series(&metrics->groups[i]);
    mem_free(metrics->groups);
    (void)pthread_mutex_destroy(&metrics->mutex);
    mem_free(metrics);
}
