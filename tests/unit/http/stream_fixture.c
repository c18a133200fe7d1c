#include "tests/unit/http/stream_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/thread.h"
#include "tests/harness/test.h"

static void on_ready(struct http_stream *stream)
{
    struct stream_fixture *f = container_of(stream, struct stream_fixture, stream);

    (void)pthread_mutex_lock(&f->lock);
    f->has_turn = true;
    atomic_fetch_add(&f->nturns, 1);
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
}

static void on_stop(struct http_stream *stream)
{
    struct stream_fixture *f = container_of(stream, struct stream_fixture, stream);

    f->has_stopped = true;
    if (f->ends_at_stop)
        atomic_store(&f->must_end, true);
}

static void on_gone(struct http_gone *gone)
{
    struct stream_fixture *f = container_of(gone, struct stream_fixture, gone);

    atomic_store(&f->is_gone, true);
    atomic_store(&f->must_end, true);
}

static void on_over(struct http_stream *stream)
{
    atomic_fetch_add(&container_of(stream, struct stream_fixture, stream)->nover, 1);
}

static void end(struct stream_fixture *f)
{
    struct http_reply reply = {.status = 409};
    struct buf piece = {0};

    f->nsent = 0;
    f->nended++;
    if (f->last == STREAM_LAST_FAIL) {
        buf_append_text(&reply.body, "failed");
        buf_append_text(&piece, "last");
        http_stream_fail(&f->stream, &reply, &piece);
    } else if (f->last == STREAM_LAST_ABORT) {
        http_stream_abort(&f->stream);
    } else {
        http_stream_end(&f->stream);
    }
}

static void take_turn(struct stream_fixture *f)
{
    struct buf piece = {0};

    if (!atomic_load(&f->must_end) && (f->npieces == STREAM_ENDLESS || f->nsent < f->npieces)) {
        f->nsent++;
        buf_append_text(&piece, f->piece);
        http_stream_send(&f->stream, &piece);
        return;
    }
    end(f);
}

/* A source that has nothing to send for the time being. */
static bool is_stalling(const struct stream_fixture *f)
{
    return f->stalls && f->nsent == f->stalls_after && !f->may_go_on;
}

static void *run_source(void *arg)
{
    struct stream_fixture *f = arg;

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
    struct stream_fixture *f = container_of(handler, struct stream_fixture, handler);

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

void stream_fixture_open(struct stream_fixture *f)
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

void stream_fixture_close(struct stream_fixture *f)
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

void stream_fixture_go_on(struct stream_fixture *f)
{
    (void)pthread_mutex_lock(&f->lock);
    f->may_go_on = true;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
}

void stream_fixture_wait_for_ends(struct stream_fixture *f, int nended)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + STREAM_WAIT_MS;

    (void)pthread_mutex_lock(&f->lock);
    while (f->nended < nended && clock_get_monotonic_ms() < deadline_ms)
        thread_wait_until(&f->changed, &f->lock, deadline_ms);
    check_int(f->nended, nended);
    (void)pthread_mutex_unlock(&f->lock);
}

/* Clients. */

int stream_client_open(const struct stream_fixture *f, const char *request)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_server_get_port(f->server)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};

    check_int(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    check_int(send(fd, request, strlen(request), 0), strlen(request));
    return fd;
}

bool stream_client_has_end(const struct buf *text, const char *end)
{
    size_t len = strlen(end);

    return text->len >= len && memcmp(text->data + text->len - len, end, len) == 0;
}

int stream_client_read_until(int fd, const char *end, struct buf *ret)
{
    char part[4096];

    for (;;) {
        if (end && stream_client_has_end(ret, end))
            return 0;
        ssize_t n = recv(fd, part, sizeof(part), 0);
        if (n <= 0)
            return n == 0 ? 0 : errno;
        buf_append(ret, part, (size_t)n);
    }
}

const char *stream_client_get_body(const struct buf *reply)
{
    const char *end = strstr(buf_get_text(reply), "\r\n\r\n");

    return end ? end + 4 : "";
}
