/*
 * tests/unit/http/stream_fixture.h - a server whose replies are streams, and clients of it at real sockets.
 */
#ifndef TESTS_UNIT_HTTP_STREAM_FIXTURE_H
#define TESTS_UNIT_HTTP_STREAM_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/buf.h"
#include "http/server.h"

enum { STREAM_ENDLESS = -1, STREAM_WAIT_MS = 20000 };

enum stream_last { STREAM_LAST_END, STREAM_LAST_ABORT, STREAM_LAST_FAIL };

/* A server whose every reply is the same stream; its pieces come from a thread of the test's. */
struct stream_fixture {
    struct http_handler handler;
    struct http_server *server;
    struct http_stream stream;
    struct http_gone gone;
    pthread_t source;

    int npieces; /* STREAM_ENDLESS: until the client is gone or the server stops */
    const char *piece;
    enum stream_last last;
    bool ends_at_stop;
    const char *idle_piece;
    unsigned head_wait_ms;
    unsigned idle_ms;
    bool stalls; /* before the piece of that number the source waits for go_on */
    int stalls_after;
    bool may_go_on;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_turn;
    bool is_closing;
    bool has_stopped; /* on_stop has run */
    atomic_bool is_gone;
    atomic_bool must_end;
    atomic_long nturns;
    int nsent;
    int nended;
    atomic_int nover;
};

/* The first group of fields is set already. */
void stream_fixture_open(struct stream_fixture *f);
void stream_fixture_close(struct stream_fixture *f);

/* Lets a source that stalls go on. */
void stream_fixture_go_on(struct stream_fixture *f);

/* Waits for the number of streams that have ended. */
void stream_fixture_wait_for_ends(struct stream_fixture *f, int nended);

/* Connects and sends a request. */
int stream_client_open(const struct stream_fixture *f, const char *request);

/* Reads until the end of the connection or, if that is not NULL, until what has come ends so. Returns errno, or 0. */
int stream_client_read_until(int fd, const char *end, struct buf *ret);

bool stream_client_has_end(const struct buf *text, const char *end);

/* What is behind the head. */
const char *stream_client_get_body(const struct buf *reply);

#endif
