/*
 * cli/connection.h - the way to the gateway, as the command line says.
 */
#ifndef CLI_CONNECTION_H
#define CLI_CONNECTION_H

#include "base/status.h"

struct cli_settings;
struct rpc_channel;
struct rpc_loop;

struct connection {
    struct rpc_loop *loop;
    struct rpc_channel *channel;
};

/* The gateway is not asked yet; errors are of the files for TLS, or of the system. Blocks. */
struct status connection_open(const struct cli_settings *settings, struct connection *ret)
    MUST_CHECK;

/* A zeroed one is allowed. */
void connection_close(struct connection *connection);

#endif
