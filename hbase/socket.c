#include "hbase/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"

enum {
    POLL_MS = 100, /* so often a stop is looked for */
    KEEPALIVE_IDLE_S = 10,
    KEEPALIVE_INTERVAL_S = 5,
    KEEPALIVE_COUNT = 4,
    UNACKNOWLEDGED_MS = 30 * 1000, /* then what was sent is given up */
    NAME_BYTES = 600,              /* "host:port (at address)", cut to fit */
};

static const char *write_name(const struct hbase_address *to, char ret[NAME_BYTES])
{
    if (to->address && strcmp(to->address, to->host) != 0)
        (void)snprintf(ret, NAME_BYTES, "%s:%d (at %s)", to->host, to->port, to->address);
    else
        (void)snprintf(ret, NAME_BYTES, "%s:%d", to->host, to->port);
    return ret;
}

struct status hbase_socket_wait(int fd, short events, const struct stop *stop, int64_t deadline_ms)
{
    struct pollfd item = {.fd = fd, .events = events};

    for (;;) {
        if (stop_is_requested(stop))
            return status_error(STATUS_CANCELLED, "stop was requested");

        int64_t left_ms = deadline_ms - clock_get_monotonic_ms();
        if (left_ms <= 0)
            return status_error(STATUS_DEADLINE_EXCEEDED, "no answer in time");
        int n = poll(&item, 1, left_ms < POLL_MS ? (int)left_ms : POLL_MS);
        if (n > 0)
            return status_ok();
        if (n < 0 && errno != EINTR)
            return status_from_errno(errno, "poll");
    }
}

static void set_options(int fd)
{
    const int on = 1, idle = KEEPALIVE_IDLE_S, interval = KEEPALIVE_INTERVAL_S;
    const int count = KEEPALIVE_COUNT, unacknowledged = UNACKNOWLEDGED_MS;

    /* What the system does not know it does without. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged, sizeof(unacknowledged));
}

/* Waits for connect() and makes the socket a blocking one. Returns 0, or an errno. */
static struct status finish_connect(int fd, const struct stop *stop, int64_t deadline_ms)
{
    int error = 0;
    socklen_t len = sizeof(error);
    struct status st = hbase_socket_wait(fd, POLLOUT, stop, deadline_ms);

    if (st.code != STATUS_OK)
        return st;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error == 0 && fcntl(fd, F_SETFL, 0) != 0)
        error = errno;
    if (error == ECONNREFUSED)
        return status_error(STATUS_UNAVAILABLE, "connection refused: nothing listens there");
    return error == 0 ? status_ok() : status_from_errno(error, "cannot connect");
}

static struct status connect_to(const struct addrinfo *info, const struct stop *stop,
                                int64_t deadline_ms, int *ret)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct status st = status_ok();

    if (fd < 0)
        return status_from_errno(errno, "no socket");
    set_options(fd);
    if (connect(fd, info->ai_addr, info->ai_addrlen) != 0 && errno != EINPROGRESS)
        st = status_from_errno(errno, "cannot connect");
    if (st.code == STATUS_OK)
        st = finish_connect(fd, stop, deadline_ms);
    if (st.code == STATUS_OK)
        *ret = fd;
    else
        (void)close(fd);
    return st;
}

static struct status resolve(const struct hbase_address *to, struct addrinfo **ret)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char port[16];

    (void)snprintf(port, sizeof(port), "%d", to->port);
    int error = getaddrinfo(to->address ? to->address : to->host, port, &hints, ret);
    if (error == EAI_NONAME || error == EAI_NODATA)
        return status_error(STATUS_UNAVAILABLE,
                            "no name server knows this name; the data source's hosts can say where "
                            "it is");
    if (error == EAI_SYSTEM)
        return status_from_errno(errno, "the name cannot be looked up");
    if (error != 0)
        return status_error(STATUS_UNAVAILABLE, "the name cannot be looked up: %s",
                            gai_strerror(error));
    return status_ok();
}

/* When to give up one address: each that is left gets the same part of the time. */
static int64_t get_share_ms(const struct addrinfo *info, int64_t deadline_ms)
{
    int64_t now_ms = clock_get_monotonic_ms(), nleft = 0;

    for (; info; info = info->ai_next)
        nleft++;
    return now_ms + (deadline_ms - now_ms) / nleft;
}

struct status hbase_socket_connect(const struct hbase_address *to, const struct stop *stop,
                                   int64_t deadline_ms, int *ret)
{
    char name[NAME_BYTES];
    struct addrinfo *list = NULL;
    struct status st = resolve(to, &list);

    for (const struct addrinfo *info = list; info; info = info->ai_next) {
        st = connect_to(info, stop, get_share_ms(info, deadline_ms), ret);
        if (st.code == STATUS_OK || st.code == STATUS_CANCELLED)
            break;
    }
    if (list)
        freeaddrinfo(list);
    if (st.code == STATUS_OK || st.code == STATUS_CANCELLED)
        return st;
    return status_error(st.code == STATUS_DEADLINE_EXCEEDED ? st.code : STATUS_UNAVAILABLE,
                        "%s: %s", write_name(to, name), st.text);
}

static struct status make_lost(int error)
{
    struct status st = status_from_errno(error, "the connection is lost");

    st.code = STATUS_UNAVAILABLE;
    return st;
}

/* Takes n bytes off the beginning of the message. */
static void skip(struct msghdr *message, size_t n)
{
    while (message->msg_iovlen > 0 && n >= message->msg_iov->iov_len) {
        n -= message->msg_iov->iov_len;
        message->msg_iov++;
        message->msg_iovlen--;
    }
    if (message->msg_iovlen > 0) {
        message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + n;
        message->msg_iov->iov_len -= n;
    }
}

struct status hbase_socket_send(int fd, struct iovec *parts, size_t nparts, const struct stop *stop,
                                int64_t deadline_ms, size_t *ret_nsent)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = nparts};

    *ret_nsent = 0;
    for (skip(&message, 0); message.msg_iovlen > 0;) {
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        struct status st = status_ok();

        if (n >= 0) {
            skip(&message, (size_t)n);
            *ret_nsent += (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            st = hbase_socket_wait(fd, POLLOUT, stop, deadline_ms);
        } else if (errno != EINTR) {
            st = make_lost(errno);
        }
        if (st.code != STATUS_OK)
            return st;
    }
    return status_ok();
}

struct status hbase_socket_receive(int fd, void *data, size_t n, const struct stop *stop,
                                   int64_t deadline_ms)
{
    for (size_t done = 0; done < n;) {
        struct status st = hbase_socket_wait(fd, POLLIN, stop, deadline_ms);
        if (st.code != STATUS_OK)
            return st;
        ssize_t len = recv(fd, (char *)data + done, n - done, MSG_DONTWAIT);
        if (len == 0)
            return status_error(STATUS_UNAVAILABLE, "the server closed the connection");
        if (len < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
            return make_lost(errno);
        done += len > 0 ? (size_t)len : 0;
    }
    return status_ok();
}
