/*
 * tests/unit/rest-shim/test_http_stream.c - replies in pieces, over real sockets.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/thread.h"
#include "rest-shim/http_server.h"
#include "tests/harness/test.h"

enum {
    ENDLESS = -1,
    LARGE_BYTES = 64 * 1024,
    BUFFERS_BYTES = 32 << 20, /* what two sockets may hold between them, and more */
    WAIT_MS = 20000,
};

enum last { LAST_END, LAST_ABORT, LAST_FAIL };

/* A server whose every reply is the same stream; its pieces come from a thread of the test's. */
struct fixture {
    struct http_handler handler;
    struct http_server *server;
    struct http_stream stream;
    struct http_gone gone;
    pthread_t source;

    int npieces; /* ENDLESS: until the client is gone or the server stops */
    const char *piece;
    enum last last;
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

static void on_ready(struct http_stream *stream)
{
    struct fixture *f = container_of(stream, struct fixture, stream);

    (void)pthread_mutex_lock(&f->lock);
    f->has_turn = true;
    atomic_fetch_add(&f->nturns, 1);
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
}

static void on_stop(struct http_stream *stream)
{
    struct fixture *f = container_of(stream, struct fixture, stream);

    f->has_stopped = true;
    if (f->ends_at_stop)
        atomic_store(&f->must_end, true);
}

static void on_gone(struct http_gone *gone)
{
    struct fixture *f = container_of(gone, struct fixture, gone);

    atomic_store(&f->is_gone, true);
    atomic_store(&f->must_end, true);
}

static void on_over(struct http_stream *stream)
{
    atomic_fetch_add(&container_of(stream, struct fixture, stream)->nover, 1);
}

static void end(struct fixture *f)
{
    struct http_reply reply = {.status = 409};
    struct buf piece = {0};

    f->nsent = 0;
    f->nended++;
    if (f->last == LAST_FAIL) {
        buf_append_text(&reply.body, "failed");
        buf_append_text(&piece, "last");
        http_stream_fail(&f->stream, &reply, &piece);
    } else if (f->last == LAST_ABORT) {
        http_stream_abort(&f->stream);
    } else {
        http_stream_end(&f->stream);
    }
}

static void take_turn(struct fixture *f)
{
    struct buf piece = {0};

    if (!atomic_load(&f->must_end) && (f->npieces == ENDLESS || f->nsent < f->npieces)) {
        f->nsent++;
        buf_append_text(&piece, f->piece);
        http_stream_send(&f->stream, &piece);
        return;
    }
    end(f);
}

/* A source that has nothing to send for the time being. */
static bool is_stalling(const struct fixture *f)
{
    return f->stalls && f->nsent == f->stalls_after && !f->may_go_on;
}

static void *run_source(void *arg)
{
    struct fixture *f = arg;

    (void)pthread_mutex_lock(&f->lock);
    while (!f->is_closing) {
        if (f->has_turn && !is_stalling(f)) {
            f->has_turn = false;
            take_turn(f);
            (void)pthread_cond_broadcast(&f->changed);
        } else {
            (void)pthread_cond_wait(&f->changed, &f->lock);
        }
    }
    (void)pthread_mutex_unlock(&f->lock);
    return NULL;
}

static void on_request(struct http_handler *handler, struct http_request *request)
{
    static const struct http_header headers[] = {{"X-Kind", "stream"}};
    struct fixture *f = container_of(handler, struct fixture, handler);

    atomic_store(&f->must_end, false);
    http_request_set_gone(request, &f->gone);
    http_request_stream(
        request,
        &(struct http_reply){.content_type = "text/plain", .headers = headers, .nheaders = 1},
        &f->stream);
}

static int on_refusal(struct http_handler *handler, int status, struct str target, struct buf *ret)
{
    (void)handler;
    (void)target;
    (void)ret;
    return status;
}

static void open_fixture(struct fixture *f)
{
    struct status st;

    f->handler = (struct http_handler){.on_request = on_request, .on_refusal = on_refusal};
    f->stream = (struct http_stream){
        .on_ready = on_ready, .on_stop = on_stop, .on_over = on_over, .idle_piece = f->idle_piece};
    f->gone.on_gone = on_gone;
    (void)pthread_mutex_init(&f->lock, NULL);
    thread_init_condition(&f->changed);
    st = thread_start("source", run_source, f, &f->source);
    check_status(st, STATUS_OK);
    st = http_server_create(&(struct http_server_options){.listen = "127.0.0.1:0",
                                                          .handler = &f->handler,
                                                          .head_wait_ms = f->head_wait_ms,
                                                          .idle_ms = f->idle_ms},
                            &f->server);
    check_status(st, STATUS_OK);
}

static void close_fixture(struct fixture *f)
{
    http_server_stop(f->server, 1000);
    (void)pthread_mutex_lock(&f->lock);
    f->is_closing = true;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
    (void)pthread_join(f->source, NULL);
    http_server_destroy(f->server);
    check_int(atomic_load(&f->nover), f->nended);
    (void)pthread_cond_destroy(&f->changed);
    (void)pthread_mutex_destroy(&f->lock);
}

/* Lets a source that stalls go on. */
static void go_on(struct fixture *f)
{
    (void)pthread_mutex_lock(&f->lock);
    f->may_go_on = true;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
}

/* Waits for the number of streams that have ended. */
static void wait_for_ends(struct fixture *f, int nended)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + WAIT_MS;

