/*
 * http/tls.h - TLS on connections, before any HTTP is spoken and after the last of it. For the HTTP server alone.
 *
 * The library has no list of connections that shake hands, nor of those that it wants to close in order; this is it. All
 * functions belong to the server's thread.
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <h2o.h>

#include "base/status.h"

struct http_tls;
struct tls_paths;

enum {
    HTTP_MAX_HANDSHAKES = 1024, /* at a time; more replace those that wait longest */
};

/* Errors are those of tls_files_open. The paths and accept are borrowed until http_tls_destroy. */
struct status http_tls_create(const struct tls_paths *paths, h2o_accept_ctx_t *accept,
                              struct http_tls **ret) MUST_CHECK;

/* All connections are closed. NULL is allowed. */
void http_tls_destroy(struct http_tls *tls);

/* Shakes hands on a connection that has come in, and gives it to HTTP; on_close is called as set in sock. */
void http_tls_accept(struct http_tls *tls, h2o_socket_t *sock);

/* Closes those that shake hands, oldest first, at most that many; returns how many. */
unsigned http_tls_close_handshakes(struct http_tls *tls, unsigned max_closed);

/* Cuts all connections, whatever is under way on them. */
void http_tls_cut_all(struct http_tls *tls);

#endif
