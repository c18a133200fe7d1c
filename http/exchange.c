/*
 * http/exchange.c - what happens between a request and the end of its reply.
 *
 * h2o's request lives in a pool that may go at any time, so two objects stand for a request: an exchange in the pool,
 * which ends with it, and a struct http_request of our own, which ends with the reply. Each points to the other while
 * both live, and only the loop's thread follows these pointers.
 *
 * A reply from another thread is a message to the loop. The loop may take it up, and end, while the sender still is in
 * the library's function, which looks at the server once more to wake the loop: so who frees the server waits for
 * senders first.
 */
#include "http/exchange.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/cidr.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "http/framing.h"
#include "http/head.h"
#include "http/stream.h"

static struct str str_of(h2o_iovec_t text)
{
    return str_from_bytes(text.base, text.len);
}

void http_exchange_cut(h2o_req_t *req)
{
    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);

    (void)shutdown(h2o_socket_get_fd(sock), SHUT_RDWR);
}

/* Memory. */

/* Replies that are read quickly are over before another one has come. */
static void cut_slow_readers(struct http_exchanges *exchanges, const struct exchange *except)
{
    size_t left_bytes = exchanges->held_bytes;
    struct list *link;

    list_for_each (link, &exchanges->all) {
        struct exchange *exchange = container_of(link, struct exchange, place);
        if (left_bytes <= HTTP_MAX_HELD_BYTES)
            return;
        if (exchange == except || !h2o_timeout_is_linked(&exchange->write_timer))
            continue;
        left_bytes -= exchange->held_bytes;
        if (!exchange->is_cut)
            http_exchange_cut(exchange->req);
        exchange->is_cut = true;
    }
}

void http_exchange_hold(struct exchange *exchange, size_t size_bytes)
{
    exchange->held_bytes += size_bytes;
    exchange->exchanges->held_bytes += size_bytes;
    if (exchange->exchanges->held_bytes > HTTP_MAX_HELD_BYTES)
        cut_slow_readers(exchange->exchanges, exchange);
}

void http_exchange_release(struct exchange *exchange, size_t size_bytes)
{
    exchange->held_bytes -= size_bytes;
    exchange->exchanges->held_bytes -= size_bytes;
}

/* Replies. */

static void on_write_timeout(h2o_timeout_entry_t *entry)
{
    http_exchange_cut(container_of(entry, struct exchange, write_timer)->req);
}

void http_exchange_start_write_timer(struct exchange *exchange)
{
    h2o_timeout_link(exchange->exchanges->loop, &exchange->exchanges->write_timeout,
                     &exchange->write_timer);
}

void http_exchange_set_head(struct exchange *exchange, const struct http_reply *reply,
                            size_t body_bytes)
{
    h2o_req_t *req = exchange->req;

    http_head_set(req, reply->status, reply->content_type, reply->cache_control, body_bytes);
    for (size_t i = 0; i < reply->nheaders; i++)
        http_head_add(req, reply->headers[i].name, reply->headers[i].value);
    if (exchange->header.name)
        http_head_add(req, exchange->header.name, exchange->header.value);
    if (exchange->exchanges->is_leaving)
        req->http1_is_persistent = 0;
}

void http_exchange_send_reply(struct exchange *exchange, const struct http_reply *reply)
{
    struct http_refusals *refusals = &exchange->exchanges->refusals;

    http_exchange_set_head(exchange, reply, reply->body.len);
    http_exchange_hold(exchange, reply->body.len);
    http_exchange_start_write_timer(exchange);
    refusals->is_off = true;
    h2o_send_inline(exchange->req, buf_get_text(&reply->body), reply->body.len);
    refusals->is_off = false;
}

void http_exchange_destroy_request(struct http_request *request)
{
    struct http_handler *handler = request->exchanges->handler;

    request->exchanges->nrequests--;
    if (request->is_handled && handler->on_replied)
        handler->on_replied(handler, request, &request->outcome);
    if (request->stream && request->stream->on_over)
        request->stream->on_over(request->stream);
    buf_deinit(&request->reply.body);
    buf_deinit(&request->failure.body);
    buf_deinit(&request->piece);
    arena_destroy(request->arena);
    mem_free(request);
}

struct exchange *http_exchange_detach(struct http_request *request)
{
    struct exchange *exchange = request->exchange;

    if (exchange) {
        exchange->request = NULL;
        h2o_timeout_unlink(&exchange->idle_timer);
    }
    request->exchange = NULL;
    return exchange;
}

void http_exchange_tell_gone(struct http_request *request)
{
    if (request->gone)
        request->gone->on_gone(request->gone);
}

static void finish_request(struct http_request *request)
{
    struct exchange *exchange = http_exchange_detach(request);

    if (exchange) {
        request->outcome = (struct http_outcome){request->reply.status, request->reply.body.len};
        http_exchange_send_reply(exchange, &request->reply);
    }
    http_exchange_destroy_request(request);
}

