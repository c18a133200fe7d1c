/*
 * gateway/main.c - the program sluice-gateway.
 *
 * It starts in the order of dependence (database, store, loop, services, server) and stops
 * in the reverse.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "base/options.h"
#include "base/secret_key_file.h"
#include "base/thread.h"
#include "base/tls.h"
#include "base/watchdog.h"
#include "gateway/access.h"
#include "gateway/gateway.h"
#include "gateway/gateway_status.h"
#include "gateway/retention.h"
#include "http/status_server.h"
#include "migrations/migrations.h"
#include "rpc/loop.h"
#include "rpc/otlp.h"
#include "rpc/otlp_settings.h"
#include "rpc/server.h"
#include "store/database_url.h"
#include "store/statements.h"
#include "store/store.h"

enum {
    LOOP_THREADS = 1, /* a second one costs a call a sixth more, for they wake each other */
    DATABASE_RETRY_MS = 2000,
};

struct settings {
    struct options_common common;
    struct otlp_settings otlp;
    const char *database_url;
    const char *database_password_file;
    const char *secret_key_file;
    const char *listen;
    const char *metrics_listen;
    struct tls_paths tls;
    int64_t database_connections;
    int64_t database_wait_ms;
    int64_t max_batch;
    int64_t lease_ms;
    int64_t grace_ms;
    int64_t drain_ms;
    struct retention_settings retention;
    struct access_settings access;
};

static const struct option_row rows[] = {
    {.name = "database-url",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, database_url),
     .value_name = "URL",
     .help = "Sluice's database, in libpq's form: postgresql://...; keep a password in a file",
     .is_secret = true,
     .is_required = true},
    {.name = "database-password-file",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, database_password_file),
     .value_name = "PATH",
     .help = "the file that has the database's password, and nothing else"},
    {.name = "secret-key-file",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, secret_key_file),
     .value_name = "PATH",
     .help = "the file of keys that secrets of data sources are stored under; without it they are "
             "stored as they are; a new file is taken up without a restart"},
    {.name = "listen",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, listen),
     .default_value = "127.0.0.1:50051",
     .value_name = "HOST:PORT",
     .help = "where to serve gRPC; port 0: any; or unix:/path"},
    STATUS_SERVER_ROW(struct settings, metrics_listen),
    TLS_SERVER_ROWS(struct settings, tls),
    {.name = "lease-ms",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, lease_ms),
     .default_value = "15000",
     .min = GATEWAY_MIN_LEASE_MS,
     .max = GATEWAY_MAX_LEASE_MS,
     .unit = "ms",
     .value_name = "N",
     .help = "how long a worker has a job without a report"},
    {.name = "database-connections",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, database_connections),
     .default_value = "2",
     .min = 1,
     .max = STORE_MAX_CONNECTIONS,
     .value_name = "N",
     .help = "connections for writes, and as many for reads"},
    {.name = "max-batch",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, max_batch),
     .default_value = "128",
     .min = 1,
     .max = 1024,
     .value_name = "N",
     .help = "calls that may share a transaction; 1: each has its own"},
    {.name = "database-wait-ms",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, database_wait_ms),
     .default_value = "30000",
     .min = 0,
     .max = 3600000,
     .unit = "ms",
     .value_name = "N",
     .help = "how long to wait for the database at the start"},
    {.name = "grace-ms",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, grace_ms),
     .default_value = "4000",
     .min = 0,
     .max = 600000,
     .unit = "ms",
     .value_name = "N",
     .help = "how long calls may take to end when the program stops"},
    {.name = "drain-ms",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, drain_ms),
     .default_value = "0",
     .min = 0,
     .max = 600000,
     .unit = "ms",
     .value_name = "N",
     .help = "how long health says NOT_SERVING, at a stop, before calls are refused: as long as a "
             "load balancer takes to see it"},
    ACCESS_ROWS(struct settings, access),
    OTLP_OPTION_ROWS(struct settings, otlp),
    RETENTION_ROWS(struct settings, retention),
    OPTIONS_COMMON_ROWS(struct settings, common),
};

