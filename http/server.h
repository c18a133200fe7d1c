/*
 * http/server.h - an HTTP/1.1 server (RFC 9112) on one thread.
 *
 * A request comes to the handler on the server's thread, with its body complete. The handler takes what it needs before
 * it returns; the reply comes later, from any thread. Only this room knows the HTTP library, and what depends on its
 * behaviour is said here.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "base/tls.h"

struct arena;
struct cidr_address;
struct cidr_list;
struct http_request;
struct http_server;
struct pulse;

enum {
    HTTP_MAX_BODY_BYTES = 1 << 20,    /* more: 413 */
    HTTP_MAX_TARGET_BYTES = 8 * 1024, /* of path and query; more: 414 */
    HTTP_MAX_HEADER_BYTES =
        32 * 1024, /* of all headers; more: 431. Over 100 of them: 400, without a body of ours */
    HTTP_MAX_CONNECTIONS =
        16384, /* or what descriptors allow; more replace those that wait longest */
    HTTP_MAX_RECEIVED_BYTES =
        128 << 20, /* of requests that are still coming in; more: the largest are refused by 503 */
    HTTP_MAX_HELD_BYTES = 256 << 20, /* of bodies of requests and replies under way; more: 503 for
                                        new requests, and who reads slowly is cut off */
    HTTP_ARENA_BYTES = 8 << 20,      /* what a request may take while it is read */
    HTTP_READ_TIMEOUT_MS =
        10000, /* for a handshake, for a whole request, and for an idle connection: it is closed */
    HTTP_WRITE_TIMEOUT_MS =
        30000, /* for a whole reply, or a piece of a stream: the connection is closed */
    HTTP_HEAD_WAIT_MS = 1000, /* how long the head of a patient stream is held back */
    HTTP_IDLE_MS = 15000,     /* after which the client of a patient stream is sent something */
};

struct http_header {
    const char *name; /* as it is sent: "Retry-After" */
    const char *value;
};

struct http_reply {
    int status;
    const char *content_type;  /* NULL: JSON */
    const char *cache_control; /* NULL: no-store */
    struct buf body;           /* the reply takes ownership */
    const struct http_header
        *headers; /* besides Content-Type; in the request's arena, or literals */
    size_t nheaders;
};

/* How a request has ended. */
struct http_outcome {
    int status;        /* of the reply; 0: the client was gone before there was one */
    size_t body_bytes; /* of the reply, as they were given to be sent */
};

/* Embedded in what handles the requests. */
struct http_handler {
    /* Runs on the server's thread and must not block. Sooner or later http_request_reply answers the request. */
    void (*on_request)(struct http_handler *handler, struct http_request *request);
    /*
     * Runs on the server's thread for what the server refuses by itself: appends the body to send to *ret and returns
     * the status to send it with. target may be empty.
     */
    int (*on_refusal)(struct http_handler *handler, int status, struct str target, struct buf *ret);
    /*
     * Runs on the server's thread, once for each request that on_request has had, when its reply is on its way or its
     * client is gone; what is in the arena is still there. May be NULL.
     */
    void (*on_replied)(struct http_handler *handler, struct http_request *request,
                       const struct http_outcome *outcome);
};

struct http_server_options {
    const char *listen; /* as for listener_open */
    /* Copied; connections from elsewhere are closed unread. NULL or empty: all may come. */
    const struct cidr_list *allowed;
    struct tls_paths tls; /* borrowed until http_server_destroy; no certificate: without TLS */
    struct http_handler *handler; /* borrowed until http_server_destroy */
    unsigned max_connections;     /* 0: HTTP_MAX_CONNECTIONS */
    unsigned head_wait_ms;        /* 0: HTTP_HEAD_WAIT_MS */
    unsigned idle_ms;             /* 0: HTTP_IDLE_MS */
};

/* Listens and serves. Errors are those of listener_open, of tls_files_open, or of starting a thread. */
struct status http_server_create(const struct http_server_options *options,
                                 struct http_server **ret) MUST_CHECK;

int http_server_get_port(const struct http_server *server);

/* Beats at each turn of the server's thread. Borrowed until http_server_destroy. */
struct pulse *http_server_get_pulse(struct http_server *server);

/*
 * From here on each reply closes its connection, and http_request_is_last is true; all else is as before. Whoever spreads
 * requests over servers may use the time until http_server_stop to leave this one out.
 */
void http_server_announce_stop(struct http_server *server);

/*
 * Accepts no more, refuses new requests by 503, lets those under way finish, closes connections that are idle, and ends.
 * After grace_ms handlers that have not replied yet are told that their clients are gone, and connections are cut. Blocks.
 */
void http_server_stop(struct http_server *server, unsigned grace_ms);