    (void)pthread_mutex_lock(&f->lock);
    while (f->nended < nended && clock_get_monotonic_ms() < deadline_ms)
        thread_wait_until(&f->changed, &f->lock, deadline_ms);
    check_int(f->nended, nended);
    (void)pthread_mutex_unlock(&f->lock);
}

/* Clients. */

static int open_client(const struct fixture *f, const char *request)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_server_get_port(f->server)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};

    check_int(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    check_int(send(fd, request, strlen(request), 0), strlen(request));
    return fd;
}

static bool has_end(const struct buf *text, const char *end)
{
    size_t len = strlen(end);

    return text->len >= len && memcmp(text->data + text->len - len, end, len) == 0;
}

/* Reads until the end of the connection or, if that is not NULL, until what has come ends so. Returns errno, or 0. */
static int read_until(int fd, const char *end, struct buf *ret)
{
    char part[4096];

    for (;;) {
        if (end && has_end(ret, end))
            return 0;
        ssize_t n = recv(fd, part, sizeof(part), 0);
        if (n <= 0)
            return n == 0 ? 0 : errno;
        buf_append(ret, part, (size_t)n);
    }
}

/* The same up to the end of the connection, as a thread. */
struct drain {
    int fd;
    struct buf *reply;
};

static void *run_drain(void *arg)
{
    struct drain *drain = arg;

    (void)read_until(drain->fd, NULL, drain->reply);
    return NULL;
}

static const char *get_body(const struct buf *reply)
{
    const char *end = strstr(buf_get_text(reply), "\r\n\r\n");

    return end ? end + 4 : "";
}

test(pieces_arrive_in_order_as_chunks_and_the_connection_goes_on)
{
    struct fixture f = {.npieces = 3, .piece = "abc"};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        check_int(read_until(fd, "\r\n0\r\n\r\n", &reply), 0);
        check(strstr(buf_get_text(&reply), "HTTP/1.1 200 OK\r\n") != NULL);
        check(strstr(buf_get_text(&reply), "Content-Type: text/plain\r\n") != NULL);
        check(strstr(buf_get_text(&reply), "X-Kind: stream\r\n") != NULL);
        check_str(get_body(&reply), "3\r\nabc\r\n3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n");
        buf_clear(&reply);
        if (i == 0)
            check(send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, 0) == 27);
    }
    (void)close(fd);
    close_fixture(&f);
    check(!atomic_load(&f.is_gone));
    buf_deinit(&reply);
}

test(http_1_0_gets_the_bytes_and_the_end_of_the_connection)
{
    struct fixture f = {.npieces = 2, .piece = "abc"};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    check_int(read_until(fd, NULL, &reply), 0);
    check(strstr(buf_get_text(&reply), "chunked") == NULL);
    check_str(get_body(&reply), "abcabc");
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
}

test(an_empty_piece_is_not_the_end)
{
    struct fixture f = {.npieces = 3, .piece = ""};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    check_int(read_until(fd, NULL, &reply), 0);
    check_str(get_body(&reply), "0\r\n\r\n");
    check_int(atomic_load(&f.nturns), 4);
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
}

test(head_has_no_body_and_ends_the_stream)
{
    struct fixture f = {.npieces = ENDLESS, .piece = "abc"};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    check_int(read_until(fd, NULL, &reply), 0);
    check(strstr(buf_get_text(&reply), "HTTP/1.1 200 OK\r\n") != NULL);
    check_str(get_body(&reply), "");
    wait_for_ends(&f, 1);
    check(atomic_load(&f.is_gone));
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
}

