/*
 * tests/unit/http/test_stream.c - replies in pieces, over real sockets.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "tests/harness/test.h"
#include "tests/unit/http/stream_fixture.h"

enum {
    LARGE_BYTES = 64 * 1024,
    BUFFERS_BYTES = 32 << 20, /* what two sockets may hold between them, and more */
};

/* Reads up to the end of the connection, as a thread. */
struct drain {
    int fd;
    struct buf *reply;
};

static void *run_drain(void *arg)
{
    struct drain *drain = arg;

    (void)stream_client_read_until(drain->fd, NULL, drain->reply);
    return NULL;
}

test(pieces_arrive_in_order_as_chunks_and_the_connection_goes_on)
{
    struct stream_fixture f = {.npieces = 3, .piece = "abc"};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        check_int(stream_client_read_until(fd, "\r\n0\r\n\r\n", &reply), 0);
        check(strstr(buf_get_text(&reply), "HTTP/1.1 200 OK\r\n") != NULL);
        check(strstr(buf_get_text(&reply), "Content-Type: text/plain\r\n") != NULL);
        check(strstr(buf_get_text(&reply), "X-Kind: stream\r\n") != NULL);
        check_str(stream_client_get_body(&reply), "3\r\nabc\r\n3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n");
        buf_clear(&reply);
        if (i == 0)
            check(send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, 0) == 27);
    }
    (void)close(fd);
    stream_fixture_close(&f);
    check(!atomic_load(&f.is_gone));
    buf_deinit(&reply);
}

test(http_1_0_gets_the_bytes_and_the_end_of_the_connection)
{
    struct stream_fixture f = {.npieces = 2, .piece = "abc"};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    check_int(stream_client_read_until(fd, NULL, &reply), 0);
    check(strstr(buf_get_text(&reply), "chunked") == NULL);
    check_str(stream_client_get_body(&reply), "abcabc");
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

test(an_empty_piece_is_not_the_end)
{
    struct stream_fixture f = {.npieces = 3, .piece = ""};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    check_int(stream_client_read_until(fd, NULL, &reply), 0);
    check_str(stream_client_get_body(&reply), "0\r\n\r\n");
    check_int(atomic_load(&f.nturns), 4);
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

test(head_has_no_body_and_ends_the_stream)
{
    struct stream_fixture f = {.npieces = STREAM_ENDLESS, .piece = "abc"};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    check_int(stream_client_read_until(fd, NULL, &reply), 0);
    check(strstr(buf_get_text(&reply), "HTTP/1.1 200 OK\r\n") != NULL);
    check_str(stream_client_get_body(&reply), "");
    stream_fixture_wait_for_ends(&f, 1);
    check(atomic_load(&f.is_gone));
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

test(an_abort_leaves_a_chunked_body_without_its_end)
{
    struct stream_fixture f = {.npieces = 2, .piece = "abc", .last = STREAM_LAST_ABORT};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(stream_client_read_until(fd, NULL, &reply), 0);
    check(strstr(stream_client_get_body(&reply), "3\r\nabc\r\n3\r\nabc\r\n") != NULL);
    check(strstr(stream_client_get_body(&reply), "0\r\n\r\n") == NULL);
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

test(an_abort_resets_a_connection_of_http_1_0)
{
    struct stream_fixture f = {.npieces = 1, .piece = "abc", .last = STREAM_LAST_ABORT};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.0\r\n\r\n");
    check_int(stream_client_read_until(fd, NULL, &reply), ECONNRESET);
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

/* Waits until no turn is given any more for a while, since the sockets are full. */
static long wait_until_full(struct stream_fixture *f)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + STREAM_WAIT_MS;
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
    struct stream_fixture f = {.npieces = BUFFERS_BYTES * 2 / LARGE_BYTES, .piece = piece};
    struct buf reply = {0};

    memset(piece, 'x', LARGE_BYTES);
    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.0\r\n\r\n");
    check(wait_until_full(&f) < BUFFERS_BYTES / LARGE_BYTES);
    check_int(stream_client_read_until(fd, NULL, &reply), 0);
    check_int(strlen(stream_client_get_body(&reply)), BUFFERS_BYTES * 2);
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
    mem_free(piece);
}

test(a_client_that_goes_away_ends_the_stream)
{
    struct stream_fixture f = {.npieces = STREAM_ENDLESS, .piece = "abc"};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(stream_client_read_until(fd, "abc\r\n", &reply), 0);
    (void)close(fd);
    stream_fixture_wait_for_ends(&f, 1);
    check(atomic_load(&f.is_gone));
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

test(a_stop_tells_a_stream_that_would_go_on_for_ever)
{
    struct stream_fixture f = {.npieces = STREAM_ENDLESS, .piece = "abc", .ends_at_stop = true};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(stream_client_read_until(fd, "abc\r\n", &reply), 0);
    pthread_t reader;
    struct drain drain = {.fd = fd, .reply = &reply};
    check_status(thread_start("reader", run_drain, &drain, &reader), STATUS_OK);
    http_server_stop(f.server, STREAM_WAIT_MS);
    (void)pthread_join(reader, NULL);
    check(f.has_stopped && !atomic_load(&f.is_gone));
    check(stream_client_has_end(&reply, "abc\r\n0\r\n\r\n"));
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

test(a_stop_cuts_off_a_stream_that_goes_on_after_its_grace)
{
    struct stream_fixture f = {.npieces = STREAM_ENDLESS, .piece = "abc"};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(stream_client_read_until(fd, "abc\r\n", &reply), 0);
    pthread_t reader;
    struct drain drain = {.fd = fd, .reply = &reply};
    check_status(thread_start("reader", run_drain, &drain, &reader), STATUS_OK);
    http_server_stop(f.server, 100);
    (void)pthread_join(reader, NULL);
    check(atomic_load(&f.is_gone));
    check(!stream_client_has_end(&reply, "0\r\n\r\n"));
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}
