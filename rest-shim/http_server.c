/*
 * rest-shim/http_server.c - h2o 2.2 behind http_server.h.
 *
 * What h2o gives is one request at a time on each connection: it reads, calls on_req, and reads no more until the
 * reply is sent. Its request lives in a pool that may go at any time, so two objects stand for a request: an exchange
 * in the pool, which ends with it, and a struct http_request of our own, which ends with the reply. Each points
 * to the other while both live, and only the loop's thread follows these pointers.
 *
 * A reply from another thread is a message to the loop. The loop may take it up, and end, while the sender still is in
 * the library's function, which looks at the server once more to wake the loop: so who frees the server waits for
 * senders first.
 */
#include "rest-shim/http_server.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <h2o.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "rest-shim/http_head.h"
#include "rest-shim/http_refusal.h"
#include "rest-shim/listener.h"

enum {
    STOP_IDLE_MS = 1000, /* how long a stop waits for requests that are still coming in */
    STOP_STEP_MS = 50,
    MAX_ACCEPTS_AT_ONCE = 16,
};

struct http_server {
    struct http_handler *handler;
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    h2o_evloop_t *loop;
    h2o_socket_t *listener; /* NULL: stopping */
    int port;
    bool is_paused; /* not accepting: there are too many connections, or too few descriptors */
    h2o_timeout_entry_t resume_timer;
    h2o_timeout_t write_timeout;
    unsigned nconnections;
    unsigned nrequests;
    struct list exchanges;
    struct http_refusals refusals;

    pthread_mutex_t sending; /* held while a message is sent to the loop */
    h2o_multithread_receiver_t receiver;
    h2o_multithread_message_t stop_message;
    unsigned grace_ms;
    int64_t stop_time_ms; /* when the stop began; 0: it has not */
    bool is_joined;
    pthread_t thread;
};

struct exchange {
    struct list place; /* in the server's exchanges */
    struct http_server *server;
    h2o_req_t *req;
    struct http_request *request; /* NULL: answered */
    h2o_timeout_entry_t write_timer;
};

struct http_request {
    h2o_multithread_message_t message;
    struct http_server *server;
    struct exchange *exchange; /* NULL: the client is gone */
    struct arena *arena;
    struct http_gone *gone;
    struct http_reply reply;
};

static struct str str_of(h2o_iovec_t text)
{
    return str_from_bytes(text.base, text.len);
}

/* Has the connection fail at its next read or write; h2o then closes it. */
static void cut(h2o_req_t *req)
{
    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);

    (void)shutdown(h2o_socket_get_fd(sock), SHUT_RDWR);
}

/* Replies. */

static void on_write_timeout(h2o_timeout_entry_t *entry)
{
    cut(container_of(entry, struct exchange, write_timer)->req);
}

static void send_reply(struct exchange *exchange, const struct http_reply *reply)
{
    struct http_server *server = exchange->server;
    h2o_req_t *req = exchange->req;

    http_head_set(req, reply->status, reply->body.len);
    for (size_t i = 0; i < reply->nheaders; i++)
        http_head_add(req, reply->headers[i].name, reply->headers[i].value);
    if (server->stop_time_ms != 0)
        req->http1_is_persistent = 0;
    h2o_timeout_link(server->loop, &server->write_timeout, &exchange->write_timer);
    server->refusals.is_off = true;
    h2o_send_inline(req, buf_get_text(&reply->body), reply->body.len);
    server->refusals.is_off = false;
}

static void finish_request(struct http_request *request)
{
    if (request->exchange) {
        request->exchange->request = NULL;
        send_reply(request->exchange, &request->reply);
    }
    request->server->nrequests--;
    buf_deinit(&request->reply.body);
    arena_destroy(request->arena);
    mem_free(request);
}

static void send_message(struct http_server *server, h2o_multithread_message_t *message)
{
    (void)pthread_mutex_lock(&server->sending);
    h2o_multithread_send_message(&server->receiver, message);
    (void)pthread_mutex_unlock(&server->sending);
}

void http_request_reply(struct http_request *request, const struct http_reply *reply)
{
    request->reply = *reply;
    HANDOFF_GIVE(request);
    send_message(request->server, &request->message);
}

static void refuse(struct http_request *request, int status)
{
    struct http_handler *handler = request->server->handler;
    struct http_reply reply = {0};

    reply.status =
        handler->on_refusal(handler, status, http_request_get_path(request), &reply.body);
    http_request_reply(request, &reply);
}

/* Requests. */

