/*
 * worker/main.c - sluice-worker: does the work.
 */
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/exposure.h"
#include "base/id.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/options.h"
#include "base/thread.h"
#include "base/tls.h"
#include "base/tls_files.h"
#include "base/token_file.h"
#include "base/watchdog.h"
#include "http/status_server.h"
#include "rpc/allow_gate.h"
#include "rpc/client.h"
#include "rpc/loop.h"
#include "rpc/otlp.h"
#include "rpc/otlp_settings.h"
#include "rpc/server.h"
#include "worker/checker.h"
#include "worker/engine.h"
#include "worker/worker_status.h"

struct settings {
    struct options_common common;
    struct otlp_settings otlp;
    const char *gateway;
    struct tls_paths gateway_tls;
    const char *worker_id;
    const char *health_listen;
    const char *metrics_listen;
    struct tls_paths health_tls;
    struct exposure_settings exposure;
    const char *gateway_token_file;
    int64_t max_jobs;
    int64_t grace_ms;
};

enum { WORKER_ID_MAX_BYTES = 128 };

static const struct option_row rows[] = {
    {.name = "gateway",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, gateway),
     .default_value = "127.0.0.1:50051",
     .value_name = "HOST:PORT",
     .help = "the gateway to lease jobs from; several: a name with several addresses, or "
             "ipv4:HOST:PORT,HOST:PORT"},
    TLS_CLIENT_ROWS(struct settings, gateway_tls),
    {.name = "worker-id",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, worker_id),
     .value_name = "NAME",
     .help = "what to call this worker; default is host, process and a random part"},
    {.name = "health-listen",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, health_listen),
     .value_name = "HOST:PORT",
     .help = "where to answer grpc.health.v1, for who watches whether this worker lives; port 0: "
             "any; default is nowhere"},
    STATUS_SERVER_ROW(struct settings, metrics_listen),
    TLS_SERVER_ROWS(struct settings, health_tls),
    {.name = "gateway-token-file",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, gateway_token_file),
     .value_name = "PATH",
     .help = "the file that has the token to show to the gateway"},
    EXPOSURE_ROWS(struct settings, exposure),
    {.name = "max-jobs",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, max_jobs),
     .default_value = "2",
     .min = 1,
     .max = ENGINE_MAX_JOBS,
     .value_name = "N",
     .help = "how many jobs to run at once"},
    {.name = "grace-ms",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, grace_ms),
     .default_value = "4000",
     .min = 0,
     .max = 600000,
     .unit = "ms",
     .value_name = "MS",
     .help = "how long to wait for jobs to give themselves back at the end"},
    OTLP_OPTION_ROWS(struct settings, otlp),
    OPTIONS_COMMON_ROWS(struct settings, common),
};

static void validate(const void *settings, struct buf *errors)
{
    const struct settings *s = settings;

    tls_validate(TLS_CLIENT, &s->gateway_tls, errors);
    tls_validate(TLS_SERVER, &s->health_tls, errors);
    otlp_settings_validate(&s->otlp, errors);
    exposure_validate(&s->exposure, errors);
    exposure_check(&s->exposure, "health-listen", s->health_listen, s->health_tls.ca != NULL,
                   ", --tls-client-ca", errors);
    exposure_check(&s->exposure, "metrics-listen", s->metrics_listen, false, "", errors);
}

static const struct option_table table = {
    .program = "sluice-worker",
    .summary = "Leases jobs from a Sluice gateway and runs them: reads files and writes tables.",
    .rows = rows,
    .nrows = ARRAY_LEN(rows),
    .size = sizeof(struct settings),
    .common = offsetof(struct settings, common),
    .validate = validate,
};

static void make_worker_id(char ret[WORKER_ID_MAX_BYTES])
{
    char host[64] = "";
    char random[ID_HEX_BYTES];

    (void)gethostname(host, sizeof(host) - 1);
    id_make_hex(random);
    (void)snprintf(ret, WORKER_ID_MAX_BYTES, "%s-%d-%.8s", host, (int)getpid(), random);
}

/* What runs; filled from the top, undone from the bottom. */
struct program {
    struct rpc_loop *loop;
    struct otlp *otlp; /* NULL: spans are not exported */
    struct token_file *token;
    struct rpc_channel *channel;
    struct allow_gate health_gate;
    struct rpc_server *health;
    struct worker_status *status;
    struct engine *engine;
    struct checker *checker;
    struct watchdog *watchdog;
};

