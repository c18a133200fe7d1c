/*
 * rest-shim/main.c - sluice-rest: the LTS task API and the JSON API over HTTP.
 */
#include "base/buf.h"
#include "base/descriptors.h"
#include "base/exposure.h"
#include "base/limiter.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/options.h"
#include "base/thread.h"
#include "base/timers.h"
#include "base/tls.h"
#include "base/tls_files.h"
#include "base/token_file.h"
#include "base/watchdog.h"
#include "http/server.h"
#include "http/status_server.h"
#include "rest-shim/lts.h"
#include "rest-shim/rest_counts.h"
#include "rest-shim/shim.h"
#include "rpc/client.h"
#include "rpc/otlp.h"
#include "rpc/otlp_settings.h"

enum {
    STOP_GRACE_MS = 4000, /* for late answers, and replies that are read slowly */
    OWN_DESCRIPTORS = 64, /* besides connections */
};

struct settings {
    struct options_common common;
    struct otlp_settings otlp;
    const char *listen;
    struct tls_paths tls;
    const char *gateway;
    const char *gateway_token_file;
    struct exposure_settings exposure;
    struct limiter_settings limits;
    const char *metrics_listen;
    struct tls_paths gateway_tls;
    int64_t request_timeout_ms;
    int64_t legacy_error_status;
    int64_t max_event_streams;
    const char *docs_dir;
    const char *sync_date_zone;
    int64_t drain_ms;
};

static const struct option_row rows[] = {
    {.name = "listen",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, listen),
     .default_value = "127.0.0.1:12311",
     .value_name = "HOST:PORT",
     .help = "where to serve HTTP; port 0 is any free one"},
    TLS_SERVER_ROWS(struct settings, tls),
    {.name = "gateway",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, gateway),
     .default_value = "127.0.0.1:50051",
     .value_name = "HOST:PORT",
     .help =
         "the gateway to call; several: a name with several addresses, or ipv4:HOST:PORT,HOST:PORT"},
    STATUS_SERVER_ROW(struct settings, metrics_listen),
    {.name = "gateway-token-file",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, gateway_token_file),
     .value_name = "PATH",
     .help = "the file that has the token to show to the gateway for requests that bring none"},
    EXPOSURE_ROWS(struct settings, exposure),
    LIMITER_ROWS(struct settings, limits),
    TLS_CLIENT_ROWS(struct settings, gateway_tls),
    {.name = "request-timeout-ms",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, request_timeout_ms),
     .default_value = "10000",
     .min = 1,
     .max = 600000,
     .unit = "ms",
     .value_name = "MS",
     .help = "how long the gateway may take for one request"},
    {.name = "legacy-error-status",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, legacy_error_status),
     .default_value = "0",
     .min = 0,
     .max = 200,
     .value_name = "STATUS",
     .help = "200: errors of the LTS API come with HTTP status 200; 0: with one that fits"},
    {.name = "sync-date-zone",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, sync_date_zone),
     .default_value = "+08:00",
     .value_name = "OFFSET",
     .help = "the zone of syncDate in the LTS API, as an offset from UTC like +08:00"},
    {.name = "max-event-streams",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, max_event_streams),
     .default_value = "256",
     .min = 0,
     .max = HTTP_MAX_CONNECTIONS,
     .value_name = "N",
     .help = "how many clients may follow tasks by server-sent events at a time"},
    {.name = "docs-dir",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, docs_dir),
     .value_name = "FOLDER",
     .help = "the files of the page at /docs, if not share/sluice/docs where this is installed"},
    {.name = "drain-ms",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, drain_ms),
     .default_value = "0",
     .min = 0,
     .max = 600000,
     .unit = "ms",
     .value_name = "MS",
     .help = "how long /readyz says 503, at a stop, before requests are refused: as long as a load "
             "balancer takes to see it"},
    OTLP_OPTION_ROWS(struct settings, otlp),
    OPTIONS_COMMON_ROWS(struct settings, common),
};

static void validate(const void *settings, struct buf *errors)
{
    const struct settings *s = settings;

    if (s->legacy_error_status != 0 && s->legacy_error_status != 200)
        buf_append_text(errors, "legacy-error-status: is neither 0 nor 200\n");

    int offset_s = 0;
    struct status st = lts_read_zone(str_from(s->sync_date_zone), &offset_s);
    if (st.code != STATUS_OK)
        buf_printf(errors, "sync-date-zone: %s\n", st.text);
    tls_validate(TLS_SERVER, &s->tls, errors);
    tls_validate(TLS_CLIENT, &s->gateway_tls, errors);
    otlp_settings_validate(&s->otlp, errors);
    exposure_validate(&s->exposure, errors);
    exposure_check(&s->exposure, "listen", s->listen, s->tls.ca != NULL, ", --tls-client-ca",
                   errors);
    exposure_check(&s->exposure, "metrics-listen", s->metrics_listen, false, "", errors);
}

static const struct option_table table = {
    .program = "sluice-rest",
    .summary = "Serves the LTS task API and the JSON API over HTTP, by calls to a Sluice gateway.",
    .rows = rows,
    .nrows = ARRAY_LEN(rows),
    .size = sizeof(struct settings),
    .common = offsetof(struct settings, common),
    .validate = validate,
};

static unsigned get_max_connections(void)
{
    size_t ndescriptors = descriptors_raise_limit();

    if (ndescriptors >= HTTP_MAX_CONNECTIONS + OWN_DESCRIPTORS)
        return HTTP_MAX_CONNECTIONS;
    return ndescriptors > OWN_DESCRIPTORS ? (unsigned)(ndescriptors - OWN_DESCRIPTORS) : 1;
}

