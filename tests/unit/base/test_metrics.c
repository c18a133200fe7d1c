#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/metrics.h"
#include "base/process_metrics.h"
#include "tests/harness/test.h"

static const struct metric_family calls_total = {
    .name = "calls_total",
    .kind = METRIC_COUNTER,
    .help = "Calls.",
    .labels = {"method", "code"},
};
static const struct metric_family started_total = {
    .name = "started_total",
    .kind = METRIC_COUNTER,
    .help = "Starts.",
};
static const struct metric_family lag_seconds = {
    .name = "lag_seconds",
    .kind = METRIC_GAUGE,
    .parts = 1000,
    .help = "Lag.",
    .labels = {"role"},
};
static const struct metric_family took_seconds = {
    .name = "took_seconds",
    .kind = METRIC_HISTOGRAM,
    .help = "Times.",
};

static const struct metric_family *const families[] = {&calls_total, &started_total, &lag_seconds,
                                                       &took_seconds};

static struct metrics *create(void)
{
    return metrics_create(families, ARRAY_LEN(families));
}

static bool shows(struct metrics *metrics, const char *text)
{
    struct buf buf = {0};

    metrics_write(metrics, &buf);
    bool is_there = strstr(buf_get_text(&buf), text) != NULL;

    buf_deinit(&buf);
    return is_there;
}

test(metrics_without_series_show_what_they_are)
{
    struct metrics *metrics = create();
    struct buf buf = {0};

    metrics_write(metrics, &buf);
    check_str(buf_get_text(&buf), "# HELP calls_total Calls. Labels: method, code.\n"
                                  "# TYPE calls_total counter\n"
                                  "# HELP started_total Starts.\n"
                                  "# TYPE started_total counter\n"
                                  "started_total 0\n"
                                  "# HELP lag_seconds Lag. Labels: role.\n"
                                  "# TYPE lag_seconds gauge\n"
                                  "# HELP took_seconds Times.\n"
                                  "# TYPE took_seconds histogram\n"
                                  "took_seconds_bucket{le=\"0.001\"} 0\n"
                                  "took_seconds_bucket{le=\"0.0025\"} 0\n"
                                  "took_seconds_bucket{le=\"0.005\"} 0\n"
                                  "took_seconds_bucket{le=\"0.01\"} 0\n"
                                  "took_seconds_bucket{le=\"0.025\"} 0\n"
                                  "took_seconds_bucket{le=\"0.05\"} 0\n"
                                  "took_seconds_bucket{le=\"0.1\"} 0\n"
                                  "took_seconds_bucket{le=\"0.25\"} 0\n"
                                  "took_seconds_bucket{le=\"0.5\"} 0\n"
                                  "took_seconds_bucket{le=\"1\"} 0\n"
                                  "took_seconds_bucket{le=\"2.5\"} 0\n"
                                  "took_seconds_bucket{le=\"5\"} 0\n"
                                  "took_seconds_bucket{le=\"10\"} 0\n"
                                  "took_seconds_bucket{le=\"30\"} 0\n"
                                  "took_seconds_bucket{le=\"+Inf\"} 0\n"
                                  "took_seconds_sum 0\n"
                                  "took_seconds_count 0\n");
    buf_deinit(&buf);
    metrics_destroy(metrics);
}

test(series_of_the_same_labels_are_one)
{
    struct metrics *metrics = create();
    const char *get_ok[] = {"Get", "OK"};
    const char *get_lost[] = {"Get", "ABORTED"};

    metric_add(metrics_get(metrics, &calls_total, get_ok), 2);
    metric_add(metrics_get(metrics, &calls_total, get_ok), 3);
    metric_add(metrics_get(metrics, &calls_total, get_lost), 1);
    check(shows(metrics, "calls_total{method=\"Get\",code=\"OK\"} 5\n"));
    check(shows(metrics, "calls_total{method=\"Get\",code=\"ABORTED\"} 1\n"));
    metrics_destroy(metrics);
}

