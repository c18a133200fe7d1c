#include "cli/http_probe.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/host_port.h"
#include "base/number.h"
#include "base/str.h"
#include "base/tls_stream.h"

enum { HOST_BYTES = 256, LINE_BYTES = 64 }; /* a DNS name has at most 253 bytes */

struct place {
    char host[HOST_BYTES];
    const char *port; /* in the address */
};

static struct status read_address(const char *address, struct place *ret)
{
    struct str host;
    struct str port;

    if (!host_port_cut(address, &host, &port) || host.len >= sizeof(ret->host))
        return status_error(STATUS_INVALID_ARGUMENT,
                            "'%.80s' is not an address like 127.0.0.1:12311", address);
    memcpy(ret->host, host.data, host.len);
    ret->host[host.len] = '\0';
    ret->port = port.data;
    return status_ok();
}

static struct status find(const struct place *place, const char *address, struct addrinfo **ret)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    int failure = getaddrinfo(place->host, place->port, &hints, ret);

    if (failure != 0)
        return status_error(STATUS_UNAVAILABLE, "%.80s cannot be reached: %s", address,
                            gai_strerror(failure));
    return status_ok();
}

/*
 * Whatever it was, who asked gets no answer now. EAGAIN is how a time-out of the socket ends, EPROTO how TLS tells that the
 * other side refuses.
 */
static struct status refuse(int error, const char *what, const char *address)
{
    if (error == EAGAIN)
        return status_error(STATUS_UNAVAILABLE, "%.80s %s: no answer in time", address, what);
    if (error == EPROTO)
        return status_error(STATUS_UNAVAILABLE,
                            "%.80s %s: it ended TLS; does it ask for a certificate?", address,
                            what);
    struct status st = status_from_errno(error, "%.80s %s", address, what);
    st.code = STATUS_UNAVAILABLE;
    return st;
}

/* The time-out of sending is that of connecting, too (socket(7)). */
static struct status connect_to(const struct addrinfo *at, const char *address, int64_t timeout_ms,
                                int *ret_fd)
{
    const struct timeval timeout = {.tv_sec = timeout_ms / 1000,
                                    .tv_usec = timeout_ms % 1000 * 1000};
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);

    if (fd < 0)
        return status_from_errno(errno, "no socket for %.80s", address);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    if (connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
        int error = errno;
        (void)close(fd);
        return refuse(error == EINPROGRESS ? EAGAIN : error, "cannot be reached", address);
    }
    *ret_fd = fd;
    return status_ok();
}

/* "HTTP/1.1 200 OK" (RFC 9112, section 4). */
static bool read_status(struct str line, int *ret)
{
    int64_t status = 0;
    struct str version = str_cut(&line, ' ');

    if (!str_has_prefix(version, "HTTP/1.") ||
        number_read("status", str_cut(&line, ' '), 100, 599, &status).code != STATUS_OK)
        return false;
    *ret = (int)status;
    return true;
}

/* Where bytes go and come from: a socket, with TLS around it or without. */
struct wire {
    int fd;
    struct tls_stream *tls; /* NULL: without */
};

static bool send_all(const struct wire *wire, struct str bytes)
{
    if (wire->tls)
        return tls_stream_write(wire->tls, bytes);
    return send(wire->fd, bytes.data, bytes.len, MSG_NOSIGNAL) == (ssize_t)bytes.len;
}

static ssize_t read_some(const struct wire *wire, char *ret, size_t max_bytes)
{
    return wire->tls ? tls_stream_read(wire->tls, ret, max_bytes)
                     : recv(wire->fd, ret, max_bytes, 0);
}

/* The first line is all that is wanted: the rest is not waited for. */
static struct status receive(const struct wire *wire, const char *address, int *ret_status)
{
    char bytes[LINE_BYTES];
    struct str got = {.data = bytes};

    while (got.len < sizeof(bytes) && str_find_byte(got, '\r') == got.len) {
        ssize_t n = read_some(wire, bytes + got.len, sizeof(bytes) - got.len);
        if (n < 0)
            return refuse(errno, "does not answer", address);
        if (n == 0)
            break;
        got.len += (size_t)n;
    }
    if (!read_status(str_cut(&got, '\r'), ret_status))
        return status_error(STATUS_UNAVAILABLE, "%.80s answers, but no HTTP", address);
    return status_ok();
}

static struct status ask(const struct wire *wire, const char *address, const char *path,
                         int *ret_status)
{
    struct buf request = {0};

    buf_printf(&request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, address);
    bool is_sent = send_all(wire, buf_get(&request));
    buf_deinit(&request);
    if (!is_sent)
        return status_error(STATUS_UNAVAILABLE, "%.80s takes no request", address);
    return receive(wire, address, ret_status);
}

struct status http_probe_get(const char *address, const char *path, const struct tls_paths *tls,
                             int64_t timeout_ms, int *ret_status)
{
    struct place place;
    struct addrinfo *found = NULL;
    struct wire wire = {.fd = -1};
    struct status st = read_address(address, &place);

    if (st.code == STATUS_OK)
        st = find(&place, address, &found);
    if (st.code != STATUS_OK)
        return st;
    st = connect_to(found, address, timeout_ms, &wire.fd);
    freeaddrinfo(found);
    if (st.code == STATUS_OK && tls_is_on(TLS_CLIENT, tls))
        st = tls_stream_open(wire.fd, place.host, tls, &wire.tls);
    if (st.code == STATUS_OK)
        st = ask(&wire, address, path, ret_status);
    tls_stream_close(wire.tls);
    if (wire.fd >= 0)
        (void)close(wire.fd);
    return st;
}
