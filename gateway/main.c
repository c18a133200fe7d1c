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
#include "base/log.h"
#include "base/options.h"
#include "base/thread.h"
#include "gateway/gateway.h"
#include "migrations/migrations.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "store/statements.h"
#include "store/store.h"

enum {
    LOOP_THREADS = 2,
    DATABASE_RETRY_MS = 2000,
};

struct settings {
    struct options_common common;
    const char *database_url;
    const char *listen;
    int64_t database_connections;
    int64_t database_wait_ms;
    int64_t max_batch;
    int64_t lease_ms;
    int64_t grace_ms;
};

static const struct option_row rows[] = {
    {.name = "database-url",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, database_url),
     .value_name = "URL",
     .help = "Sluice's database, in libpq's form: postgresql://...; keep a password in a file, "
             "...?passfile=PATH",
     .is_secret = true,
     .is_required = true},
    {.name = "listen",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, listen),
     .default_value = "127.0.0.1:50051",
     .value_name = "HOST:PORT",
     .help = "where to serve gRPC; port 0: any; or unix:/path. There is no authentication yet"},
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
     .default_value = "10000",
     .min = 0,
     .max = 600000,
     .unit = "ms",
     .value_name = "N",
     .help = "how long calls may take to end when the program stops"},
    OPTIONS_COMMON_ROWS(struct settings, common),
};

static const struct option_table table = {
    .program = "sluice-gateway",
    .summary = "Keeps Sluice's tasks and data sources, and hands out jobs, over gRPC.",
    .rows = rows,
    .nrows = ARRAY_LEN(rows),
};

/* What runs; filled from the top, undone from the bottom. */
struct program {
    struct store *store;
    struct rpc_loop *loop;
    struct gateway *gateway;
    struct rpc_server *server;
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
static struct status wait_for_database(const struct settings *settings)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + settings->database_wait_ms;

    for (;;) {
        struct status st = migrations_check(settings->database_url);
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

static struct status open_store(const struct settings *settings, struct store **ret)
{
    struct status st = wait_for_database(settings);

    if (st.code != STATUS_OK)
        return st;
    st = store_create(
        &(struct store_options){
            .database_url = settings->database_url,
            .connections = (unsigned)settings->database_connections,
            .max_batch = (unsigned)settings->max_batch,
            .statements = store_statements,
        },
        ret);
    if (st.code != STATUS_OK)
        return st;
    return store_wait_ready(*ret, DATABASE_RETRY_MS + (unsigned)settings->database_wait_ms);
}

static struct status start(const struct settings *settings, struct program *program)
{
    struct status st = open_store(settings, &program->store);

    if (st.code == STATUS_OK)
        st = rpc_loop_create(LOOP_THREADS, &program->loop);
    if (st.code == STATUS_OK)
        st = gateway_create(program->store, settings->lease_ms, &program->gateway);
    if (st.code != STATUS_OK)
        return st;
    st = rpc_server_create(
        &(struct rpc_server_options){
            .listen = settings->listen,
            .loop = program->loop,
            .services = gateway_services,
            .nservices = GATEWAY_NSERVICES,
            .self = program->gateway,
        },
        &program->server);
    if (st.code != STATUS_OK)
        return st;
    gateway_follow_health(program->gateway, program->server);
    return status_ok();
}

/* Undoes what start has done, however far it came. */
static void stop(const struct settings *settings, struct program *program)
{
    if (program->gateway)
        gateway_stop(program->gateway);
    if (program->server)
        rpc_server_stop(program->server, (unsigned)settings->grace_ms);
    rpc_server_destroy(program->server);
    rpc_loop_destroy(program->loop);
    store_destroy(program->store);
    gateway_destroy(program->gateway);
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct program program = {0};

    thread_block_signals();
    int exit_now = options_start(&table, argc, argv, &settings, &settings.common, NULL);
    if (exit_now != OPTIONS_GO_ON)
        return exit_now;

    struct status st = start(&settings, &program);
    if (st.code == STATUS_OK) {
        log_info("listening", log_int("port", rpc_server_get_port(program.server)),
                 log_str("address", settings.listen), log_str("version", SLUICE_VERSION));
        int number = thread_wait_for_stop();
        log_info("stopping", log_int("signal", number));
    } else {
        log_error("not started", log_code(st), log_str("error", st.text));
    }
    stop(&settings, &program);
    if (st.code != STATUS_OK)
        return EXIT_FAILURE;
    log_info("stopped", log_int("status", EXIT_SUCCESS));
    return EXIT_SUCCESS;
}
