/*
 * rest-shim/main.c - sluice-rest: the LTS task API and the JSON API over HTTP.
 */
#include "base/buf.h"
#include "base/log.h"
#include "base/options.h"
#include "base/thread.h"
#include "rest-shim/http_server.h"
#include "rest-shim/lts.h"
#include "rest-shim/shim.h"
#include "rpc/client.h"

enum { STOP_GRACE_MS = 5000 }; /* for replies that are read slowly */

struct settings {
    struct options_common common;
    const char *listen;
    const char *gateway;
    int64_t request_timeout_ms;
    int64_t legacy_error_status;
    int64_t max_event_streams;
    const char *docs_dir;
    const char *sync_date_zone;
};

static const struct option_row rows[] = {
    {.name = "listen",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, listen),
     .default_value = "127.0.0.1:12311",
     .value_name = "HOST:PORT",
     .help = "where to serve HTTP; port 0 is any free one"},
    {.name = "gateway",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, gateway),
     .default_value = "127.0.0.1:50051",
     .value_name = "HOST:PORT",
     .help = "the gateway to call"},
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
    OPTIONS_COMMON_ROWS(struct settings, common),
};

static const struct option_table table = {
    .program = "sluice-rest",
    .summary = "Serves the LTS task API and the JSON API over HTTP, by calls to a Sluice gateway.",
    .rows = rows,
    .nrows = ARRAY_LEN(rows),
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
}

static struct status serve(const struct settings *settings, struct shim *shim)
{
    struct http_server *server = NULL;
    struct status st =
        http_server_create(&(struct http_server_options){.listen = settings->listen,
                                                         .handler = shim_get_handler(shim)},
                           &server);

    if (st.code != STATUS_OK)
        return st;
    log_info("listening", log_str("address", settings->listen),
             log_int("port", http_server_get_port(server)), log_str("gateway", settings->gateway));
    int number = thread_wait_for_stop();
    log_info("stopping", log_int("signal", number));
    http_server_stop(server, STOP_GRACE_MS);
    http_server_destroy(server);
    return status_ok();
}

static struct status run(const struct settings *settings)
{
    struct lts_settings lts = {0};
    struct rpc_loop *loop = NULL;
    struct status st = lts_read_zone(str_from(settings->sync_date_zone), &lts.sync_date_offset_s);

    if (st.code == STATUS_OK)
        st = rpc_loop_create(1, &loop);
    if (st.code != STATUS_OK)
        return st;
    struct rpc_channel *channel = rpc_channel_open(&(struct rpc_channel_options){
        .target = settings->gateway, .loop = loop, .user_agent = "sluice-rest"});
    struct shim *shim = shim_create(&(struct shim_options){
        .channel = channel,
        .timeout_ms = (unsigned)settings->request_timeout_ms,
        .legacy_error_status = (int)settings->legacy_error_status,
        .max_event_streams = (unsigned)settings->max_event_streams,
        .docs_dir = settings->docs_dir,
        .lts = lts,
    });
    st = serve(settings, shim);
    shim_destroy(shim);
    rpc_channel_close(channel);
    rpc_loop_destroy(loop);
    return st;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};

    thread_block_signals();
    int exit_code = options_start(&table, argc, argv, &settings, &settings.common, validate);
    if (exit_code != OPTIONS_GO_ON)
        return exit_code;

    struct status st = run(&settings);
    if (st.code != STATUS_OK) {
        log_error("not started", log_code(st), log_str("error", st.text));
        return 1;
    }
    log_info("stopped", log_bool("is_clean", true));
    return 0;
}
