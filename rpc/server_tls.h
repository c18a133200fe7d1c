/*
 * rpc/server_tls.h - how a server shows itself by TLS, and whom it lets connect.
 */
#ifndef RPC_SERVER_TLS_H
#define RPC_SERVER_TLS_H

#include "base/status.h"

struct grpc_server_credentials;
struct rpc_server_tls;
struct tls_paths;

/* Reads a server's files; the paths are borrowed until rpc_server_tls_destroy. Errors are those of tls_files_open. */
struct status rpc_server_tls_create(const struct tls_paths *paths, struct rpc_server_tls **ret)
    MUST_CHECK;

/*
 * For grpc_server_add_http2_port; the caller releases it. Each handshake has what the files have then (base/tls_files.h).
 * tls is borrowed as long as core's server lives.
 */
struct grpc_server_credentials *rpc_server_tls_make_credentials(struct rpc_server_tls *tls);

/* NULL is allowed. */
void rpc_server_tls_destroy(struct rpc_server_tls *tls);

#endif