struct h2o_handler {
    h2o_handler_t super;
    struct http_server *server;
};

/* Runs when h2o frees the request's pool: its reply is sent, or its client is gone. */
static void on_exchange_end(void *memory)
{
    struct exchange *exchange = memory;
    struct http_request *request = exchange->request;

    list_remove(&exchange->place);
    h2o_timeout_unlink(&exchange->write_timer);
    if (!request)
        return;
    request->exchange = NULL;
    if (request->gone)
        request->gone->on_gone(request->gone);
}

static struct http_request *create_request(struct http_server *server, h2o_req_t *req)
{
    struct exchange *exchange =
        h2o_mem_alloc_shared(&req->pool, sizeof(*exchange), on_exchange_end);
    struct http_request *request = mem_alloc(sizeof(*request));

    memset(exchange, 0, sizeof(*exchange));
    exchange->server = server;
    exchange->req = req;
    exchange->request = request;
    exchange->write_timer.cb = on_write_timeout;
    list_add_last(&server->exchanges, &exchange->place);
    request->server = server;
    request->exchange = exchange;
    request->arena = arena_create(HTTP_ARENA_BYTES);
    server->nrequests++;
    return request;
}

static size_t measure_headers(const h2o_headers_t *headers)
{
    size_t len = 0;

    for (size_t i = 0; i < headers->size; i++)
        len += headers->entries[i].name->len + headers->entries[i].value.len;
    return len;
}

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    struct http_server *server = container_of(self, struct h2o_handler, super)->server;
    struct http_request *request = create_request(server, req);

    if (req->path.len > HTTP_MAX_TARGET_BYTES)
        refuse(request, 414);
    else if (measure_headers(&req->headers) > HTTP_MAX_HEADER_BYTES)
        refuse(request, 431);
    else
        server->handler->on_request(server->handler, request);
    return 0;
}

struct str http_request_get_method(const struct http_request *request)
{
    return str_of(request->exchange->req->method);
}

struct str http_request_get_path(const struct http_request *request)
{
    struct str path = str_of(request->exchange->req->path);

    path.len = str_find_byte(path, '?');
    return path;
}

struct str http_request_get_query(const struct http_request *request)
{
    struct str rest = str_of(request->exchange->req->path);

    (void)str_cut(&rest, '?');
    return rest;
}

struct str http_request_get_body(const struct http_request *request)
{
    return str_of(request->exchange->req->entity);
}

struct str http_request_get_header(const struct http_request *request, const char *name)
{
    const h2o_headers_t *headers = &request->exchange->req->headers;
    ssize_t at = h2o_find_header_by_str(headers, name, strlen(name), -1);

    return at < 0 ? (struct str){0} : str_of(headers->entries[at].value);
}

struct arena *http_request_get_arena(struct http_request *request)
{
    return request->arena;
}

void http_request_set_gone(struct http_request *request, struct http_gone *gone)
{
    request->gone = gone;
}

/* Connections. */

static void on_accept(h2o_socket_t *listener, const char *error);

static void pause_accepting(struct http_server *server)
{
    server->is_paused = true;
    h2o_socket_read_stop(server->listener);
}

