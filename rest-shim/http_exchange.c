/*
 * rest-shim/http_exchange.c - what happens between a request and the end of its reply.
 *
 * h2o's request lives in a pool that may go at any time, so two objects stand for a request: an exchange in the pool,
 * which ends with it, and a struct http_request of our own, which ends with the reply. Each points to the other while
 * both live, and only the loop's thread follows these pointers.
 *
 * A reply from another thread is a message to the loop. The loop may take it up, and end, while the sender still is in
 * the library's function, which looks at the server once more to wake the loop: so who frees the server waits for
 * senders first.
 *
 * A stream has one message under way at most, since it sends only when it has the turn. h2o calls on_proceed when
 * what it was given is written, and never afterwards for the last part. It takes a part without bytes that is not the
 * first for the end, so such a part is never given to it.
 *
 * What a patient stream is sent by the by goes out while somebody else has the turn. So a message that comes before
 * that is written is put off until then.
 */
#include "rest-shim/http_exchange.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "rest-shim/http_framing.h"
#include "rest-shim/http_head.h"
#include "rest-shim/http_server.h"

enum { HTTP_1_1 = 0x101 }; /* as h2o writes versions */

struct exchange {
    h2o_generator_t generator; /* of a stream */
    struct list place;         /* in all exchanges */
    struct http_exchanges *exchanges;
    h2o_req_t *req;
    struct http_request *request; /* NULL: answered */
    h2o_timeout_entry_t write_timer;
    h2o_timeout_entry_t idle_timer; /* runs while the other side of a patient stream has the turn */
};

struct http_request {
    h2o_multithread_message_t message;
    void (*on_message)(struct http_request *request);
    struct http_exchanges *exchanges;
    struct exchange *exchange; /* NULL: the client is gone */
    struct arena *arena;
    struct http_gone *gone;
    struct http_reply reply;

    struct http_stream *stream; /* set by who streams, for the loop from is_streaming on */
    struct buf piece;           /* with the loop until it is written */
    struct http_reply failure;  /* of a stream */
    bool is_streaming;
    bool has_turn;     /* of a stream: a message is due from who streams */
    bool is_head_sent; /* of a stream */
    bool is_idling;    /* a piece is being written that nobody has sent */
    bool is_put_off;   /* a message that has come since then */
};

static struct str str_of(h2o_iovec_t text)
{
    return str_from_bytes(text.base, text.len);
}

void http_exchange_cut(h2o_req_t *req)
{
    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);

    (void)shutdown(h2o_socket_get_fd(sock), SHUT_RDWR);
}

/* Replies. */

static void on_write_timeout(h2o_timeout_entry_t *entry)
{
    http_exchange_cut(container_of(entry, struct exchange, write_timer)->req);
}

static void start_write_timer(struct exchange *exchange)
{
    h2o_timeout_link(exchange->exchanges->loop, &exchange->exchanges->write_timeout,
                     &exchange->write_timer);
}

static void set_head(struct exchange *exchange, const struct http_reply *reply, size_t body_bytes)
{
    h2o_req_t *req = exchange->req;

    http_head_set(req, reply->status, reply->content_type, reply->cache_control, body_bytes);
    for (size_t i = 0; i < reply->nheaders; i++)
        http_head_add(req, reply->headers[i].name, reply->headers[i].value);
    if (exchange->exchanges->is_stopping)
        req->http1_is_persistent = 0;
}

static void send_reply(struct exchange *exchange, const struct http_reply *reply)
{
    struct http_refusals *refusals = &exchange->exchanges->refusals;

    set_head(exchange, reply, reply->body.len);
    start_write_timer(exchange);
    refusals->is_off = true;
    h2o_send_inline(exchange->req, buf_get_text(&reply->body), reply->body.len);
    refusals->is_off = false;
}

static void destroy_request(struct http_request *request)
{
    request->exchanges->nrequests--;
    if (request->stream && request->stream->on_over)
        request->stream->on_over(request->stream);
    buf_deinit(&request->reply.body);
    buf_deinit(&request->failure.body);
    buf_deinit(&request->piece);
    arena_destroy(request->arena);
    mem_free(request);
}

/* Takes the two apart. NULL: the client was gone. */
static struct exchange *detach(struct http_request *request)
{
    struct exchange *exchange = request->exchange;

    if (exchange) {
        exchange->request = NULL;
        h2o_timeout_unlink(&exchange->idle_timer);
    }
    request->exchange = NULL;
    return exchange;
}