/* What one row alone cannot tell. */
static void validate(const void *arg, struct buf *errors)
{
    const struct settings *settings = arg;

    access_validate(&settings->access, settings->listen, settings->metrics_listen,
                    settings->tls.ca != NULL, errors);
    tls_validate(TLS_SERVER, &settings->tls, errors);
    otlp_settings_validate(&settings->otlp, errors);
    retention_validate(&settings->retention, errors);
}

static const struct option_table table = {
    .program = "sluice-gateway",
    .summary = "Keeps Sluice's tasks and data sources, and hands out jobs, over gRPC.",
    .rows = rows,
    .nrows = ARRAY_LEN(rows),
    .size = sizeof(struct settings),
    .common = offsetof(struct settings, common),
    .validate = validate,
};

/* What runs; filled from the top, undone from the bottom. */
struct program {
    struct gateway_status *status;
    char *database_url; /* with the password */
    struct secret_key_file *secret_keys;
    struct store *store;
    struct access *access;
    struct rpc_loop *loop;
    struct otlp *otlp; /* NULL: spans are not exported */
    struct gateway *gateway;
    struct retention *retention;
    struct rpc_server *server;
    struct watchdog *watchdog;
};

/* Whether the program was asked to stop, and nobody has waited for it yet. */
static bool is_stop_pending(void)
{
    sigset_t pending;

    (void)sigpending(&pending);
    return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

/*
 * Waits until the database is there and its schema is ours. UNAVAILABLE: it is not there in
 * time, or the program is to stop. FAILED_PRECONDITION: it has another schema.
 */
static struct status wait_for_database(const struct settings *settings, const char *database_url)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + settings->database_wait_ms;

    for (;;) {
        struct status st = migrations_check(database_url);
        int64_t left_ms = deadline_ms - clock_get_monotonic_ms();
        if (st.code != STATUS_UNAVAILABLE || left_ms <= 0 || is_stop_pending())
            return st;
        log_warn("waiting for the database", log_str("error", st.text),
                 log_int("left_ms", left_ms));
        for (int64_t slept_ms = 0;
             slept_ms < DATABASE_RETRY_MS && slept_ms < left_ms && !is_stop_pending();
             slept_ms += 100)
            (void)usleep(100 * 1000);
    }
}

static struct status open_secret_keys(const char *path, struct metrics *metrics,
                                      struct secret_key_file **ret)
{
    struct status st = secret_key_file_open(path, metrics, ret);
    struct secret_keys *keys = secret_key_file_ref_keys(*ret);

    if (keys)
        log_info("secrets are sealed", log_str("key", secret_keys_get_id(keys, 0)));
    secret_keys_unref(keys);
    return st;
}

static struct status open_store(const struct settings *settings, const char *database_url,
                                struct metrics *metrics, struct store **ret)
{
    struct status st = wait_for_database(settings, database_url);

    if (st.code != STATUS_OK)
        return st;
    st = store_create(
        &(struct store_options){
            .database_url = database_url,
            .connections = (unsigned)settings->database_connections,
            .max_batch = (unsigned)settings->max_batch,
            .statements = store_statements,
            .metrics = metrics,
        },
        ret);
    if (st.code != STATUS_OK)
        return st;
    return store_wait_ready(*ret, DATABASE_RETRY_MS + (unsigned)settings->database_wait_ms);
}

static struct status start(const struct settings *settings, struct program *program)
{
    struct cidr_list allowed = exposure_get_allowed(&settings->access.exposure);
    struct status st =
        gateway_status_create(settings->metrics_listen, &allowed, &settings->tls, &program->status);
    struct metrics *metrics = gateway_status_get_metrics(program->status);

