/*
 * http/listener.h - the socket that connections come in on.
 */
#ifndef HTTP_LISTENER_H
#define HTTP_LISTENER_H

#include "base/status.h"

/*
 * Opens a listening TCP socket for "host:port" or "[v6]:port"; port 0 is any free one. *ret_fd is owned by the caller.
 * INVALID_ARGUMENT: it is no such text. UNAVAILABLE: the address is taken, or is not one of this machine.
 */
struct status listener_open(const char *address, int *ret_fd) MUST_CHECK;

/* The port that fd is bound to. */
int listener_get_port(int fd);

#endif
