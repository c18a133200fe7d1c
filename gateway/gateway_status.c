/*
 * The jobs are counted by the database, and only for who asks: one query for all who come while it runs, and none within
 * FRESH_MS of the one before. While the database is away there are no such figures: old ones would say that all is well.
 * Nor is it waited for then: who asks is to see all other figures at that moment of all. The next query still is made, and
 * shows that it is back.
 */
#include "gateway/gateway_status.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/process_metrics.h"
#include "base/secret_key_file.h"
#include "base/tls_expiry.h"
#include "gateway/enum_text.h"
#include "gateway/retention.h"
#include "gateway/task_ends.h"
#include "http/status_server.h"
#include "rpc/call_metrics.h"
#include "rpc/otlp.h"
#include "sluice/worker/v1/worker_service.pb-c.h"
#include "store/figure_store.h"
#include "store/lane_metrics.h"
#include "store/row.h"
#include "store/store.h"

enum {
    FRESH_MS = 5000,
    QUERY_TIMEOUT_MS = 2000,
};

static const struct metric_family jobs = {
    .name = "sluice_jobs",
    .kind = METRIC_GAUGE,
    .help =
        "Jobs of the database that may be leased or are, up to 10000 a capability; state is ready, delayed (to be "
        "tried again later), leased, or expired (its worker has not reported in time).",
    .labels = {"capability", "role", "state"},
};

static const struct metric_family jobs_oldest_ready_age_seconds = {
    .name = "sluice_jobs_oldest_ready_age_seconds",
    .kind = METRIC_GAUGE,
    .parts = 1000,
    .help = "For how long the oldest job that is ready or expired has waited for a worker.",
    .labels = {"capability"},
};

static const struct metric_family jobs_query_failures_total = {
    .name = "sluice_jobs_query_failures_total",
    .kind = METRIC_COUNTER,
    .help = "How often the jobs could not be counted.",
};

static const struct metric_family job_leases_total = {
    .name = "sluice_job_leases_total",
    .kind = METRIC_COUNTER,
    .help =
        "Jobs that this gateway leased; attempt is first, or again after the job was given back or its worker lost.",
    .labels = {"role", "attempt"},
};

static const struct metric_family job_ends_total = {
    .name = "sluice_job_ends_total",
    .kind = METRIC_COUNTER,
    .help = "Jobs whose end this gateway took in; a job that ends as FAILED fails its task.",
    .labels = {"outcome"},
};

static const struct metric_family job_takeovers_total = {
    .name = "sluice_job_takeovers_total",
    .kind = METRIC_COUNTER,
    .help =
        "Jobs that this gateway leased because the lease of the worker that had them ended without a report.",
};

static const struct metric_family jobs_given_up_total = {
    .name = "sluice_jobs_given_up_total",
    .kind = METRIC_COUNTER,
    .help =
        "Jobs that failed because they were to be tried again, and had been 20 times without progress.",
};

static const struct metric_family secrets_unopened_total = {
    .name = "sluice_secrets_unopened_total",
    .kind = METRIC_COUNTER,
    .help =
        "Jobs and checks that were not handed out because secrets of their data sources do not open here.",
};

static const struct metric_family *const families[] = {
    PROCESS_METRIC_FAMILIES,
    TLS_METRIC_FAMILIES,
    OTLP_METRIC_FAMILIES,
    RPC_METRIC_FAMILIES,
    STORE_METRIC_FAMILIES,
    &jobs,
    &jobs_oldest_ready_age_seconds,
    &jobs_query_failures_total,
    &job_leases_total,
    &job_ends_total,
    &job_takeovers_total,
    &jobs_given_up_total,
    TASK_ENDS_METRIC_FAMILIES,
    &secrets_unopened_total,
    SECRET_KEY_METRIC_FAMILIES,
    RETENTION_METRIC_FAMILIES,
};