/* Tells who watches that this serves, until it is asked to stop. */
static struct status watch(const struct settings *settings, struct http_server *server,
                           struct status_server *status, struct rpc_loop *loop)
{
    struct pulse *const pulses[] = {http_server_get_pulse(server), rpc_loop_get_pulse(loop, 0)};
    struct watchdog *watchdog = NULL;
    struct status st = watchdog_start(pulses, ARRAY_LEN(pulses), &watchdog);

    if (st.code != STATUS_OK)
        return st;
    notify_status("serving");
    notify_ready();
    int number = options_wait_for_stop(&table, settings);
    notify_stopping();
    log_info("stopping", log_int("signal", number));
    status_server_announce_stop(status);
    http_server_announce_stop(server);
    thread_wait_for_second_stop((unsigned)settings->drain_ms);
    watchdog_stop(watchdog);
    http_server_stop(server, STOP_GRACE_MS);
    return st;
}

static struct status serve(const struct settings *settings, struct shim *shim,
                           struct status_server *status, struct rpc_loop *loop)
{
    struct cidr_list allowed = exposure_get_allowed(&settings->exposure);
    struct http_server *server = NULL;
    struct status st =
        http_server_create(&(struct http_server_options){.listen = settings->listen,
                                                         .allowed = &allowed,
                                                         .tls = settings->tls,
                                                         .handler = shim_get_handler(shim),
                                                         .max_connections = get_max_connections()},
                           &server);

    if (st.code != STATUS_OK)
        return st;
    log_info("listening", log_str("address", settings->listen),
             log_int("port", http_server_get_port(server)),
             log_int("metrics_port", status_server_get_port(status)),
             log_str("gateway", settings->gateway));
    st = watch(settings, server, status, loop);
    http_server_destroy(server);
    return st;
}

static struct status open_channel(const struct settings *settings, struct rpc_loop *loop,
                                  struct timers *timers, struct token_file **ret_token,
                                  struct rpc_channel **ret)
{
    struct tls_files *tls = NULL;
    struct status st = token_file_open(settings->gateway_token_file, ret_token);

    if (st.code == STATUS_OK)
        st = tls_files_open(TLS_CLIENT, &settings->gateway_tls, &tls);
    if (st.code == STATUS_OK)
        *ret = rpc_channel_open(&(struct rpc_channel_options){.target = settings->gateway,
                                                              .tls = tls,
                                                              .token = *ret_token,
                                                              .loop = loop,
                                                              .user_agent = "sluice-rest",
                                                              .timers = timers,
                                                              .carries = true});
    return st;
}

static struct status run(const struct settings *settings)
{
    struct cidr_list allowed = exposure_get_allowed(&settings->exposure);
    struct lts_settings lts = {0};
    struct rpc_loop *loop = NULL;
    struct timers *timers = NULL;
    struct token_file *token = NULL;
    struct rpc_channel *channel = NULL;
    struct otlp *otlp = NULL;
    struct status_server *status = NULL;
    struct status st = lts_read_zone(str_from(settings->sync_date_zone), &lts.sync_date_offset_s);

    if (st.code == STATUS_OK)
        st = rest_counts_serve(settings->metrics_listen, &allowed, &settings->tls,
                               &settings->gateway_tls, &status);
    if (st.code == STATUS_OK)
        st = rpc_loop_create(1, &loop);
    if (st.code == STATUS_OK)
        st = timers_create(&timers);
    if (st.code == STATUS_OK)
        st = open_channel(settings, loop, timers, &token, &channel);
    if (st.code == STATUS_OK)
        st = otlp_settings_start(&settings->otlp, "sluice-rest", loop,
                                 status_server_get_metrics(status), &otlp);
    if (st.code != STATUS_OK) {
        rpc_channel_close(channel);
        token_file_close(token);
        timers_destroy(timers);
        rpc_loop_destroy(loop);
        status_server_destroy(status);
        return st;
    }
    bool asks_nothing = settings->tls.cert == NULL && !settings->exposure.is_insecure;
    struct limiter *limiter = limiter_create(&settings->limits);
    struct shim *shim = shim_create(&(struct shim_options){
        .channel = channel,
        .tracer = otlp_get_tracer(otlp),
        .limiter = limiter,
        .timeout_ms = (unsigned)settings->request_timeout_ms,
        .legacy_error_status = (int)settings->legacy_error_status,
        .max_event_streams = (unsigned)settings->max_event_streams,
        .docs_dir = settings->docs_dir,
        .metrics = status_server_get_metrics(status),
        .is_for_this_machine = asks_nothing && exposure_is_local(settings->listen),
        .lts = lts,
    });
    st = serve(settings, shim, status, loop);
    shim_destroy(shim);
    limiter_destroy(limiter);
    rpc_channel_close(channel);
    token_file_close(token);
    timers_destroy(timers);
    otlp_stop(otlp);
    rpc_loop_destroy(loop);
    status_server_destroy(status);
    return st;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};

    thread_block_signals();
    int exit_code = options_start(&table, argc, argv, &settings);
    if (exit_code != OPTIONS_GO_ON)
        return exit_code;

    struct status st = run(&settings);
    options_end(&table, &settings);
    if (st.code != STATUS_OK) {
        log_error("not started", log_code(st), log_str("error", st.text));
        return 1;
    }
    log_info("stopped", log_bool("is_clean", true));
    return 0;
}
