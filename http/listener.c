#include "http/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/host_port.h"
#include "base/number.h"
#include "base/str.h"

enum { HOST_BYTES = 256, PORT_BYTES = 8 }; /* a DNS name has at most 253 bytes */

struct place {
    char host[HOST_BYTES];
    char port[PORT_BYTES];
};

static struct status read_address(const char *address, struct place *ret)
{
    struct status bad = status_error(STATUS_INVALID_ARGUMENT,
                                     "'%.80s' is not an address like 127.0.0.1:12311", address);
    struct str host;
    struct str port_text;
    int64_t port = 0;

    if (!host_port_cut(address, &host, &port_text) || host.len >= HOST_BYTES ||
        number_read("port", port_text, 0, 65535, &port).code != STATUS_OK)
        return bad;
    (void)snprintf(ret->host, sizeof(ret->host), "%.*s", (int)host.len, host.data);
    (void)snprintf(ret->port, sizeof(ret->port), "%d", (int)port);
    return status_ok();
}

static struct status open_at(const struct addrinfo *at, const char *address, int *ret_fd)
{
    const int on = 1;
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol);

    if (fd < 0)
        return status_from_errno(errno, "cannot make a socket for %s", address);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
        struct status st = status_from_errno(errno, "cannot listen on %s", address);
        (void)close(fd);
        return st;
    }
    *ret_fd = fd;
    return status_ok();
}

struct status listener_open(const char *address, int *ret_fd)
{
    const struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    struct place place;
    struct status st = read_address(address, &place);

    if (st.code != STATUS_OK)
        return st;
    int failure = getaddrinfo(place.host, place.port, &hints, &found);
    if (failure != 0)
        return status_error(STATUS_UNAVAILABLE, "cannot listen on %s: %s", address,
                            gai_strerror(failure));
    st = open_at(found, address, ret_fd);
    freeaddrinfo(found);
    return st;
}

int listener_get_port(int fd)
{
    struct sockaddr_storage at = {0};
    socklen_t len = sizeof(at);

    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return 0;
    if (at.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)(const void *)&at)->sin6_port);
    return ntohs(((const struct sockaddr_in *)(const void *)&at)->sin_port);
}