struct gateway_status {
    struct status_source source;
    struct status_server *server;
    struct metric *failures;
    _Atomic(struct store *) store; /* NULL: not yet */

    pthread_mutex_t mutex; /* guards what follows */
    struct status_wait *waits;
    int64_t fresh_until_ms;
    bool is_running;
    bool has_failed;    /* the query before */
    int64_t begin_ms;   /* of the query that runs */
    struct query query; /* the store's while it runs */
};

/* Counting jobs. */

static void set_jobs(struct metrics *metrics, const struct pg_result *rows, size_t row)
{
    static const struct {
        const char *state;
        const char *column;
    } states[] = {
        {"ready", "note/ready"},
        {"delayed", "note/delayed"},
        {"leased", "note/leased"},
        {"expired", "note/expired"},
    };
    char *capability = mem_copy_str(row_get_text(rows, row, "note/capability"));
    char *role = mem_copy_str(row_get_text(rows, row, "note/role"));

    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        metric_set(
            metrics_get(metrics, &jobs, (const char *const[]){capability, role, states[i].state}),
            row_get_int(rows, row, states[i].column));

    /* Of several roles the oldest counts; they were all cleared. */
    struct metric *oldest =
        metrics_get(metrics, &jobs_oldest_ready_age_seconds, (const char *const[]){capability});
    int64_t oldest_ms = row_get_int(rows, row, "note/oldest_ms");
    metric_set(oldest, oldest_ms > metric_get(oldest) ? oldest_ms : metric_get(oldest));
    mem_free(capability);
    mem_free(role);
}

static void clear_jobs(struct metrics *metrics)
{
    metrics_clear(metrics, &jobs);
    metrics_clear(metrics, &jobs_oldest_ready_age_seconds);
}

static void on_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct gateway_status *status = container_of(query, struct gateway_status, query);
    struct metrics *metrics = status_server_get_metrics(status->server);

    clear_jobs(metrics);
    if (st.code != STATUS_OK)
        metric_add(status->failures, 1);
    for (size_t i = 0; st.code == STATUS_OK && i < rows_get_count(rows); i++)
        set_jobs(metrics, rows, i);

    pthread_mutex_lock(&status->mutex);
    struct status_wait *waits = status->waits;
    status->waits = NULL;
    status->is_running = false;
    status->has_failed = st.code != STATUS_OK;
    status->fresh_until_ms = clock_get_monotonic_ms() + (st.code == STATUS_OK ? FRESH_MS : 0);
    pthread_mutex_unlock(&status->mutex);
    while (waits) {
        struct status_wait *wait = waits;
        waits = wait->next;
        wait->on_fresh(wait);
    }
}

/* Puts wait in line, or has it not wait; returns whether a query is to be submitted. */
static bool add_wait(struct gateway_status *status, struct status_wait *wait, bool *ret_waits)
{
    int64_t now_ms = clock_get_monotonic_ms();

    pthread_mutex_lock(&status->mutex);
    bool is_due = !status->is_running && now_ms >= status->fresh_until_ms;
    if (is_due) {
        status->is_running = true;
        status->begin_ms = now_ms;
    }
    bool is_away = status->has_failed || now_ms - status->begin_ms >= QUERY_TIMEOUT_MS;
    *ret_waits = status->is_running && !is_away;
    bool is_old = status->is_running && is_away;
    if (*ret_waits) {
        wait->next = status->waits;
        status->waits = wait;
    }
    pthread_mutex_unlock(&status->mutex);
    if (is_old)
        clear_jobs(status_server_get_metrics(status->server));
    return is_due;
}

static bool refresh(struct status_source *source, struct status_wait *wait)
{
    struct gateway_status *status = container_of(source, struct gateway_status, source);
    struct store *store = atomic_load(&status->store);
    bool waits = false;

    if (!store || !add_wait(status, wait, &waits))
        return waits;
    status->query = (struct query){
        .statement = &figure_jobs,
        .params = {param_int(FIGURES_MAX_JOBS)},
        .timeout_ms = QUERY_TIMEOUT_MS,
        .on_done = on_done,
    };
    store_submit(store, &status->query);
    return waits;
}

