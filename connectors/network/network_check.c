#include "connectors/network/network_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "connectors/check.h"
#include "spec/data_source_endpoints.h"

enum {
    CONNECT_MS = 5000, /* to one address */
    POLL_MS = 100,     /* so often a stop is looked for */
    MAX_SHOWN = 4,     /* addresses of one name */
    TARGET_BYTES = 300,
    FOUND_BYTES = 200,
    ADDRESS_BYTES = INET6_ADDRSTRLEN,
};

static const char *write_address(const struct addrinfo *info, char ret[ADDRESS_BYTES])
{
    const void *address =
        info->ai_family == AF_INET6
            ? (const void *)&((const struct sockaddr_in6 *)(const void *)info->ai_addr)->sin6_addr
            : (const void *)&((const struct sockaddr_in *)(const void *)info->ai_addr)->sin_addr;

    return inet_ntop(info->ai_family, address, ret, ADDRESS_BYTES) ? ret : "?";
}

static void write_addresses(const struct addrinfo *list, struct buf *ret)
{
    char text[ADDRESS_BYTES];
    unsigned n = 0;

    for (const struct addrinfo *info = list; info; info = info->ai_next, n++)
        if (n < MAX_SHOWN)
            buf_printf(ret, "%s%s", n > 0 ? ", " : "", write_address(info, text));
    if (n > MAX_SHOWN)
        buf_printf(ret, " and %u more", n - MAX_SHOWN);
}

static struct status explain_resolve(int error)
{
    if (error == EAI_NONAME)
        return status_error(STATUS_NOT_FOUND,
                            "no name server knows this name; is it spelt right, and known where "
                            "this worker runs?");
    if (error == EAI_SYSTEM)
        return status_from_errno(errno, "the name cannot be looked up");
    return status_error(STATUS_UNAVAILABLE, "the name cannot be looked up: %s",
                        gai_strerror(error));
}

/* *ret is to be freed by freeaddrinfo. The C library cannot be interrupted in it. */
static bool resolve(const struct check_options *options,
                    const struct data_source_endpoint *endpoint, struct addrinfo **ret)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct status st = status_ok();
    struct buf found = {0};
    char port[8];

    (void)snprintf(port, sizeof(port), "%d", endpoint->port);
    options->log->begin(options->log, "resolve", endpoint->host);
    int error =
        getaddrinfo(endpoint->address ? endpoint->address : endpoint->host, port, &hints, ret);
    if (error != 0)
        st = explain_resolve(error);
    else
        write_addresses(*ret, &found);
    bool is_ok = check_end_step(options->log, st, buf_get_text(&found));
    buf_deinit(&found);
    return is_ok;
}

static struct status make_timeout(void)
{
    return status_error(STATUS_DEADLINE_EXCEEDED,
                        "no answer in time; a firewall may drop what this worker sends");
}

static struct status wait_connected(int fd, const struct check_options *options)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + CONNECT_MS;
    struct pollfd polled = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t len = sizeof(error);

    if (deadline_ms > options->deadline_ms)
        deadline_ms = options->deadline_ms;
    while (poll(&polled, 1, POLL_MS) <= 0) {
        if (stop_is_requested(options->stop))
            return status_error(STATUS_CANCELLED, "the worker stops");
        if (clock_get_monotonic_ms() >= deadline_ms)
            return make_timeout();
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error == ECONNREFUSED)
        return status_error(STATUS_UNAVAILABLE, "connection refused: nothing listens there");
    if (error != 0)
        return status_from_errno(error, "cannot connect");
    return status_ok();
}

static struct status connect_to(const struct addrinfo *info, const struct check_options *options)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct status st;

    if (fd < 0)
        return status_from_errno(errno, "no socket");
    if (connect(fd, info->ai_addr, info->ai_addrlen) == 0 || errno == EINPROGRESS)
        st = wait_connected(fd, options);
    else
        st = status_from_errno(errno, "cannot connect");
    (void)close(fd);
    return st;
}

/* One address that works is enough, as it is for those who connect in earnest. */
static bool try_connect(const struct check_options *options,
                        const struct data_source_endpoint *endpoint, const struct addrinfo *list,
                        const char *found)
{
    struct status st = make_timeout();
    char target[TARGET_BYTES], text[FOUND_BYTES] = "", address[ADDRESS_BYTES];

    (void)snprintf(target, sizeof(target), "%s:%d", endpoint->host, endpoint->port);
    options->log->begin(options->log, "connect", target);
    for (const struct addrinfo *info = list; info; info = info->ai_next) {
        st = connect_to(info, options);
        if (st.code == STATUS_OK)
            (void)snprintf(text, sizeof(text), "%s%s", write_address(info, address), found);
        if (st.code == STATUS_OK || st.code == STATUS_CANCELLED)
            break;
    }
    return check_end_step(options->log, st, text);
}

bool network_check_endpoint(const struct check_options *options,
                            const struct data_source_endpoint *endpoint, const char *found)
{
    struct addrinfo *list = NULL;

    if (!resolve(options, endpoint, &list))
        return false;
    bool is_ok = try_connect(options, endpoint, list, found);
    freeaddrinfo(list);
    return is_ok;
}

void network_check_run(const struct check_options *options)
{
    struct data_source_endpoints endpoints = {0};
    struct status st =
        data_source_endpoints_read(options->type, options->parameters_json, &endpoints);

    if (st.code == STATUS_OK && endpoints.count == 0)
        st = status_error(STATUS_INVALID_ARGUMENT, "the data source names no server");
    if (st.code != STATUS_OK) {
        options->log->begin(options->log, "read parameters", "");
        (void)check_end_step(options->log, st, "");
    }
    for (size_t i = 0; i < endpoints.count && (i == 0 || !stop_is_requested(options->stop)); i++)
        (void)network_check_endpoint(options, &endpoints.items[i], "; only the network was tried");
    data_source_endpoints_deinit(&endpoints);
}
