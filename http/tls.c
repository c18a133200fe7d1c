#include "http/tls.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <h2o/http1.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/list.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/mem.h"
#include "base/tls_files.h"
#include "http/server.h"

struct http_tls {
    h2o_accept_ctx_t *accept;
    struct tls_files *files;
    struct list handshakes; /* connections, oldest first */
    unsigned nhandshakes;
    struct list open; /* those that are HTTP's */
    struct log_limit failures;
};

struct connection {
    struct http_tls *tls;
    h2o_socket_t *sock;
    SSL_CTX *context; /* counted in: the library keeps it, and does not count */
    struct list place;
    bool is_shaking;
    h2o_timeout_entry_t timer; /* of the handshake */
    struct timeval start_time;
    void (*on_close)(void *data); /* the server's */
    void *data;
};

/* Files. */

/* Clients that speak HTTP/1.1, or do not say what (RFC 7301). */
static int select_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
                           const unsigned char *offered, unsigned noffered, void *data)
{
    static const unsigned char ours[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
    unsigned char *chosen = NULL;

    (void)ssl;
    (void)data;
    if (SSL_select_next_proto(&chosen, ret_len, ours, sizeof(ours), offered, noffered) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static void offer_http(struct http_tls *tls)
{
    SSL_CTX_set_alpn_select_cb(tls_files_get_context(tls->files), select_protocol, NULL);
}

struct status http_tls_create(const struct tls_paths *paths, h2o_accept_ctx_t *accept,
                              struct http_tls **ret)
{
    struct tls_files *files = NULL;
    struct status st = tls_files_open(TLS_SERVER, paths, &files);

    if (st.code != STATUS_OK)
        return st;
    struct http_tls *tls = mem_alloc(sizeof(*tls));
    tls->accept = accept;
    tls->files = files;
    list_init(&tls->handshakes);
    list_init(&tls->open);
    offer_http(tls);
    *ret = tls;
    return status_ok();
}

void http_tls_destroy(struct http_tls *tls)
{
    if (!tls)
        return;
    tls_files_close(tls->files);
    mem_free(tls);
}

/* Connections. */

static void leave_handshakes(struct connection *connection)
{
    if (!connection->is_shaking)
        return;
    connection->is_shaking = false;
    connection->tls->nhandshakes--;
    h2o_timeout_unlink(&connection->timer);
}

static void on_close(void *data)
{
    struct connection *connection = data;

    leave_handshakes(connection);
    list_remove(&connection->place);
    SSL_CTX_free(connection->context);
    connection->on_close(connection->data);
    mem_free(connection);
}

static void write_host(h2o_socket_t *sock, char ret[INET6_ADDRSTRLEN])
{
    struct sockaddr_storage peer = {0};
    const struct sockaddr_in *v4 = (const void *)&peer;
    const struct sockaddr_in6 *v6 = (const void *)&peer;

    ret[0] = '\0';
    if (h2o_socket_getpeername(sock, (void *)&peer) != 0)
        (void)inet_ntop(peer.ss_family,
                        peer.ss_family == AF_INET6 ? (const void *)&v6->sin6_addr
                                                   : (const void *)&v4->sin_addr,
                        ret, INET6_ADDRSTRLEN);
}

static void log_failure(struct connection *connection, const char *error)
{
    char host[INET6_ADDRSTRLEN];
    unsigned nskipped;

    if (!log_limit_pass(&connection->tls->failures, clock_get_monotonic_ms(), &nskipped))
        return;
    write_host(connection->sock, host);
    log_warn("a handshake has failed", log_str("error", error), log_str("peer", host),
             log_int("not_logged", nskipped));
}

static void on_handshake(h2o_socket_t *sock, const char *error)
{
    struct connection *connection = sock->data;

    leave_handshakes(connection);
    if (error) {
        const char *reason = ERR_reason_error_string(ERR_peek_error());
        log_failure(connection, reason ? reason : error);
        h2o_socket_close(sock);
        return;
    }
    list_remove(&connection->place);
    list_add_last(&connection->tls->open, &connection->place);
    h2o_http1_accept(connection->tls->accept, sock, connection->start_time);
}

static void on_handshake_timeout(h2o_timeout_entry_t *entry)
{
    struct connection *connection = container_of(entry, struct connection, timer);

    log_failure(connection, "it took too long");
    h2o_socket_close(connection->sock);
}

/*
 * When the library closes a connection it says so to the client first, and waits until that is written, for ever: the
 * system ends it for a client that does not read.
 */
static void bound_close(h2o_socket_t *sock)
{
    const unsigned timeout_ms = HTTP_WRITE_TIMEOUT_MS;

    (void)setsockopt(h2o_socket_get_fd(sock), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
                     sizeof(timeout_ms));
}

void http_tls_accept(struct http_tls *tls, h2o_socket_t *sock)
{
    struct connection *connection = mem_alloc(sizeof(*connection));
    h2o_context_t *context = tls->accept->ctx;

    if (tls_files_refresh(tls->files))
        offer_http(tls);
    if (tls->nhandshakes >= HTTP_MAX_HANDSHAKES)
        (void)http_tls_close_handshakes(tls, 1);
    *connection = (struct connection){
        .tls = tls,
        .sock = sock,
        .context = tls_files_get_context(tls->files),
        .is_shaking = true,
        .timer.cb = on_handshake_timeout,
        .start_time = *h2o_get_timestamp(context, NULL, NULL),
        .on_close = sock->on_close.cb,
        .data = sock->on_close.data,
    };
    (void)SSL_CTX_up_ref(connection->context);
    list_add_last(&tls->handshakes, &connection->place);
    tls->nhandshakes++;
    h2o_timeout_link(context->loop, &context->handshake_timeout, &connection->timer);
    bound_close(sock);
    sock->data = connection;
    sock->on_close.cb = on_close;
    sock->on_close.data = connection;
    h2o_socket_ssl_handshake(sock, connection->context, NULL, on_handshake);
}

unsigned http_tls_close_handshakes(struct http_tls *tls, unsigned max_closed)
{
    unsigned nclosed = 0;

    while (nclosed < max_closed && !list_is_empty(&tls->handshakes)) {
        struct list *first = tls->handshakes.next;

        h2o_socket_close(container_of(first, struct connection, place)->sock);
        nclosed++;
    }
    return nclosed;
}

void http_tls_cut_all(struct http_tls *tls)
{
    struct list *link;

    (void)http_tls_close_handshakes(tls, UINT_MAX);
    list_for_each (link, &tls->open) {
        h2o_socket_t *sock = container_of(link, struct connection, place)->sock;
        (void)shutdown(h2o_socket_get_fd(sock), SHUT_RDWR);
    }
}