static bool is_ready(struct status_source *source, const char **ret_why)
{
    struct store *store = atomic_load(&container_of(source, struct gateway_status, source)->store);

    *ret_why = store ? "the database cannot be reached" : "the program is starting";
    return store && store_is_ready(store);
}

void gateway_status_count_lease(struct metrics *metrics, const char *role, int attempt,
                                bool is_taken_over)
{
    metric_add(metrics_get_only(metrics, &job_takeovers_total), is_taken_over);
    metric_add(metrics_get(metrics, &job_leases_total,
                           (const char *const[]){role, attempt > 1 ? "again" : "first"}),
               1);
}

void gateway_status_count_end(struct metrics *metrics, const char *outcome, bool is_given_up)
{
    const char *const labels[] = {is_given_up ? "FAILED" : outcome};

    metric_add(metrics_get_only(metrics, &jobs_given_up_total), is_given_up);
    metric_add(metrics_get(metrics, &job_ends_total, labels), 1);
}

void gateway_status_count_refusal(struct metrics *metrics)
{
    metric_add(metrics_get_only(metrics, &secrets_unopened_total), 1);
}

/* Life and end. */

/* What alerts look for is shown from the start, at 0: what Prometheus sees first of a series is no growth to it. */
static void show_faults(struct metrics *metrics)
{
    static const char *const lost[] = {"sluice.worker.v1.WorkerService/ReportJob", "ABORTED",
                                       "LEASE_LOST"};
    const ProtobufCEnumDescriptor *type = &pb__job_outcome__descriptor;

    (void)metrics_get(metrics, &rpc_calls_total, lost);
    for (unsigned i = 0; i < type->n_values; i++) {
        const char *outcome = enum_text_find(type, type->values[i].value);
        if (type->values[i].value != 0)
            (void)metrics_get(metrics, &job_ends_total, &outcome);
    }
}

struct status gateway_status_create(const char *listen, const struct cidr_list *allowed,
                                    const struct tls_paths *tls, struct gateway_status **ret)
{
    struct gateway_status *status = mem_alloc(sizeof(*status));

    *ret = NULL;
    status->source = (struct status_source){.is_ready = is_ready, .refresh = refresh};
    (void)pthread_mutex_init(&status->mutex, NULL);
    struct status st =
        status_server_create(&(struct status_server_options){.listen = listen,
                                                             .allowed = allowed,
                                                             .families = families,
                                                             .nfamilies = ARRAY_LEN(families),
                                                             .source = &status->source,
                                                             .server_tls = *tls},
                             &status->server);
    if (st.code != STATUS_OK || !status->server) {
        gateway_status_destroy(status);
        return st;
    }
    struct metrics *metrics = status_server_get_metrics(status->server);
    status->failures = metrics_get_only(metrics, &jobs_query_failures_total);
    show_faults(metrics);
    *ret = status;
    return st;
}

struct metrics *gateway_status_get_metrics(struct gateway_status *status)
{
    return status ? status_server_get_metrics(status->server) : NULL;
}

int gateway_status_get_port(const struct gateway_status *status)
{
    return status ? status_server_get_port(status->server) : 0;
}

void gateway_status_follow(struct gateway_status *status, struct store *store)
{
    if (status)
        atomic_store(&status->store, store);
}

void gateway_status_announce_stop(struct gateway_status *status)
{
    if (status)
        status_server_announce_stop(status->server);
}

void gateway_status_stop(struct gateway_status *status)
{
    if (status)
        status_server_stop(status->server);
}

void gateway_status_destroy(struct gateway_status *status)
{
    if (!status)
        return;
    status_server_destroy(status->server);
    (void)pthread_mutex_destroy(&status->mutex);
    mem_free(status);
}