test(an_abort_leaves_a_chunked_body_without_its_end)
{
    struct fixture f = {.npieces = 2, .piece = "abc", .last = LAST_ABORT};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(read_until(fd, NULL, &reply), 0);
    check(strstr(get_body(&reply), "3\r\nabc\r\n3\r\nabc\r\n") != NULL);
    check(strstr(get_body(&reply), "0\r\n\r\n") == NULL);
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
}

test(an_abort_resets_a_connection_of_http_1_0)
{
    struct fixture f = {.npieces = 1, .piece = "abc", .last = LAST_ABORT};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.0\r\n\r\n");
    check_int(read_until(fd, NULL, &reply), ECONNRESET);
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
}

/* Waits until no turn is given any more for a while, since the sockets are full. */
static long wait_until_full(struct fixture *f)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + WAIT_MS;
    long before = -1;
    long now = atomic_load(&f->nturns);

    while (before != now && clock_get_monotonic_ms() < deadline_ms) {
        (void)usleep(300 * 1000); /* what is waited for is that nothing happens */
        before = now;
        now = atomic_load(&f->nturns);
    }
    return now;
}

test(a_client_that_does_not_read_holds_the_stream_up)
{
    char *piece = mem_alloc(LARGE_BYTES + 1);
    struct fixture f = {.npieces = BUFFERS_BYTES * 2 / LARGE_BYTES, .piece = piece};
    struct buf reply = {0};

    memset(piece, 'x', LARGE_BYTES);
    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.0\r\n\r\n");
    check(wait_until_full(&f) < BUFFERS_BYTES / LARGE_BYTES);
    check_int(read_until(fd, NULL, &reply), 0);
    check_int(strlen(get_body(&reply)), BUFFERS_BYTES * 2);
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
    mem_free(piece);
}

test(a_client_that_goes_away_ends_the_stream)
{
    struct fixture f = {.npieces = ENDLESS, .piece = "abc"};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(read_until(fd, "abc\r\n", &reply), 0);
    (void)close(fd);
    wait_for_ends(&f, 1);
    check(atomic_load(&f.is_gone));
    close_fixture(&f);
    buf_deinit(&reply);
}

test(a_stop_tells_a_stream_that_would_go_on_for_ever)
{
    struct fixture f = {.npieces = ENDLESS, .piece = "abc", .ends_at_stop = true};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(read_until(fd, "abc\r\n", &reply), 0);
    pthread_t reader;
    struct drain drain = {.fd = fd, .reply = &reply};
    check_status(thread_start("reader", run_drain, &drain, &reader), STATUS_OK);
    http_server_stop(f.server, WAIT_MS);
    (void)pthread_join(reader, NULL);
    check(f.has_stopped && !atomic_load(&f.is_gone));
    check(has_end(&reply, "abc\r\n0\r\n\r\n"));
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
}

test(a_stop_cuts_off_a_stream_that_goes_on_after_its_grace)
{
    struct fixture f = {.npieces = ENDLESS, .piece = "abc"};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(read_until(fd, "abc\r\n", &reply), 0);
    pthread_t reader;
    struct drain drain = {.fd = fd, .reply = &reply};
    check_status(thread_start("reader", run_drain, &drain, &reader), STATUS_OK);
    http_server_stop(f.server, 100);
    (void)pthread_join(reader, NULL);
    check(atomic_load(&f.is_gone));
    check(!has_end(&reply, "0\r\n\r\n"));
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
}

/* Patient streams. */

enum { NEVER_MS = 600000 };

test(a_patient_stream_begins_with_its_first_piece)
{
    struct fixture f = {.npieces = 2,
                        .piece = "abc",
                        .idle_piece = "idle",
                        .idle_ms = NEVER_MS,
                        .head_wait_ms = NEVER_MS};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        check_int(read_until(fd, "\r\n0\r\n\r\n", &reply), 0);
        check_str(get_body(&reply), "3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n");
        buf_clear(&reply);
        if (i == 0)
            check(send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, 0) == 27);
    }
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
}

test(a_patient_stream_that_fails_before_its_first_piece_is_a_reply)
{
    struct fixture f = {
        .last = LAST_FAIL, .idle_piece = "idle", .idle_ms = NEVER_MS, .head_wait_ms = NEVER_MS};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    check_int(read_until(fd, NULL, &reply), 0);
    check(strstr(buf_get_text(&reply), "HTTP/1.1 409 Conflict\r\n") != NULL);
    check(strstr(buf_get_text(&reply), "chunked") == NULL);
    check_str(get_body(&reply), "failed");
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
}