    if (st.code == STATUS_OK)
        st = open_secret_keys(settings->secret_key_file, metrics, &program->secret_keys);
    if (st.code == STATUS_OK)
        st = database_url_make(settings->database_url, settings->database_password_file,
                               &program->database_url);
    if (st.code == STATUS_OK)
        st = open_store(settings, program->database_url, metrics, &program->store);
    if (st.code == STATUS_OK)
        st = access_create(&settings->access, program->store, &program->access);
    if (st.code == STATUS_OK)
        st = rpc_loop_create(LOOP_THREADS, &program->loop);
    if (st.code == STATUS_OK)
        st = otlp_settings_start(&settings->otlp, "sluice-gateway", program->loop, metrics,
                                 &program->otlp);
    if (st.code == STATUS_OK)
        st = gateway_create(program->store, settings->lease_ms, metrics, &program->gateway);
    if (st.code == STATUS_OK)
        st = retention_create(&settings->retention, program->store, metrics, &program->retention);
    if (st.code != STATUS_OK)
        return st;
    program->gateway->secret_keys = program->secret_keys;
    st = rpc_server_create(
        &(struct rpc_server_options){
            .listen = settings->listen,
            .tls = settings->tls,
            .loop = program->loop,
            .services = gateway_services,
            .nservices = GATEWAY_NSERVICES,
            .self = program->gateway,
            .tracer = otlp_get_tracer(program->otlp),
            .gate = access_get_gate(program->access),
            .metrics = metrics,
        },
        &program->server);
    if (st.code != STATUS_OK)
        return st;
    gateway_follow_health(program->gateway, program->server);
    gateway_status_follow(program->status, program->store);
    struct pulse *const pulses[] = {rpc_loop_get_pulse(program->loop, 0),
                                    gateway_get_pulse(program->gateway)};
    return watchdog_start(pulses, ARRAY_LEN(pulses), &program->watchdog);
}

/* Undoes what start has done, however far it came. */
static void stop(const struct settings *settings, struct program *program)
{
    watchdog_stop(program->watchdog);
    if (program->store)
        store_end_by(program->store, (unsigned)settings->grace_ms);
    if (program->gateway)
        gateway_stop(program->gateway);
    retention_destroy(program->retention);
    if (program->server)
        rpc_server_stop(program->server, (unsigned)settings->grace_ms);
    rpc_server_destroy(program->server);
    otlp_stop(program->otlp);
    rpc_loop_destroy(program->loop);
    gateway_status_stop(program->status);
    access_stop(program->access);
    store_destroy(program->store);
    access_destroy(program->access);
    gateway_destroy(program->gateway);
    gateway_status_destroy(program->status);
    secret_key_file_close(program->secret_keys);
    mem_free_secret(program->database_url);
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct program program = {0};

    thread_block_signals();
    (void)descriptors_raise_limit();
    int exit_now = options_start(&table, argc, argv, &settings);
    if (exit_now != OPTIONS_GO_ON)
        return exit_now;

    struct status st = start(&settings, &program);
    if (st.code == STATUS_OK) {
        log_info("listening", log_int("port", rpc_server_get_port(program.server)),
                 log_int("metrics_port", gateway_status_get_port(program.status)),
                 log_str("address", settings.listen), log_str("version", SLUICE_VERSION));
        notify_ready();
        int number = options_wait_for_stop(&table, &settings);
        notify_stopping();
        log_info("stopping", log_int("signal", number));
        gateway_status_announce_stop(program.status);
        rpc_server_announce_stop(program.server);
        thread_wait_for_second_stop((unsigned)settings.drain_ms);
    } else {
        log_error("not started", log_code(st), log_str("error", st.text));
    }
    stop(&settings, &program);
    options_end(&table, &settings);
    if (st.code != STATUS_OK)
        return EXIT_FAILURE;
    log_info("stopped", log_int("status", EXIT_SUCCESS));
    return EXIT_SUCCESS;
}
