/*
 * tests/unit/rpc/test_socket.c - peers that speak HTTP/2 (RFC 9113) badly, or stop in the middle.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "tests/harness/test.h"
#include "tests/unit/rpc/echo_fixture.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

enum { FRAME_DATA = 0, FRAME_HEADERS = 1, FRAME_RESET = 3, FRAME_SETTINGS = 4 };
enum { ACK = 1, END_STREAM = 1, END_HEADERS = 4 };

static int connect_to(const struct echo *echo)
{
    struct sockaddr_in name = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)rpc_server_get_port(echo->server)),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    check(fd >= 0 && connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0);
    return fd;
}

static void send_all(int fd, const void *data, size_t len)
{
    check_int(send(fd, data, len, MSG_NOSIGNAL), (long long)len);
}

/* Waits until the server has closed the connection; false after ten seconds. */
static bool wait_for_close(int fd)
{
    struct pollfd waited = {.fd = fd, .events = POLLIN};
    char bytes[1024];

    while (poll(&waited, 1, 10000) == 1) {
        ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
        if (n <= 0)
            return true;
    }
    return false;
}

static bool receive_all(int fd, void *data, size_t len)
{
    return recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

/* Reads frames until one of them is the answer to the call: headers, or the stream's reset. */
static bool wait_for_answer(int fd)
{
    struct timeval limit = {.tv_sec = 10};
    unsigned char head[9];
    char payload[1 << 14];

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    while (receive_all(fd, head, sizeof(head))) {
        size_t len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (head[3] == FRAME_HEADERS || head[3] == FRAME_RESET)
            return true;
        if (len > sizeof(payload) || (len > 0 && !receive_all(fd, payload, len)))
            return false;
    }
    return false;
}

static void add_frame(struct buf *out, int type, int flags, const struct buf *payload)
{
    size_t len = payload ? payload->len : 0;
    char head[9] = {(char)(len >> 16), (char)(len >> 8), (char)len, (char)type, (char)flags};

    head[8] = type == FRAME_SETTINGS ? 0 : 1; /* the stream's number */
    buf_append(out, head, sizeof(head));
    if (payload)
        buf_append(out, payload->data, len);
}

/* A literal that is not indexed, with a new name (RFC 7541, section 6.2.2). */
static void add_header(struct buf *out, const char *name, const char *value)
{
    buf_append_char(out, '\0');
    buf_append_char(out, (char)strlen(name));
    buf_append_text(out, name);
    buf_append_char(out, (char)strlen(value));
    buf_append_text(out, value);
}

/* What a client sends for a call with an empty message, with some hundred-byte headers on top. */
static void write_call(struct buf *out, const char *method, unsigned nfillers, bool has_ack)
{
    static const char filler[] = "0123456789012345678901234567890123456789012345678901234567890123"
                                 "456789012345678901234567890123456789";

    struct buf headers = {0};
    struct buf message = {0};

    add_header(&headers, ":method", "POST");
    add_header(&headers, ":scheme", "http");
    add_header(&headers, ":path", method);
    add_header(&headers, ":authority", "localhost");
    add_header(&headers, "te", "trailers");
    add_header(&headers, "content-type", "application/grpc");
    for (unsigned i = 0; i < nfillers; i++)
        add_header(&headers, "x-filler", filler);
    buf_append(&message, "\0\0\0\0\0", 5);
    buf_append_text(out, PREFACE);
    add_frame(out, FRAME_SETTINGS, 0, NULL);
    if (has_ack)
        add_frame(out, FRAME_SETTINGS, ACK, NULL);
    add_frame(out, FRAME_HEADERS, END_HEADERS, &headers);
    add_frame(out, FRAME_DATA, END_STREAM, &message);
    buf_deinit(&headers);
    buf_deinit(&message);
}

test(a_connection_that_is_dropped_cancels_its_calls)
{
    struct buf bytes = {0};
    struct echo echo;

    echo_open(&echo, NULL);
    int fd = connect_to(&echo);
    write_call(&bytes, WAIT, 0, true);
    send_all(fd, bytes.data, bytes.len);
    check(event_wait(&echo.started, 1));
    (void)close(fd);
    check(event_wait(&echo.cancelled, 1));
    buf_deinit(&bytes);
    echo_close(&echo);
}

test(a_connection_may_end_after_any_byte_of_a_call)
{
    struct buf bytes = {0};
    struct echo echo;

    echo_open(&echo, NULL);
    write_call(&bytes, ECHO, 0, true);
    for (size_t len = 0; len <= bytes.len; len++) {
        int fd = connect_to(&echo);
        send_all(fd, bytes.data, len);
        (void)close(fd);
    }
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_OK);
    buf_deinit(&bytes);
    echo_close(&echo);
}

test(a_call_with_any_bit_flipped_does_no_harm)
{
    struct buf bytes = {0};
    struct echo echo;

    echo_open(&echo, NULL);
    write_call(&bytes, ECHO, 0, true);
    for (size_t i = 0; i < bytes.len; i++) {
        int fd = connect_to(&echo);
        bytes.data[i] = (char)(bytes.data[i] ^ (1 << (i % 8)));
        send_all(fd, bytes.data, bytes.len);
        bytes.data[i] = (char)(bytes.data[i] ^ (1 << (i % 8)));
        (void)close(fd);
    }
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_OK);
    buf_deinit(&bytes);
    echo_close(&echo);
}

test(what_is_not_http2_is_shown_the_door)
{
    static const char *const texts[] = {
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\x16\x03\x01\x02\x01\x01\xfc\x03\x03 and so on, as TLS begins",
        PREFACE "this is no frame, and its length is far too large",
    };
    struct echo echo;

    echo_open(&echo, NULL);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        int fd = connect_to(&echo);
        send_all(fd, texts[i], strlen(texts[i]));
        check(wait_for_close(fd));
        (void)close(fd);
    }
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_OK);
    echo_close(&echo);
}

test(headers_up_to_8_kib_are_taken_and_more_are_refused)
{
    static const struct {
        unsigned nfillers; /* of 100 bytes, 8 of name, and 32 more (RFC 9113, section 6.5.2) */
        bool has_ack;      /* core's own limit begins with it */
        bool is_taken;
    } cases[] = {{40, true, true}, {40, false, true}, {70, true, false}, {70, false, false}};
    unsigned ntaken = 0;
    struct echo echo;

    echo_open(&echo, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf bytes = {0};
        int fd = connect_to(&echo);
        write_call(&bytes, WAIT, cases[i].nfillers, cases[i].has_ack);
        send_all(fd, bytes.data, bytes.len);
        ntaken += cases[i].is_taken;
        check(cases[i].is_taken ? event_wait(&echo.started, ntaken) : wait_for_answer(fd));
        (void)close(fd);
        buf_deinit(&bytes);
    }
    check_int(echo.started.count, ntaken);
    echo_close(&echo);
}
