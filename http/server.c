/*
 * http/server.c - h2o 2.2 behind server.h.
 *
 * What h2o gives is one request at a time on each connection: it reads, calls on_req, and reads no more until the
 * reply is sent. exchange.c has what lies between.
 */
#include "http/server.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <h2o.h>

#include "base/cidr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/watchdog.h"
#include "http/exchange.h"
#include "http/listener.h"
#include "http/tls.h"

enum {
    STOP_IDLE_MS = 1000, /* how long a stop waits for requests that are still coming in */
    STOP_STEP_MS = 50,
    MAX_ACCEPTS_AT_ONCE = 16,
    REPLACED_PART = 16,     /* of the connections; so many make room at once */
    LARGE_BYTES = 64 << 10, /* of what has come of a request: no head is so large */
};

struct http_server {
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    struct http_tls *tls; /* NULL: without */
    h2o_evloop_t *loop;
    h2o_socket_t *listener; /* NULL: stopping */
    int port;
    bool is_paused; /* not accepting: there are too many connections, or too few descriptors */
    h2o_timeout_entry_t resume_timer;
    unsigned nconnections;
    unsigned max_connections;
    struct cidr_list allowed;
    struct log_limit refusals;
    h2o_timeout_entry_t
        measure_timer; /* runs while there are connections enough to take too much */
    bool is_measuring;
    struct http_exchanges exchanges;

    h2o_multithread_message_t announcement;
    h2o_multithread_message_t stop_message;
    unsigned grace_ms;
    int64_t stop_time_ms; /* when the stop began; 0: it has not */
    bool is_joined;
    struct pulse pulse;
    pthread_t thread;
};

struct h2o_handler {
    h2o_handler_t super;
    struct http_server *server;
};

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    struct http_server *server = container_of(self, struct h2o_handler, super)->server;

    http_exchanges_start(&server->exchanges, req);
    return 0;
}

/* Connections. */

static void on_accept(h2o_socket_t *listener, const char *error);

/* h2o sets it when it has all of a request. */
static bool is_coming_in(const h2o_req_t *req)
{
    return !req->pathconf;
}

/* A walk over the connections, oldest first, that cuts some of them. */
struct walk {
    size_t received_bytes; /* of requests that are coming in */
    unsigned max_cuts;
};

static struct walk *get_walk(void *data)
{
    return data;
}

static int cut_if_coming_in(h2o_req_t *req, void *data)
{
    struct walk *walk = get_walk(data);

    if (walk->max_cuts == 0 || !is_coming_in(req))
        return 0;
    walk->max_cuts--;
    http_exchange_cut(req);
    return 0;
}

/* Who has waited longest without a whole request makes room: handshakes, idle ones, and those that send slowly. */
static void make_room(struct http_server *server)
{
    struct walk walk = {.max_cuts = server->max_connections / REPLACED_PART + 1};

    if (server->tls)
        walk.max_cuts -= http_tls_close_handshakes(server->tls, walk.max_cuts);
    (void)server->config.http1.callbacks.foreach_request(&server->context, cut_if_coming_in, &walk);
}

static size_t get_received_bytes(h2o_req_t *req)
{
    return req->conn->callbacks->get_socket(req->conn)->input->size;
}

static int add_received(h2o_req_t *req, void *data)
{
    if (is_coming_in(req))
        get_walk(data)->received_bytes += get_received_bytes(req);
    return 0;
}

