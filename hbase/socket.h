/*
 * hbase/socket.h - TCP to a server, with a request to stop and a point in time in view.
 */
#ifndef HBASE_SOCKET_H
#define HBASE_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/stop.h"

struct iovec;

struct hbase_address {
    const char *host;    /* for messages */
    const char *address; /* where to connect, a name or an address; NULL: host */
    int port;
};

/*
 * Connects; all addresses of a name are tried. *ret is a blocking socket that the caller closes; a peer that vanishes is noticed within 30 s.
 * deadline_ms is of clock_get_monotonic_ms. UNAVAILABLE: no address, nobody listens; DEADLINE_EXCEEDED; CANCELLED: stop was requested. Blocks;
 * looking the name up cannot be interrupted.
 */
struct status hbase_socket_connect(const struct hbase_address *to, const struct stop *stop,
                                   int64_t deadline_ms, int *ret) MUST_CHECK;

/* Waits until one of events (POLLIN, POLLOUT) or an error is there. DEADLINE_EXCEEDED, CANCELLED. Blocks. */
struct status hbase_socket_wait(int fd, short events, const struct stop *stop, int64_t deadline_ms)
    MUST_CHECK;

/*
 * Sends parts[0 .. nparts), which it changes; *ret_nsent bytes were sent, also if it fails. UNAVAILABLE: the connection is lost; DEADLINE_EXCEEDED,
 * CANCELLED. Blocks.
 */
struct status hbase_socket_send(int fd, struct iovec *parts, size_t nparts, const struct stop *stop,
                                int64_t deadline_ms, size_t *ret_nsent) MUST_CHECK;

/*
 * Receives n bytes. UNAVAILABLE: the peer closed the connection, or it is lost; DEADLINE_EXCEEDED, CANCELLED. Blocks.
 */
struct status hbase_socket_receive(int fd, void *data, size_t n, const struct stop *stop,
                                   int64_t deadline_ms) MUST_CHECK;

#endif