void http_exchanges_send(struct http_exchanges *exchanges, h2o_multithread_message_t *message)
{
    (void)pthread_mutex_lock(&exchanges->sending);
    h2o_multithread_send_message(&exchanges->receiver, message);
    (void)pthread_mutex_unlock(&exchanges->sending);
}

void http_exchange_send_message(struct http_request *request,
                                void (*on_message)(struct http_request *request))
{
    request->on_message = on_message;
    HANDOFF_GIVE(request);
    http_exchanges_send(request->exchanges, &request->message);
}

void http_exchanges_take(h2o_multithread_message_t *message)
{
    struct http_request *request = container_of(message, struct http_request, message);

    HANDOFF_TAKE(request);
    if (request->is_idling)
        request->is_put_off = true;
    else
        request->on_message(request);
}

void http_request_reply(struct http_request *request, const struct http_reply *reply)
{
    request->reply = *reply;
    http_exchange_send_message(request, finish_request);
}

/* Requests. */

/* Runs when h2o frees the request's pool: its reply is sent, or its client is gone. */
static void on_exchange_end(void *memory)
{
    struct exchange *exchange = memory;
    struct http_request *request = exchange->request;

    http_exchange_release(exchange, exchange->held_bytes);
    list_remove(&exchange->place);
    h2o_timeout_unlink(&exchange->write_timer);
    h2o_timeout_unlink(&exchange->idle_timer);
    if (!request)
        return;
    request->exchange = NULL;
    http_exchange_tell_gone(request);
    if (request->is_streaming)
        http_stream_on_gone(request);
}

static struct http_request *create_request(struct http_exchanges *exchanges, h2o_req_t *req)
{
    struct exchange *exchange =
        h2o_mem_alloc_shared(&req->pool, sizeof(*exchange), on_exchange_end);
    struct http_request *request = mem_alloc(sizeof(*request));

    memset(exchange, 0, sizeof(*exchange));
    exchange->exchanges = exchanges;
    exchange->req = req;
    exchange->request = request;
    exchange->write_timer.cb = on_write_timeout;
    exchange->idle_timer.cb = http_stream_on_idle_timeout;
    list_add_last(&exchanges->all, &exchange->place);
    request->exchanges = exchanges;
    request->exchange = exchange;
    request->arena = arena_create(HTTP_ARENA_BYTES);
    exchanges->nrequests++;
    http_exchange_hold(exchange, req->entity.len);
    return request;
}

static size_t measure_headers(const h2o_headers_t *headers)
{
    size_t len = 0;

    for (size_t i = 0; i < headers->size; i++)
        len += headers->entries[i].name->len + headers->entries[i].value.len;
    return len;
}

static void refuse(struct http_request *request, int status)
{
    static const struct http_header later = {"Retry-After", "1"};
    struct http_handler *handler = request->exchanges->handler;
    struct http_reply reply = {0};

    reply.status =
        handler->on_refusal(handler, status, http_request_get_path(request), &reply.body);
    if (status == 503) {
        reply.headers = &later;
        reply.nheaders = 1;
    }
    http_request_reply(request, &reply);
}

/* The request as it was sent, which the library keeps until its reply is sent; up to where it has read. */
static struct str get_raw(h2o_req_t *req)
{
    const h2o_buffer_t *input = req->conn->callbacks->get_socket(req->conn)->input;

    return str_from_bytes(input->bytes, input->size);
}

void http_exchanges_start(struct http_exchanges *exchanges, h2o_req_t *req)
{
    if (!http_framing_is_sound(get_raw(req))) {
        /* What comes behind it may be part of it, so the connection is closed, too. */
        h2o_send_error_400(req, "Bad Request", "", H2O_SEND_ERROR_HTTP1_CLOSE_CONNECTION);
        return;
    }
    struct http_request *request = create_request(exchanges, req);

    if (exchanges->is_stopping || exchanges->held_bytes > HTTP_MAX_HELD_BYTES) {
        refuse(request, 503);
    } else if (req->path.len > HTTP_MAX_TARGET_BYTES) {
        refuse(request, 414);
    } else if (measure_headers(&req->headers) > HTTP_MAX_HEADER_BYTES) {
        refuse(request, 431);
    } else {
        request->is_handled = true;
        exchanges->handler->on_request(exchanges->handler, request);
    }
}

struct str http_request_get_method(const struct http_request *request)
{
    return str_of(request->exchange->req->method);
}

/* Path and query. */
static struct str get_target(const struct http_request *request)
{
    return http_framing_get_origin(str_of(request->exchange->req->path));
}

struct str http_request_get_path(const struct http_request *request)
{
    struct str path = get_target(request);