/* The answer to a request that is not read to its end. Nothing else is being written then. */
static void refuse_half(h2o_req_t *req)
{
    static const char reply[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                "Connection: close\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n";
    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);

    if (!sock->ssl) /* the library has no way to write past it */
        (void)send(h2o_socket_get_fd(sock), reply, sizeof(reply) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    http_exchange_cut(req);
}

static int refuse_if_large(h2o_req_t *req, void *data)
{
    struct walk *walk = get_walk(data);

    if (walk->received_bytes <= HTTP_MAX_RECEIVED_BYTES || !is_coming_in(req) ||
        get_received_bytes(req) < LARGE_BYTES)
        return 0;
    walk->received_bytes -= get_received_bytes(req);
    refuse_half(req);
    return 0;
}

/* The library says nothing while a request comes in, so what has come is added up ten times a second. */
static void measure(struct http_server *server)
{
    const h2o_protocol_callbacks_t *http1 = &server->config.http1.callbacks;
    struct walk walk = {0};

    (void)http1->foreach_request(&server->context, add_received, &walk);
    if (walk.received_bytes <= HTTP_MAX_RECEIVED_BYTES)
        return;
    log_warn("requests refused",
             log_str("error", "those that are coming in are too large together"),
             log_int("bytes", (int64_t)walk.received_bytes));
    (void)http1->foreach_request(&server->context, refuse_if_large, &walk);
}

static void watch_memory(struct http_server *server)
{
    if (server->is_measuring ||
        server->nconnections <= HTTP_MAX_RECEIVED_BYTES / HTTP_MAX_BODY_BYTES)
        return;
    server->is_measuring = true;
    h2o_timeout_link(server->loop, &server->context.hundred_ms_timeout, &server->measure_timer);
}

static void on_measure_timeout(h2o_timeout_entry_t *entry)
{
    struct http_server *server = container_of(entry, struct http_server, measure_timer);

    server->is_measuring = false;
    measure(server);
    watch_memory(server);
}

static void pause_accepting(struct http_server *server)
{
    server->is_paused = true;
    h2o_socket_read_stop(server->listener);
}

static void resume_accepting(struct http_server *server)
{
    if (!server->is_paused || !server->listener || server->nconnections >= server->max_connections)
        return;
    server->is_paused = false;
    h2o_timeout_unlink(&server->resume_timer);
    h2o_socket_read_start(server->listener, on_accept);
}

static void on_resume_timeout(h2o_timeout_entry_t *entry)
{
    resume_accepting(container_of(entry, struct http_server, resume_timer));
}

static void on_connection_close(void *data)
{
    struct http_server *server = data;

    server->nconnections--;
    resume_accepting(server);
}

static void log_refusal(struct http_server *server, const struct sockaddr *peer, socklen_t len)
{
    char host[NI_MAXHOST] = "";
    unsigned nskipped;

    if (!log_limit_pass(&server->refusals, clock_get_monotonic_ms(), &nskipped))
        return;
    (void)getnameinfo(peer, len, host, sizeof(host), NULL, 0, NI_NUMERICHOST);
    log_warn("connection refused", log_str("error", "its address is not allowed"),
             log_str("peer", host), log_int("not_logged", nskipped));
}

static bool is_allowed(struct http_server *server, h2o_socket_t *sock)
{
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    struct cidr_address address;

    if (server->allowed.count == 0)
        return true;
    socklen_t len = h2o_socket_getpeername(sock, (struct sockaddr *)&peer);
    if (cidr_from_socket((const struct sockaddr *)&peer, &address) &&
        cidr_list_has(&server->allowed, &address))
        return true;
    log_refusal(server, (const struct sockaddr *)&peer, len);
    return false;
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
    struct http_server *server = listener->data;

    if (error)
        return;
    for (int i = 0; i < MAX_ACCEPTS_AT_ONCE; i++) {
        if (server->nconnections >= server->max_connections) {
            log_warn("too many connections", log_int("connections", server->nconnections));
            pause_accepting(server);
            make_room(server);
            return;
        }
        errno = 0;
        h2o_socket_t *sock = h2o_evloop_socket_accept(listener);
        if (!sock && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
            /* The connection stays in the queue, so the listener would be ready for ever. */
            log_warn("cannot accept a connection", log_int("errno", errno));
            pause_accepting(server);
            make_room(server);
            h2o_timeout_link(server->loop, &server->context.hundred_ms_timeout,
                             &server->resume_timer);
        }
        if (!sock)
            return;
        if (!is_allowed(server, sock)) {
            h2o_socket_close(sock);
            continue;
        }
        sock->on_close.cb = on_connection_close;
        sock->on_close.data = server;
        server->nconnections++;
        if (server->tls)
            http_tls_accept(server->tls, sock);
        else
            h2o_accept(&server->accept, sock);
    }
    watch_memory(server);
}

/* Stopping. */

/* A connection from which no byte of a request has come. */
static int cut_if_idle(h2o_req_t *req, void *data)
{
    (void)data;
    if (req->timestamps.request_begin_at.tv_sec == 0)
        http_exchange_cut(req);
    return 0;
}

static int cut_if_not_handled(h2o_req_t *req, void *data)
{
    if (!http_exchanges_has(data, req))
        http_exchange_cut(req);
    return 0;
}

static int cut_any(h2o_req_t *req, void *data)
{
    (void)data;
    http_exchange_cut(req);
    return 0;
}

static void begin_stop(struct http_server *server)
{
    server->stop_time_ms = clock_get_monotonic_ms();
    server->context.shutdown_requested = 1; /* the connections of later requests are closed */
    h2o_socket_read_stop(server->listener);
    h2o_socket_close(server->listener);
    server->listener = NULL;
    h2o_timeout_unlink(&server->resume_timer);
    h2o_timeout_unlink(&server->measure_timer);
    server->is_measuring = true; /* never again */
    http_exchanges_stop(&server->exchanges);
}

/* Closes what may be closed by now. */
static void hurry(struct http_server *server)
{
    const h2o_protocol_callbacks_t *http1 = &server->config.http1.callbacks;
    int64_t past_ms = clock_get_monotonic_ms() - server->stop_time_ms;

    if (server->tls)
        (void)http_tls_close_handshakes(server->tls, UINT_MAX);
    (void)http1->foreach_request(&server->context, cut_if_idle, server);
    if (past_ms >= STOP_IDLE_MS)
        (void)http1->foreach_request(&server->context, cut_if_not_handled, &server->exchanges);
    if (past_ms >= server->grace_ms)
        http_exchanges_give_up(&server->exchanges);
    if (past_ms >= server->grace_ms)
        (void)http1->foreach_request(&server->context, cut_any, server);
    if (past_ms >= server->grace_ms && server->tls)
        http_tls_cut_all(server->tls);
}

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct http_server *server = container_of(receiver, struct http_server, exchanges.receiver);

    while (!h2o_linklist_is_empty(messages)) {
        h2o_multithread_message_t *message =
            container_of(messages->next, h2o_multithread_message_t, link);
        h2o_linklist_unlink(&message->link);
        if (message == &server->announcement) {
            http_exchanges_leave(&server->exchanges);
        } else if (message == &server->stop_message) {
            HANDOFF_TAKE(server);
            begin_stop(server);
        } else {
            http_exchanges_take(message);
        }
    }
}