static void resume_accepting(struct http_server *server)
{
    if (!server->is_paused || !server->listener || server->nconnections >= HTTP_MAX_CONNECTIONS)
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

static void on_accept(h2o_socket_t *listener, const char *error)
{
    struct http_server *server = listener->data;

    if (error)
        return;
    for (int i = 0; i < MAX_ACCEPTS_AT_ONCE; i++) {
        if (server->nconnections >= HTTP_MAX_CONNECTIONS) {
            log_warn("too many connections", log_int("connections", server->nconnections));
            pause_accepting(server);
            return;
        }
        errno = 0;
        h2o_socket_t *sock = h2o_evloop_socket_accept(listener);
        if (!sock && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
            /* The connection stays in the queue, so the listener would be ready for ever. */
            log_warn("cannot accept a connection", log_int("errno", errno));
            pause_accepting(server);
            h2o_timeout_link(server->loop, &server->context.hundred_ms_timeout,
                             &server->resume_timer);
        }
        if (!sock)
            return;
        sock->on_close.cb = on_connection_close;
        sock->on_close.data = server;
        server->nconnections++;
        h2o_accept(&server->accept, sock);
    }
}

/* Stopping. */

static struct exchange *find_exchange(struct http_server *server, const h2o_req_t *req)
{
    struct list *link;

    list_for_each (link, &server->exchanges) {
        struct exchange *exchange = container_of(link, struct exchange, place);
        if (exchange->req == req)
            return exchange;
    }
    return NULL;
}

/* A connection from which no byte of a request has come. */
static int cut_if_idle(h2o_req_t *req, void *data)
{
    (void)data;
    if (req->timestamps.request_begin_at.tv_sec == 0)
        cut(req);
    return 0;
}

static int cut_if_not_handled(h2o_req_t *req, void *data)
{
    if (!find_exchange(data, req))
        cut(req);
    return 0;
}

static int cut_any(h2o_req_t *req, void *data)
{
    (void)data;
    cut(req);
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
}

/* Closes what may be closed by now. */
static void hurry(struct http_server *server)
{
    const h2o_protocol_callbacks_t *http1 = &server->config.http1.callbacks;
    int64_t past_ms = clock_get_monotonic_ms() - server->stop_time_ms;

    (void)http1->foreach_request(&server->context, cut_if_idle, server);
    if (past_ms >= STOP_IDLE_MS)
        (void)http1->foreach_request(&server->context, cut_if_not_handled, server);
    if (past_ms >= server->grace_ms)
        (void)http1->foreach_request(&server->context, cut_any, server);
}

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
    struct http_server *server = container_of(receiver, struct http_server, receiver);

    while (!h2o_linklist_is_empty(messages)) {
        h2o_multithread_message_t *message =
            container_of(messages->next, h2o_multithread_message_t, link);
        h2o_linklist_unlink(&message->link);
        if (message == &server->stop_message) {
            HANDOFF_TAKE(server);
            begin_stop(server);
        } else {
            struct http_request *request = container_of(message, struct http_request, message);
            HANDOFF_TAKE(request);
            finish_request(request);
        }
    }
}

static void *run(void *arg)
{
    struct http_server *server = arg;

    while (server->stop_time_ms == 0 || server->nconnections > 0 || server->nrequests > 0) {
        (void)h2o_evloop_run(server->loop, server->stop_time_ms != 0 ? STOP_STEP_MS : INT32_MAX);
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
    config->http1.upgrade_to_http2 = 0; /* HTTP/2 of this library has known holes */
    h2o_hostconf_t *host = h2o_config_register_host(config, h2o_iovec_init("default", 7), 65535);

    /* The fallback takes every path as it is; other places would be found by a normalised one. */
    struct h2o_handler *handler = container_of(
        h2o_create_handler(&host->fallback_path, sizeof(*handler)), struct h2o_handler, super);
    handler->super.on_req = on_req;
    handler->server = server;
    http_refusals_register(&server->refusals, &host->fallback_path);
}

struct status http_server_create(const struct http_server_options *options,
                                 struct http_server **ret)
{
    int fd = -1;
    struct status st = listener_open(options->listen, &fd);

    if (st.code != STATUS_OK)
        return st;

    struct http_server *server = mem_alloc(sizeof(*server));
    server->handler = options->handler;
    server->port = listener_get_port(fd);
    (void)pthread_mutex_init(&server->sending, NULL);
    list_init(&server->exchanges);
    server->loop = h2o_evloop_create();
    configure(server);
    h2o_context_init(&server->context, server->loop, &server->config);
    h2o_multithread_register_receiver(server->context.queue, &server->receiver, on_messages);
    h2o_timeout_init(server->loop, &server->write_timeout, HTTP_WRITE_TIMEOUT_MS);
    http_refusals_init(&server->refusals, server->loop, server->handler);
    server->resume_timer.cb = on_resume_timeout;
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

void http_server_stop(struct http_server *server, unsigned grace_ms)
{
    if (server->is_joined)
        return;
    server->grace_ms = grace_ms;
    HANDOFF_GIVE(server);
    send_message(server, &server->stop_message);
    (void)pthread_join(server->thread, NULL);
    server->is_joined = true;
}

void http_server_destroy(struct http_server *server)
{
    if (!server)
        return;
    http_server_stop(server, 0);
    (void)pthread_mutex_lock(&server->sending); /* the sender of the last reply is done */
    (void)pthread_mutex_unlock(&server->sending);
    (void)pthread_mutex_destroy(&server->sending);
    h2o_timeout_dispose(server->loop, &server->write_timeout);
    http_refusals_deinit(&server->refusals);
    h2o_multithread_unregister_receiver(server->context.queue, &server->receiver);
    h2o_context_dispose(&server->context);
    h2o_evloop_destroy(server->loop);
    h2o_config_dispose(&server->config);
    mem_free(server);
}