static void finish_request(struct http_request *request)
{
    struct exchange *exchange = detach(request);

    if (exchange)
        send_reply(exchange, &request->reply);
    destroy_request(request);
}

void http_exchanges_send(struct http_exchanges *exchanges, h2o_multithread_message_t *message)
{
    (void)pthread_mutex_lock(&exchanges->sending);
    h2o_multithread_send_message(&exchanges->receiver, message);
    (void)pthread_mutex_unlock(&exchanges->sending);
}

static void send_message(struct http_request *request,
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
    send_message(request, finish_request);
}

/* Streams. */

static void start_idle_timer(struct http_request *request)
{
    struct http_exchanges *exchanges = request->exchanges;

    if (request->exchange && request->stream->idle_piece)
        h2o_timeout_link(exchanges->loop,
                         request->is_head_sent ? &exchanges->idle_timeout
                                               : &exchanges->head_timeout,
                         &request->exchange->idle_timer);
}

static void give_turn(struct http_request *request)
{
    request->has_turn = true;
    start_idle_timer(request);
    request->stream->on_ready(request->stream);
}

static void tell_gone(struct http_request *request)
{
    if (request->gone)
        request->gone->on_gone(request->gone);
}

/* What was sent by the by is written, or its client is gone. */
static void end_idling(struct http_request *request)
{
    bool is_put_off = request->is_put_off;

    request->is_idling = false;
    request->is_put_off = false;
    if (is_put_off)
        request->on_message(request);
    else
        start_idle_timer(request);
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    struct exchange *exchange = container_of(generator, struct exchange, generator);
    struct http_request *request = exchange->request;

    (void)req;
    h2o_timeout_unlink(&exchange->write_timer);
    if (request->is_idling) {
        end_idling(request);
        return;
    }
    buf_deinit(&request->piece);
    give_turn(request);
}

static void send_head(struct exchange *exchange)
{
    struct http_request *request = exchange->request;
    struct http_refusals *refusals = &exchange->exchanges->refusals;

    set_head(exchange, &request->reply, SIZE_MAX);
    if (exchange->req->version < HTTP_1_1)
        exchange->req->http1_is_persistent = 0;
    exchange->generator.proceed = on_proceed;
    refusals->is_off = true;
    h2o_start_response(exchange->req, &exchange->generator);
    refusals->is_off = false;
    request->is_head_sent = true;
}

/* Nobody reads the body of a reply to HEAD, so there is none. */
static bool leave_body_out(struct exchange *exchange)
{
    struct http_request *request = exchange->request;

    if (!str_is(str_of(exchange->req->method), "HEAD"))
        return false;
    (void)detach(request);
    start_write_timer(exchange);
    h2o_send(exchange->req, NULL, 0, H2O_SEND_STATE_FINAL);
    tell_gone(request);
    return true;
}

static void send_bytes(struct exchange *exchange, struct str bytes)
{
    h2o_iovec_t piece = h2o_iovec_init(bytes.data, bytes.len);

    start_write_timer(exchange);
    h2o_send(exchange->req, &piece, bytes.len > 0 ? 1 : 0, H2O_SEND_STATE_IN_PROGRESS);
}

static void on_idle_timeout(h2o_timeout_entry_t *entry)
{
    struct exchange *exchange = container_of(entry, struct exchange, idle_timer);
    struct http_request *request = exchange->request;

    if (!request->is_head_sent) {
        send_head(exchange);
        if (leave_body_out(exchange))
            return;
    }
    request->is_idling = true;
    send_bytes(exchange, str_from(request->stream->idle_piece));
}

static void send_piece(struct http_request *request)
{
    struct exchange *exchange = request->exchange;

    if (exchange)
        h2o_timeout_unlink(&exchange->idle_timer);
    if (exchange && request->piece.len > 0 && !request->is_head_sent) {
        send_head(exchange);
        if (leave_body_out(exchange))
            exchange = NULL;
    }
    if (!exchange || request->piece.len == 0) {
        buf_deinit(&request->piece);
        give_turn(request);
        return;
    }
    request->has_turn = false;
    send_bytes(exchange, buf_get(&request->piece));
}

static void finish_stream(struct http_request *request, struct str last)
{
    struct exchange *exchange = request->exchange;

    if (exchange && !request->is_head_sent)
        send_head(exchange);
    (void)detach(request);
    if (exchange) {
        h2o_iovec_t piece = h2o_strdup(&exchange->req->pool, last.data, last.len);
        if (exchange->exchanges->is_stopping)
            exchange->req->http1_is_persistent = 0;
        start_write_timer(exchange);
        h2o_send(exchange->req, &piece, last.len > 0 ? 1 : 0, H2O_SEND_STATE_FINAL);
    }
    destroy_request(request);
}