static void *run(void *arg)
{
    struct http_server *server = arg;

    while (server->stop_time_ms == 0 || server->nconnections > 0 ||
           server->exchanges.nrequests > 0) {
        (void)h2o_evloop_run(server->loop, server->stop_time_ms != 0 ? STOP_STEP_MS : PULSE_MS);
        pulse_beat(&server->pulse);
        if (server->stop_time_ms != 0)
            hurry(server);
    }
    return NULL;
}

/* Life and end of the server. */

/*
 * The leak sanitizer asks a program for this. h2o keeps blocks for reuse by thread and forgets its queue.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:h2o_mem_alloc_recycle\nleak:h2o_multithread_create_queue\n";
}

static void configure(struct http_server *server)
{
    h2o_globalconf_t *config = &server->config;

    h2o_config_init(config);
    config->server_name = h2o_iovec_init(NULL, 0);
    config->max_request_entity_size = HTTP_MAX_BODY_BYTES;
    config->http1.req_timeout = HTTP_READ_TIMEOUT_MS;
    config->handshake_timeout = HTTP_READ_TIMEOUT_MS;
    config->http1.upgrade_to_http2 = 0; /* HTTP/2 of this library has known holes */
    h2o_hostconf_t *host = h2o_config_register_host(config, h2o_iovec_init("default", 7), 65535);

    /* The fallback takes every path as it is; other places would be found by a normalised one. */
    struct h2o_handler *handler = container_of(
        h2o_create_handler(&host->fallback_path, sizeof(*handler)), struct h2o_handler, super);
    handler->super.on_req = on_req;
    handler->server = server;
    http_refusals_register(&server->exchanges.refusals, &host->fallback_path);
}

struct status http_server_create(const struct http_server_options *options,
                                 struct http_server **ret)
{
    int fd = -1;
    struct status st = listener_open(options->listen, &fd);

    if (st.code != STATUS_OK)
        return st;

    struct http_server *server = mem_alloc(sizeof(*server));
    if (tls_is_on(TLS_SERVER, &options->tls))
        st = http_tls_create(&options->tls, &server->accept, &server->tls);
    if (st.code != STATUS_OK) {
        (void)close(fd);
        mem_free(server);
        return st;
    }
    server->port = listener_get_port(fd);
    if (options->allowed)
        server->allowed = *options->allowed;
    server->loop = h2o_evloop_create();
    configure(server);
    h2o_context_init(&server->context, server->loop, &server->config);
    http_exchanges_init(&server->exchanges, &server->context, options, on_messages);
    server->resume_timer.cb = on_resume_timeout;
    server->measure_timer.cb = on_measure_timeout;
    server->max_connections =
        options->max_connections ? options->max_connections : (unsigned)HTTP_MAX_CONNECTIONS;
    server->accept = (h2o_accept_ctx_t){.ctx = &server->context, .hosts = server->config.hosts};
    server->listener = h2o_evloop_socket_create(server->loop, fd, H2O_SOCKET_FLAG_DONT_READ);
    server->listener->data = server;
    h2o_socket_read_start(server->listener, on_accept);
    HANDOFF_GIVE(server);
    st = thread_start("http", run, server, &server->thread);
    if (st.code != STATUS_OK) {
        server->is_joined = true;
        begin_stop(server);
        http_server_destroy(server);
        return st;
    }
    *ret = server;
    return status_ok();
}

int http_server_get_port(const struct http_server *server)
{
    return server->port;
}

struct pulse *http_server_get_pulse(struct http_server *server)
{
    return &server->pulse;
}

void http_server_announce_stop(struct http_server *server)
{
    http_exchanges_send(&server->exchanges, &server->announcement);
}

void http_server_stop(struct http_server *server, unsigned grace_ms)
{
    if (server->is_joined)
        return;
    server->grace_ms = grace_ms;
    HANDOFF_GIVE(server);
    http_exchanges_send(&server->exchanges, &server->stop_message);
    (void)pthread_join(server->thread, NULL);
    server->is_joined = true;
}

void http_server_destroy(struct http_server *server)
{
    if (!server)
        return;
    http_server_stop(server, 0);
    http_exchanges_deinit(&server->exchanges, &server->context);
    h2o_context_dispose(&server->context);
    h2o_evloop_destroy(server->loop);
    h2o_config_dispose(&server->config);
    http_tls_destroy(server->tls);
    mem_free(server);
}
