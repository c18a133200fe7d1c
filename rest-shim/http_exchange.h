/*
 * rest-shim/http_exchange.h - requests under way and their replies, as h2o has them. For the HTTP server alone.
 *
 * All functions belong to the server's thread unless they say otherwise.
 */
#ifndef REST_SHIM_HTTP_EXCHANGE_H
#define REST_SHIM_HTTP_EXCHANGE_H

#include <pthread.h>
#include <stdbool.h>

#include <h2o.h>

#include "base/list.h"
#include "rest-shim/http_refusal.h"

struct http_handler;
struct http_server_options;

/* All exchanges of one server. */
struct http_exchanges {
    struct http_handler *handler;
    h2o_loop_t *loop;
    h2o_timeout_t write_timeout;
    h2o_timeout_t head_timeout; /* of patient streams, as the next */
    h2o_timeout_t idle_timeout;
    struct http_refusals refusals;
    struct list all;
    unsigned nrequests; /* of the handler; some of them without a client by now */
    bool is_stopping;
    pthread_mutex_t sending; /* held while a message is sent to the loop */
    h2o_multithread_receiver_t receiver;
};

/* Messages come to on_messages, which gives those that are not its own to http_exchanges_take. */
void http_exchanges_init(struct http_exchanges *exchanges, h2o_context_t *context,
                         const struct http_server_options *options,
                         h2o_multithread_receiver_cb on_messages);

/* Waits for senders. The loop must have ended. */
void http_exchanges_deinit(struct http_exchanges *exchanges, h2o_context_t *context);

/* Gives a request of h2o's to the handler, or refuses it. */
void http_exchanges_start(struct http_exchanges *exchanges, h2o_req_t *req);

/* Sends a message to the loop. Any thread. */
void http_exchanges_send(struct http_exchanges *exchanges, h2o_multithread_message_t *message);

/* Does what a message of http_request_reply or of a stream is about. */
void http_exchanges_take(h2o_multithread_message_t *message);

/* The connections of replies from now on are closed, and streams are told. */
void http_exchanges_stop(struct http_exchanges *exchanges);

/* Whether the handler has got it. */
bool http_exchanges_has(const struct http_exchanges *exchanges, const h2o_req_t *req);

/* Has the connection fail at its next read or write; h2o then closes it. */
void http_exchange_cut(h2o_req_t *req);

#endif
