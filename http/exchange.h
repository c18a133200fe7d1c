/*
 * http/exchange.h - requests under way and their replies, as h2o has them. For the HTTP server alone.
 *
 * All functions belong to the server's thread unless they say otherwise.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <pthread.h>
#include <stdbool.h>

#include <h2o.h>

#include "base/list.h"
#include "http/refusal.h"
#include "http/server.h"

/* All exchanges of one server. */
struct http_exchanges {
    struct http_handler *handler;
    h2o_loop_t *loop;
    h2o_timeout_t write_timeout;
    h2o_timeout_t head_timeout; /* of patient streams, as the next */
    h2o_timeout_t idle_timeout;
    struct http_refusals refusals;
    struct list all;
    size_t held_bytes;       /* by all of them */
    unsigned nrequests;      /* of the handler; some of them without a client by now */
    bool is_leaving;         /* replies close their connections */
    bool is_stopping;        /* requests are refused */
    bool is_given_up;        /* handlers were told that their clients are gone */
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

/* The connections of replies from now on are closed. */
void http_exchanges_leave(struct http_exchanges *exchanges);

/* So they are, requests that come are refused, and streams are told. */
void http_exchanges_stop(struct http_exchanges *exchanges);

/* Tells all handlers that have not replied that their clients are gone; the first time only. */
void http_exchanges_give_up(struct http_exchanges *exchanges);

/* Whether the handler has got it. */
bool http_exchanges_has(const struct http_exchanges *exchanges, const h2o_req_t *req);

/* Has the connection fail at its next read or write; h2o then closes it. */
void http_exchange_cut(h2o_req_t *req);

/* A request as h2o has it; it lives in h2o's pool. */
struct exchange {
    h2o_generator_t generator; /* of a stream */
    struct list place;         /* in all exchanges */
    struct http_exchanges *exchanges;
    h2o_req_t *req;
    struct http_request *request; /* NULL: answered */
    size_t held_bytes;            /* the body of the request, and what is being written */
    size_t piece_bytes;           /* of it, the piece of a stream */
    struct http_header
        header;  /* of the reply, whichever it is; its name is NULL if there is none */
    bool is_cut; /* its end is only a matter of the loop's next turn */
    h2o_timeout_entry_t write_timer;
    h2o_timeout_entry_t idle_timer; /* runs while the other side of a patient stream has the turn */
};

/* The same as the handler has it, from on_request to the end of the reply. Each points to the other while both live. */
struct http_request {
    h2o_multithread_message_t message;
    void (*on_message)(struct http_request *request);
    struct http_exchanges *exchanges;
    struct exchange *exchange; /* NULL: the client is gone */
    struct arena *arena;
    struct http_gone *gone;
    struct http_reply reply;
    struct http_outcome outcome; /* so far */
    void *note;                  /* of the handler */
    bool is_handled;             /* the handler has had it */

    struct http_stream *stream; /* set by who streams, for the loop from is_streaming on */
    struct buf piece;           /* with the loop until it is written */
    struct http_reply failure;  /* of a stream */
    bool is_streaming;
    bool has_turn;     /* of a stream: a message is due from who streams */
    bool is_head_sent; /* of a stream */
    bool is_idling;    /* a piece is being written that nobody has sent */
    bool is_put_off;   /* a message that has come since then */
};

/* For stream.c. */

/*
 * Counts bytes that are held until they are released, or the exchange ends. If there are too many, the replies that have
 * been read for longest are cut off.
 */
void http_exchange_hold(struct exchange *exchange, size_t size_bytes);
void http_exchange_release(struct exchange *exchange, size_t size_bytes);

/* Has the connection cut if what is given to h2o next is not written in time. */
void http_exchange_start_write_timer(struct exchange *exchange);

/* Sets status and headers of a reply; body_bytes as for http_head_set. */
void http_exchange_set_head(struct exchange *exchange, const struct http_reply *reply,
                            size_t body_bytes);

/* Sends a whole reply. */
void http_exchange_send_reply(struct exchange *exchange, const struct http_reply *reply);

/* Takes the two apart, since the reply is to end. NULL: the client was gone. */
struct exchange *http_exchange_detach(struct http_request *request);

void http_exchange_destroy_request(struct http_request *request);

/* Tells the handler that the client is gone. */
void http_exchange_tell_gone(struct http_request *request);

/* Has on_message run on the server's thread. One at a time. Any thread. */
void http_exchange_send_message(struct http_request *request,
                                void (*on_message)(struct http_request *request));

#endif