    path.len = str_find_byte(path, '?');
    return path;
}

struct str http_request_get_query(const struct http_request *request)
{
    struct str rest = get_target(request);

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

struct str http_request_get_only_header(const struct http_request *request, const char *name)
{
    const h2o_headers_t *headers = &request->exchange->req->headers;
    ssize_t at = h2o_find_header_by_str(headers, name, strlen(name), -1);
    bool is_only = at >= 0 && h2o_find_header_by_str(headers, name, strlen(name), at) < 0;

    return is_only ? str_of(headers->entries[at].value) : (struct str){0};
}

struct str http_request_get_host(const struct http_request *request)
{
    return str_of(request->exchange->req->input.authority);
}

bool http_request_get_peer(const struct http_request *request, struct cidr_address *ret)
{
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    h2o_conn_t *conn = request->exchange->req->conn;

    (void)conn->callbacks->get_peername(conn, (struct sockaddr *)&peer);
    return cidr_from_socket((const struct sockaddr *)&peer, ret);
}

bool http_request_is_last(const struct http_request *request)
{
    return request->exchanges->is_leaving;
}

void http_request_set_header(struct http_request *request, const struct http_header *header)
{
    h2o_mem_pool_t *pool = &request->exchange->req->pool;

    request->exchange->header = (struct http_header){
        .name = h2o_strdup(pool, header->name, SIZE_MAX).base,
        .value = h2o_strdup(pool, header->value, SIZE_MAX).base,
    };
}

void http_request_set_note(struct http_request *request, void *note)
{
    request->note = note;
}

void *http_request_get_note(const struct http_request *request)
{
    return request->note;
}

struct arena *http_request_get_arena(struct http_request *request)
{
    return request->arena;
}

void http_request_set_gone(struct http_request *request, struct http_gone *gone)
{
    request->gone = gone;
}

/* All of them. */

void http_exchanges_leave(struct http_exchanges *exchanges)
{
    exchanges->is_leaving = true;
}

void http_exchanges_give_up(struct http_exchanges *exchanges)
{
    struct list *link;

    if (exchanges->is_given_up)
        return;
    exchanges->is_given_up = true;
    list_for_each (link, &exchanges->all) {
        struct http_request *request = container_of(link, struct exchange, place)->request;
        if (request)
            http_exchange_tell_gone(request);
    }
}

void http_exchanges_stop(struct http_exchanges *exchanges)
{
    struct list *link;

    http_exchanges_leave(exchanges);
    exchanges->is_stopping = true;
    list_for_each (link, &exchanges->all) {
        struct http_request *request = container_of(link, struct exchange, place)->request;
        if (request && request->is_streaming && request->stream->on_stop)
            request->stream->on_stop(request->stream);
    }
}

bool http_exchanges_has(const struct http_exchanges *exchanges, const h2o_req_t *req)
{
    struct list *link;

    list_for_each (link, &exchanges->all) {
        if (container_of(link, struct exchange, place)->req == req)
            return true;
    }
    return false;
}

void http_exchanges_init(struct http_exchanges *exchanges, h2o_context_t *context,
                         const struct http_server_options *options,
                         h2o_multithread_receiver_cb on_messages)
{
    exchanges->handler = options->handler;
    exchanges->loop = context->loop;
    list_init(&exchanges->all);
    (void)pthread_mutex_init(&exchanges->sending, NULL);
    h2o_multithread_register_receiver(context->queue, &exchanges->receiver, on_messages);
    h2o_timeout_init(context->loop, &exchanges->write_timeout, HTTP_WRITE_TIMEOUT_MS);
    h2o_timeout_init(context->loop, &exchanges->head_timeout,
                     options->head_wait_ms ? options->head_wait_ms : (unsigned)HTTP_HEAD_WAIT_MS);
    h2o_timeout_init(context->loop, &exchanges->idle_timeout,
                     options->idle_ms ? options->idle_ms : (unsigned)HTTP_IDLE_MS);
    http_refusals_init(&exchanges->refusals, context->loop, options->handler);
}

void http_exchanges_deinit(struct http_exchanges *exchanges, h2o_context_t *context)
{
    (void)pthread_mutex_lock(&exchanges->sending); /* the sender of the last reply is done */
    (void)pthread_mutex_unlock(&exchanges->sending);
    (void)pthread_mutex_destroy(&exchanges->sending);
    h2o_timeout_dispose(exchanges->loop, &exchanges->write_timeout);
    h2o_timeout_dispose(exchanges->loop, &exchanges->head_timeout);
    h2o_timeout_dispose(exchanges->loop, &exchanges->idle_timeout);
    http_refusals_deinit(&exchanges->refusals);
    h2o_multithread_unregister_receiver(context->queue, &exchanges->receiver);
}