/* Stops if that was not done, and frees. NULL is allowed. */
void http_server_destroy(struct http_server *server);

/* What is asked for. For on_request only: the texts are borrowed until it returns. */
struct str http_request_get_method(const struct http_request *request);
struct str http_request_get_path(const struct http_request *request);  /* raw, before '?' */
struct str http_request_get_query(const struct http_request *request); /* raw, behind '?' */
struct str http_request_get_body(const struct http_request *request);
/* The other end of the connection, whatever headers say; false if it has no address. */
bool http_request_get_peer(const struct http_request *request, struct cidr_address *ret);
/* The first header of that name, which is in lower case; {NULL, 0} if there is none. */
struct str http_request_get_header(const struct http_request *request, const char *name);
/* The same, but {NULL, 0} also if there are several. */
struct str http_request_get_only_header(const struct http_request *request, const char *name);

/*
 * Host and port that it is for: those of the header Host, or of the whole URL where that is asked for. With HTTP/1.0 it need
 * not say so.
 */
struct str http_request_get_host(const struct http_request *request);

/* Whether its reply closes the connection because the server is about to stop. For on_request only. */
bool http_request_is_last(const struct http_request *request);

/* Has the reply carry a header of that name besides its own, whichever reply it will be; texts are copied. Once. For on_request. */
void http_request_set_header(struct http_request *request, const struct http_header *header);

/* What the handler keeps of a request; NULL at first. */
void http_request_set_note(struct http_request *request, void *note);
void *http_request_get_note(const struct http_request *request);

/* Memory that lives until http_request_reply. */
struct arena *http_request_get_arena(struct http_request *request);

/*
 * Has on_gone run on the server's thread if the client goes away before the reply; the reply is still due. What waits
 * is in the request's arena. The library notices a client that goes only while it reads or writes, so on HTTP/1.1
 * it is rarely told: who waits has a deadline, too.
 */
struct http_gone {
    void (*on_gone)(struct http_gone *gone);
};
void http_request_set_gone(struct http_request *request, struct http_gone *gone);

/* Answers the request, once; it must not be touched afterwards, nor what is in its arena. Any thread. */
void http_request_reply(struct http_request *request, const struct http_reply *reply);

/*
 * A reply whose body comes in pieces: chunked for HTTP/1.1, up to the end of the connection for HTTP/1.0. Embedded in
 * what has the pieces.
 *
 * It goes by turns: on_ready gives the turn, and one call of http_stream_send, _end or _abort takes it, then or later,
 * on any thread. So never more than one piece waits for a client that reads slowly. Turns go on when the client has
 * gone, and pieces are dropped then, until the stream is ended; http_gone tells it, before the next on_ready. A reply
 * to HEAD has no body: the client is as good as gone.
 */
struct http_stream {
    /* Runs on the server's thread and must not block. */
    void (*on_ready)(struct http_stream *stream);
    /*
     * Runs on the server's thread, once, when the server stops. A stream without an end of its own ends at its
     * next turn; others may go on, and are cut off after grace_ms. May be NULL.
     */
    void (*on_stop)(struct http_stream *stream);
    /* Runs on the server's thread, last of all, before the arena goes. May be NULL. */
    void (*on_over)(struct http_stream *stream);
    /*
     * Makes a patient stream, whose pieces may be long in coming: whenever the turn was not taken for HTTP_IDLE_MS, this
     * text is sent by the by, so that the client, or the lack of it, shows. The head is held back until the first piece
     * or for HTTP_HEAD_WAIT_MS, so that a failure may still be a reply of its own. NULL: the stream is none.
     */
    const char *idle_piece;

    struct http_request *request; /* of exchange.c */
};

/*
 * Answers the request by a stream, in the place of http_request_reply. Of head, the status is 200 and the body is
 * none; on_ready follows. stream may be in the request's arena. Any thread.
 */
void http_request_stream(struct http_request *request, const struct http_reply *head,
                         struct http_stream *stream);

/* Sends a piece, taking its content; an empty one only asks for the next turn. */
void http_stream_send(struct http_stream *stream, struct buf *piece);

/* Ends the body. Neither the stream nor the request may be touched afterwards, nor what is in the arena. */
void http_stream_end(struct http_stream *stream);

/*
 * Ends a patient stream that has failed: by reply if the head was not sent, which is as if there had been no stream,
 * else by last as its last piece. Takes the content of both.
 */
void http_stream_fail(struct http_stream *stream, const struct http_reply *reply, struct buf *last);

/*
 * As http_stream_end, so that the client sees that something is missing: a broken chunk, or a reset of the connection.
 * Not for patient streams.
 */
void http_stream_abort(struct http_stream *stream);

#endif
