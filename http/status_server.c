#include "http/status_server.h"

#include <stdatomic.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/process_metrics.h"
#include "base/tls_expiry.h"
#include "http/server.h"

enum {
    MAX_CONNECTIONS = 32, /* of who scrapes, and who asks for health */
    STOP_GRACE_MS = 1000,
};

struct status_server {
    struct http_handler handler;
    struct metrics *metrics;
    struct status_source *source;
    struct process_metrics *process;
    struct tls_expiry *server_tls; /* NULL: there is none */
    struct tls_expiry *client_tls;
    struct http_server *http; /* NULL: not yet */
    atomic_bool is_stopping;
};

static const char text_type[] = "text/plain; charset=utf-8";

static void reply_text(struct http_request *request, int http_status, const char *text)
{
    struct http_reply reply = {.status = http_status, .content_type = text_type};

    buf_printf(&reply.body, "%s\n", text);
    http_request_reply(request, &reply);
}

/* /metrics */

struct scrape {
    struct status_wait wait;
    struct metrics *metrics;
    struct http_request *request;
};

static void reply_metrics(const struct scrape *scrape)
{
    struct http_reply reply = {.status = 200, .content_type = METRICS_CONTENT_TYPE};

    metrics_write(scrape->metrics, &reply.body);
    http_request_reply(scrape->request, &reply);
}

static void on_fresh(struct status_wait *wait)
{
    reply_metrics(container_of(wait, struct scrape, wait));
}

static void serve_metrics(struct status_server *server, struct http_request *request)
{
    struct status_source *source = server->source;
    struct scrape *scrape = arena_alloc(http_request_get_arena(request), sizeof(*scrape));

    *scrape =
        (struct scrape){.wait.on_fresh = on_fresh, .metrics = server->metrics, .request = request};
    if (!source || !source->refresh || !source->refresh(source, &scrape->wait))
        reply_metrics(scrape);
}

/* /healthz and /readyz */

static void serve_health(struct status_server *server, struct http_request *request)
{
    (void)server;
    reply_text(request, 200, "ok");
}

static void serve_readiness(struct status_server *server, struct http_request *request)
{
    const char *why = NULL;

    if (atomic_load(&server->is_stopping))
        reply_text(request, 503, "the program is stopping");
    else if (server->source && !server->source->is_ready(server->source, &why))
        reply_text(request, 503, why);
    else
        reply_text(request, 200, "ok");
}

static const struct {
    const char *path;
    void (*serve)(struct status_server *server, struct http_request *request);
} pages[] = {
    {"/metrics", serve_metrics},
    {"/healthz", serve_health},
    {"/readyz", serve_readiness},
};

static void on_request(struct http_handler *handler, struct http_request *request)
{
    static const struct http_header allow = {"Allow", "GET, HEAD"};
    struct status_server *server = container_of(handler, struct status_server, handler);
    struct str verb = http_request_get_method(request);
    size_t i = 0;

    while (i < ARRAY_LEN(pages) && !str_is(http_request_get_path(request), pages[i].path))
        i++;
    if (i == ARRAY_LEN(pages))
        reply_text(request, 404, "there are /metrics, /healthz and /readyz");
    else if (!str_is(verb, "GET") && !str_is(verb, "HEAD"))
        http_request_reply(request, &(struct http_reply){.status = 405,
                                                         .content_type = text_type,
                                                         .headers = &allow,
                                                         .nheaders = 1});
    else
        pages[i].serve(server, request);
}

static int on_refusal(struct http_handler *handler, int http_status, struct str target,
                      struct buf *ret)
{
    (void)handler;
    (void)target;
    buf_append_text(ret, "refused\n");
    return http_status;
}

struct status status_server_create(const struct status_server_options *options,
                                   struct status_server **ret)
{
    *ret = NULL;
    if (!options->listen)
        return status_ok();

    struct status_server *server = mem_alloc(sizeof(*server));
    server->handler = (struct http_handler){.on_request = on_request, .on_refusal = on_refusal};
    server->metrics = metrics_create(options->families, options->nfamilies);
    server->process = process_metrics_create(server->metrics, SLUICE_VERSION);
    server->source = options->source;
    server->server_tls = tls_expiry_create(server->metrics, TLS_SERVER, &options->server_tls);
    server->client_tls = tls_expiry_create(server->metrics, TLS_CLIENT, &options->client_tls);
    if (options->figures)
        metrics_add_source(server->metrics, options->figures);
    struct status st =
        http_server_create(&(struct http_server_options){.listen = options->listen,
                                                         .allowed = options->allowed,
                                                         .handler = &server->handler,
                                                         .max_connections = MAX_CONNECTIONS},
                           &server->http);
    if (st.code == STATUS_OK)
        *ret = server;
    else
        status_server_destroy(server);
    return st;
}

int status_server_get_port(const struct status_server *server)
{
    return server ? http_server_get_port(server->http) : 0;
}

struct metrics *status_server_get_metrics(struct status_server *server)
{
    return server ? server->metrics : NULL;
}

void status_server_announce_stop(struct status_server *server)
{
    if (server)
        atomic_store(&server->is_stopping, true);
}

void status_server_stop(struct status_server *server)
{
    if (server && server->http)
        http_server_stop(server->http, STOP_GRACE_MS);
}

void status_server_destroy(struct status_server *server)
{
    if (!server)
        return;
    status_server_stop(server);
    http_server_destroy(server->http);
    tls_expiry_destroy(server->server_tls);
    tls_expiry_destroy(server->client_tls);
    process_metrics_destroy(server->process);
    metrics_destroy(server->metrics);
    mem_free(server);
}
