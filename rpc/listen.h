/*
 * rpc/listen.h - the address that a server listens on.
 */
#ifndef RPC_LISTEN_H
#define RPC_LISTEN_H

#include "base/status.h"

struct grpc_server;
struct rpc_server_tls;

/*
 * Has core listen on address: "host:port", "[v6]:port" or "unix:/path". tls may be NULL: without TLS, else it is borrowed as
 * long as core's server lives. *ret_port is the port, 0 for a unix socket.
 * UNAVAILABLE: it is taken, or cannot be had; the text names it.
 */
struct status rpc_listen(struct grpc_server *core, const char *address, struct rpc_server_tls *tls,
                         int *ret_port) MUST_CHECK;

#endif