static void end_stream(struct http_request *request)
{
    finish_stream(request, (struct str){0});
}

static void fail_stream(struct http_request *request)
{
    struct exchange *exchange = request->exchange;

    if (!exchange || request->is_head_sent) {
        finish_stream(request, buf_get(&request->piece));
        return;
    }
    (void)detach(request);
    send_reply(exchange, &request->failure);
    destroy_request(request);
}

/* Where the end of the body is the end of the connection, only a reset tells that something is missing. */
static void abort_stream(struct http_request *request)
{
    const struct linger reset = {.l_onoff = 1};
    struct exchange *exchange = detach(request);

    if (exchange) {
        h2o_req_t *req = exchange->req;
        h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);
        if (req->version < HTTP_1_1)
            (void)setsockopt(h2o_socket_get_fd(sock), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        req->http1_is_persistent = 0;
        start_write_timer(exchange);
        h2o_send(req, NULL, 0, H2O_SEND_STATE_ERROR);
    }
    destroy_request(request);
}

static void start_stream(struct http_request *request)
{
    struct exchange *exchange = request->exchange;

    request->is_streaming = true;
    if (request->exchanges->is_stopping && request->stream->on_stop)
        request->stream->on_stop(request->stream);
    if (!exchange || request->stream->idle_piece) {
        give_turn(request);
        return;
    }
    send_head(exchange);
    if (leave_body_out(exchange))
        give_turn(request);
    else
        send_bytes(exchange, (struct str){0});
}

void http_request_stream(struct http_request *request, const struct http_reply *head,
                         struct http_stream *stream)
{
    request->reply = *head;
    request->reply.status = 200;
    request->stream = stream;
    stream->request = request;
    send_message(request, start_stream);
}

void http_stream_send(struct http_stream *stream, struct buf *piece)
{
    stream->request->piece = *piece;
    *piece = (struct buf){0};
    send_message(stream->request, send_piece);
}

void http_stream_end(struct http_stream *stream)
{
    send_message(stream->request, end_stream);
}

void http_stream_fail(struct http_stream *stream, const struct http_reply *reply, struct buf *last)
{
    stream->request->failure = *reply;
    stream->request->piece = *last;
    *last = (struct buf){0};
    send_message(stream->request, fail_stream);
}

void http_stream_abort(struct http_stream *stream)
{
    assert(!stream->idle_piece);
    send_message(stream->request, abort_stream);
}

/* Requests. */

/* Runs when h2o frees the request's pool: its reply is sent, or its client is gone. */
static void on_exchange_end(void *memory)
{
    struct exchange *exchange = memory;
    struct http_request *request = exchange->request;

    list_remove(&exchange->place);
    h2o_timeout_unlink(&exchange->write_timer);
    h2o_timeout_unlink(&exchange->idle_timer);
    if (!request)
        return;
    request->exchange = NULL;
    tell_gone(request);
    if (request->is_idling) {
        end_idling(request);
    } else if (request->is_streaming && !request->has_turn) {
        buf_deinit(&request->piece);
        give_turn(request);
    }
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
    exchange->idle_timer.cb = on_idle_timeout;
    list_add_last(&exchanges->all, &exchange->place);
    request->exchanges = exchanges;
    request->exchange = exchange;
    request->arena = arena_create(HTTP_ARENA_BYTES);
    exchanges->nrequests++;
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
    struct http_handler *handler = request->exchanges->handler;
    struct http_reply reply = {0};

    reply.status =
        handler->on_refusal(handler, status, http_request_get_path(request), &reply.body);
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

    if (req->path.len > HTTP_MAX_TARGET_BYTES)
        refuse(request, 414);
    else if (measure_headers(&req->headers) > HTTP_MAX_HEADER_BYTES)
        refuse(request, 431);
    else
        exchanges->handler->on_request(exchanges->handler, request);
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

struct arena *http_request_get_arena(struct http_request *request)
{
    return request->arena;
}

void http_request_set_gone(struct http_request *request, struct http_gone *gone)
{
    request->gone = gone;
}

/* All of them. */

void http_exchanges_stop(struct http_exchanges *exchanges)
{
    struct list *link;

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