static struct status open_channel(const struct settings *settings, struct program *program)
{
    struct tls_files *tls = NULL;
    struct status st = token_file_open(settings->gateway_token_file, &program->token);

    if (st.code == STATUS_OK)
        st = tls_files_open(TLS_CLIENT, &settings->gateway_tls, &tls);
    if (st.code == STATUS_OK)
        program->channel =
            rpc_channel_open(&(struct rpc_channel_options){.target = settings->gateway,
                                                           .tls = tls,
                                                           .token = program->token,
                                                           .loop = program->loop,
                                                           .user_agent = "sluice-worker"});
    return st;
}

/* Health comes first: who watches is to see that this worker lives before it has work. */
static struct status start(const struct settings *settings, const char *worker_id,
                           struct program *program)
{
    struct cidr_list allowed = exposure_get_allowed(&settings->exposure);
    struct status st = rpc_loop_create(1, &program->loop);

    if (st.code == STATUS_OK)
        st = worker_status_create(settings->metrics_listen, &allowed, &settings->health_tls,
                                  &settings->gateway_tls, &program->status);
    struct metrics *metrics = worker_status_get_metrics(program->status);
    if (st.code == STATUS_OK)
        st = otlp_settings_start(&settings->otlp, "sluice-worker", program->loop, metrics,
                                 &program->otlp);
    allow_gate_init(&program->health_gate, &allowed);
    if (st.code == STATUS_OK && settings->health_listen)
        st = rpc_server_create(&(struct rpc_server_options){.listen = settings->health_listen,
                                                            .tls = settings->health_tls,
                                                            .gate = &program->health_gate.gate,
                                                            .loop = program->loop},
                               &program->health);
    if (st.code == STATUS_OK)
        st = open_channel(settings, program);
    if (st.code != STATUS_OK)
        return st;
    st = engine_create(&(struct engine_options){.channel = program->channel,
                                                .tracer = otlp_get_tracer(program->otlp),
                                                .worker_id = worker_id,
                                                .max_jobs = (unsigned)settings->max_jobs,
                                                .metrics = metrics},
                       &program->engine);
    if (st.code == STATUS_OK)
        worker_status_follow(program->status, program->engine);
    if (st.code == STATUS_OK)
        st = checker_create(program->channel, worker_id, &program->checker);
    struct pulse *const pulses[] = {rpc_loop_get_pulse(program->loop, 0)};
    if (st.code == STATUS_OK)
        st = watchdog_start(pulses, ARRAY_LEN(pulses), &program->watchdog);
    return st;
}

/* Undoes what start has done, however far it came. It is alive until all jobs are given back. */
static void stop(const struct settings *settings, struct program *program)
{
    watchdog_stop(program->watchdog);
    worker_status_stop(program->status);
    checker_stop(program->checker);
    engine_destroy(program->engine, (unsigned)settings->grace_ms);
    checker_destroy(program->checker);
    rpc_server_destroy(program->health);
    rpc_channel_close(program->channel);
    token_file_close(program->token);
    otlp_stop(program->otlp);
    worker_status_destroy(program->status);
    rpc_loop_destroy(program->loop);
}

static struct status serve(const struct settings *settings, const char *worker_id)
{
    struct program program = {0};
    struct status st = start(settings, worker_id, &program);

    if (st.code == STATUS_OK) {
        log_info("started", log_str("worker", worker_id), log_str("gateway", settings->gateway),
                 log_int("health_port", program.health ? rpc_server_get_port(program.health) : 0),
                 log_int("metrics_port", worker_status_get_port(program.status)));
        notify_status("serving");
        notify_ready();
        int number = options_wait_for_stop(&table, settings);
        notify_stopping();
        log_info("stopping", log_int("signal", number));
    }
    stop(settings, &program);
    return st;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    char made_id[WORKER_ID_MAX_BYTES];

    thread_block_signals();
    int exit_code = options_start(&table, argc, argv, &settings);
    if (exit_code != OPTIONS_GO_ON)
        return exit_code;

    /* Each thread's own heap would hold on to what large records once needed. */
    (void)mallopt(M_ARENA_MAX, 2);
    make_worker_id(made_id);
    struct status st = serve(&settings, settings.worker_id ? settings.worker_id : made_id);
    options_end(&table, &settings);
    if (st.code != STATUS_OK) {
        log_error("not started", log_code(st), log_str("error", st.text));
        return 1;
    }
    log_info("stopped", log_bool("is_clean", true));
    return 0;
}