test(gauges_come_and_go)
{
    struct metrics *metrics = create();
    struct metric *lag = metrics_get(metrics, &lag_seconds, (const char *const[]){"INCR"});

    check(!metric_get(lag));
    metric_set(lag, 1250);
    check(shows(metrics, "lag_seconds{role=\"INCR\"} 1.25\n"));
    metrics_clear(metrics, &lag_seconds);
    check(shows(metrics, "# TYPE lag_seconds gauge\n# HELP took"));
    metrics_destroy(metrics);
}

test(a_time_is_in_the_bucket_of_its_bound_and_all_above)
{
    static const struct {
        int64_t took_us;
        const char *below; /* the last bucket without it */
        const char *first;
    } cases[] = {
        {1001, "le=\"0.001\"} 0\n", "le=\"0.0025\"} 1\n"},
        {2500, "le=\"0.001\"} 0\n", "le=\"0.0025\"} 1\n"},
        {30000000, "le=\"10\"} 0\n", "le=\"30\"} 1\n"},
        {30000001, "le=\"30\"} 0\n", "le=\"+Inf\"} 1\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct metrics *metrics = create();
        metric_observe_us(metrics_get_only(metrics, &took_seconds), cases[i].took_us);
        check(shows(metrics, cases[i].below));
        check(shows(metrics, cases[i].first));
        check(shows(metrics, "took_seconds_count 1\n"));
        metrics_destroy(metrics);
    }
}

test(values_of_labels_are_escaped)
{
    struct metrics *metrics = create();

    metric_set(metrics_get(metrics, &lag_seconds, (const char *const[]){"a\"b\\c\nd"}), 1000);
    check(shows(metrics, "lag_seconds{role=\"a\\\"b\\\\c\\nd\"} 1\n"));
    metrics_destroy(metrics);
}

test(series_beyond_the_limit_are_counted_as_other)
{
    struct metrics *metrics = create();

    for (int i = 0; i < METRICS_MAX_SERIES + 2; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%d", i);
        metric_add(metrics_get(metrics, &calls_total, (const char *const[]){name, "OK"}), 1);
    }
    check(shows(metrics, "calls_total{method=\"1023\",code=\"OK\"} 1\n"));
    check(shows(metrics, "calls_total{method=\"other\",code=\"other\"} 2\n"));
    metrics_destroy(metrics);
}

test(nothing_is_counted_without_a_registry)
{
    struct metric *metric = metrics_get_only(NULL, &started_total);

    check(!metric);
    metric_add(metric, 1);
    metric_set(metric, 1);
    metric_observe_us(metric, 1);
    metrics_clear(NULL, &lag_seconds);
    check_int(metric_get(metric), 0);
}

static void *count_to_1000(void *arg)
{
    for (int i = 0; i < 1000; i++)
        metric_add(metrics_get(arg, &calls_total, (const char *const[]){"Get", "OK"}), 1);
    return NULL;
}

test(threads_that_count_together_lose_nothing)
{
    struct metrics *metrics = create();
    pthread_t threads[4];

    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        check_int(pthread_create(&threads[i], NULL, count_to_1000, metrics), 0);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        check_int(pthread_join(threads[i], NULL), 0);
    check(shows(metrics, "calls_total{method=\"Get\",code=\"OK\"} 4000\n"));
    metrics_destroy(metrics);
}

test(a_process_tells_of_itself)
{
    static const struct metric_family *const own[] = {PROCESS_METRIC_FAMILIES};
    struct metrics *metrics = metrics_create(own, ARRAY_LEN(own));
    struct process_metrics *process = process_metrics_create(metrics, "1.2");

    check(shows(metrics, "sluice_build_info{version=\"1.2\"} 1\n"));
    check(metric_get(metrics_get_only(metrics, &process_resident_memory_bytes)) > 1000000);
    check(metric_get(metrics_get_only(metrics, &process_open_fds)) >= 3);
    check(metric_get(metrics_get_only(metrics, &process_cpu_seconds_total)) > 0);
    process_metrics_destroy(process);
    metrics_destroy(metrics);
}
