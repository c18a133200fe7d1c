/*
 * http/stream.c - replies in pieces.
 *
 * A stream has one message under way at most, since it sends only when it has the turn. h2o calls on_proceed when
 * what it was given is written, and never afterwards for the last part. It takes a part without bytes that is not the
 * first for the end, so such a part is never given to it.
 *
 * What a patient stream is sent by the by goes out while somebody else has the turn. So a message that comes before
 * that is written is put off until then.
 */
#include "http/stream.h"

#include <assert.h>
#include <string.h>
#include <sys/socket.h>

#include "base/compiler.h"
#include "http/exchange.h"

enum { HTTP_1_1 = 0x101 }; /* as h2o writes versions */

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

void http_stream_on_gone(struct http_request *request)
{
    if (request->is_idling) {
        end_idling(request);
    } else if (!request->has_turn) {
        buf_deinit(&request->piece);
        give_turn(request);
    }
}

static void on_proceed(h2o_generator_t *generator, h2o_req_t *req)
{
    struct exchange *exchange = container_of(generator, struct exchange, generator);
    struct http_request *request = exchange->request;

    (void)req;
    h2o_timeout_unlink(&exchange->write_timer);
    http_exchange_release(exchange, exchange->piece_bytes);
    exchange->piece_bytes = 0;
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

    http_exchange_set_head(exchange, &request->reply, SIZE_MAX);
    if (exchange->req->version < HTTP_1_1)
        exchange->req->http1_is_persistent = 0;
    exchange->generator.proceed = on_proceed;
    refusals->is_off = true;
    h2o_start_response(exchange->req, &exchange->generator);
    refusals->is_off = false;
    request->is_head_sent = true;
    request->outcome.status = request->reply.status;
}

/* Nobody reads the body of a reply to HEAD, so there is none. */
static bool leave_body_out(struct exchange *exchange)
{
    struct http_request *request = exchange->request;

    if (!str_is(http_request_get_method(request), "HEAD"))
        return false;
    (void)http_exchange_detach(request);
    http_exchange_start_write_timer(exchange);
    h2o_send(exchange->req, NULL, 0, H2O_SEND_STATE_FINAL);
    http_exchange_tell_gone(request);
    return true;
}

static void send_bytes(struct exchange *exchange, struct str bytes)
{
    h2o_iovec_t piece = h2o_iovec_init(bytes.data, bytes.len);

    exchange->piece_bytes = bytes.len;
    exchange->request->outcome.body_bytes += bytes.len;
    http_exchange_hold(exchange, bytes.len);
    http_exchange_start_write_timer(exchange);
    h2o_send(exchange->req, &piece, bytes.len > 0 ? 1 : 0, H2O_SEND_STATE_IN_PROGRESS);
}

void http_stream_on_idle_timeout(h2o_timeout_entry_t *entry)
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
    (void)http_exchange_detach(request);
    if (exchange) {
        h2o_iovec_t piece = h2o_strdup(&exchange->req->pool, last.data, last.len);
        if (exchange->exchanges->is_stopping)
            exchange->req->http1_is_persistent = 0;
        http_exchange_start_write_timer(exchange);
        request->outcome.body_bytes += last.len;
        h2o_send(exchange->req, &piece, last.len > 0 ? 1 : 0, H2O_SEND_STATE_FINAL);
    }
    http_exchange_destroy_request(request);
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
    (void)http_exchange_detach(request);
    request->outcome = (struct http_outcome){request->failure.status, request->failure.body.len};
    http_exchange_send_reply(exchange, &request->failure);
    http_exchange_destroy_request(request);
}

/* Where the end of the body is the end of the connection, only a reset tells that something is missing. */
static void abort_stream(struct http_request *request)
{
    const struct linger reset = {.l_onoff = 1};
    struct exchange *exchange = http_exchange_detach(request);

    if (exchange) {
        h2o_req_t *req = exchange->req;
        h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);
        if (req->version < HTTP_1_1)
            (void)setsockopt(h2o_socket_get_fd(sock), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        req->http1_is_persistent = 0;
        http_exchange_start_write_timer(exchange);
        h2o_send(req, NULL, 0, H2O_SEND_STATE_ERROR);
    }
    http_exchange_destroy_request(request);
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
    http_exchange_send_message(request, start_stream);
}

void http_stream_send(struct http_stream *stream, struct buf *piece)
{
    stream->request->piece = *piece;
    *piece = (struct buf){0};
    http_exchange_send_message(stream->request, send_piece);
}

void http_stream_end(struct http_stream *stream)
{
    http_exchange_send_message(stream->request, end_stream);
}

void http_stream_fail(struct http_stream *stream, const struct http_reply *reply, struct buf *last)
{
    stream->request->failure = *reply;
    stream->request->piece = *last;
    *last = (struct buf){0};
    http_exchange_send_message(stream->request, fail_stream);
}

void http_stream_abort(struct http_stream *stream)
{
    assert(!stream->idle_piece);
    http_exchange_send_message(stream->request, abort_stream);
}