test(a_patient_stream_that_fails_later_has_a_last_piece)
{
    struct fixture f = {.npieces = 1,
                        .piece = "abc",
                        .last = LAST_FAIL,
                        .idle_piece = "idle",
                        .idle_ms = NEVER_MS,
                        .head_wait_ms = NEVER_MS};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    check_int(read_until(fd, NULL, &reply), 0);
    check_str(get_body(&reply), "3\r\nabc\r\n4\r\nlast\r\n0\r\n\r\n");
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
}

test(a_patient_stream_without_a_piece_begins_in_time)
{
    struct fixture f = {.npieces = 1,
                        .piece = "abc",
                        .idle_piece = "idle",
                        .idle_ms = NEVER_MS,
                        .head_wait_ms = 50,
                        .stalls = true};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(read_until(fd, "4\r\nidle\r\n", &reply), 0);
    check(strstr(buf_get_text(&reply), "HTTP/1.1 200 OK\r\n") != NULL);
    go_on(&f);
    check_int(read_until(fd, "0\r\n\r\n", &reply), 0);
    check_str(get_body(&reply), "4\r\nidle\r\n3\r\nabc\r\n0\r\n\r\n");
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
}

test(a_silent_client_of_a_patient_stream_is_told_by_the_by_until_a_piece_comes)
{
    struct fixture f = {.npieces = 2,
                        .piece = "abc",
                        .idle_piece = "i",
                        .idle_ms = 20,
                        .stalls = true,
                        .stalls_after = 1};
    struct buf reply = {0};

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(read_until(fd, "3\r\nabc\r\n1\r\ni\r\n1\r\ni\r\n1\r\ni\r\n", &reply), 0);
    go_on(&f);
    check_int(read_until(fd, "1\r\ni\r\n3\r\nabc\r\n0\r\n\r\n", &reply), 0);
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
}

test(a_client_that_is_gone_shows_by_the_by)
{
    struct fixture f = {.npieces = ENDLESS,
                        .piece = "abc",
                        .idle_piece = "i",
                        .idle_ms = 20,
                        .stalls = true,
                        .stalls_after = 1};
    struct buf reply = {0};
    int64_t deadline_ms = clock_get_monotonic_ms() + WAIT_MS;

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(read_until(fd, "1\r\ni\r\n", &reply), 0);
    (void)close(fd);
    while (!atomic_load(&f.is_gone) && clock_get_monotonic_ms() < deadline_ms)
        (void)usleep(1000);
    check(atomic_load(&f.is_gone));
    check_int(f.nended, 0); /* it waits for its source */
    go_on(&f);
    wait_for_ends(&f, 1);
    close_fixture(&f);
    buf_deinit(&reply);
}

test(pieces_meet_what_is_sent_by_the_by)
{
    struct fixture f = {
        .npieces = 20000, .piece = "abc", .idle_piece = "i", .idle_ms = 1, .head_wait_ms = 1};
    struct buf reply = {0};
    unsigned npieces = 0;

    open_fixture(&f);
    int fd = open_client(&f, "GET / HTTP/1.0\r\n\r\n");
    check_int(read_until(fd, NULL, &reply), 0);
    for (const char *at = get_body(&reply); *at; at += *at == 'i' ? 1 : 3) {
        check(*at == 'i' || strncmp(at, "abc", 3) == 0);
        npieces += *at != 'i';
    }
    check_int(npieces, 20000);
    (void)close(fd);
    close_fixture(&f);
    buf_deinit(&reply);
}

test(head_of_a_patient_stream_has_no_body)
{
    struct fixture f = {
        .npieces = ENDLESS, .piece = "abc", .idle_piece = "i", .idle_ms = 20, .head_wait_ms = 20};
    struct buf reply = {0};

    open_fixture(&f);
    for (int i = 0; i < 2; i++) { /* by a piece, then by time */
        int fd = open_client(&f, "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        check_int(read_until(fd, NULL, &reply), 0);
        check(strstr(buf_get_text(&reply), "HTTP/1.1 200 OK\r\n") != NULL);
        check_str(get_body(&reply), "");
        buf_clear(&reply);
        (void)close(fd);
        go_on(&f);
        wait_for_ends(&f, i + 1);
        f.stalls = true;
        f.may_go_on = false;
    }
    close_fixture(&f);
    buf_deinit(&reply);
}
