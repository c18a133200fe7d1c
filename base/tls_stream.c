#include "base/tls_stream.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/tls_context.h"

struct tls_stream {
    SSL *ssl;
};

static struct status make_context(const struct tls_paths *paths, SSL_CTX **ret)
{
    struct tls_texts texts = {0};
    struct status st = tls_texts_read(TLS_CLIENT, paths, &texts);

    if (st.code == STATUS_OK)
        st = tls_context_create(TLS_CLIENT, &texts, ret);
    tls_texts_deinit(&texts);
    return st;
}

/* Whom the certificate is to be for (RFC 6125). */
static bool expect(SSL *ssl, const char *host)
{
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
        return true; /* an address is not sent as a name (RFC 6066, section 3) */
    ERR_clear_error();
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* OpenSSL writes to the socket without a flag against it. */
static void block_sigpipe(void)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static struct status refuse(const SSL *ssl, const char *host)
{
    long verified = SSL_get_verify_result(ssl);
    const char *reason = verified == X509_V_OK ? ERR_reason_error_string(ERR_peek_error())
                                               : X509_verify_cert_error_string(verified);

    return status_error(STATUS_UNAVAILABLE, "no TLS with '%.80s': %s", host,
                        reason ? reason : "no answer in time, or the connection was closed");
}

struct status tls_stream_open(int fd, const char *host, const struct tls_paths *paths,
                              struct tls_stream **ret)
{
    SSL_CTX *context = NULL;
    struct status st = make_context(paths, &context);

    if (st.code != STATUS_OK)
        return st;
    struct tls_stream *stream = mem_alloc(sizeof(*stream));
    stream->ssl = SSL_new(context); /* counts itself in */
    SSL_CTX_free(context);
    assert(stream->ssl); /* only memory can be missing */
    block_sigpipe();
    if (!expect(stream->ssl, host) || SSL_set_fd(stream->ssl, fd) != 1 ||
        SSL_connect(stream->ssl) != 1) {
        st = refuse(stream->ssl, host);
        tls_stream_close(stream);
        return st;
    }
    *ret = stream;
    return st;
}

void tls_stream_close(struct tls_stream *stream)
{
    if (!stream)
        return;
    ERR_clear_error();
    SSL_free(stream->ssl);
    mem_free(stream);
}

bool tls_stream_write(struct tls_stream *stream, struct str bytes)
{
    return bytes.len <= 64 * 1024 &&
           SSL_write(stream->ssl, bytes.data, (int)bytes.len) == (int)bytes.len;
}

ssize_t tls_stream_read(struct tls_stream *stream, char *ret, size_t max_bytes)
{
    int size = max_bytes > INT_MAX ? INT_MAX : (int)max_bytes;

    ERR_clear_error();
    errno = 0;
    int n = SSL_read(stream->ssl, ret, size);
    int error = SSL_get_error(stream->ssl, n);
    if (n > 0 || error == SSL_ERROR_ZERO_RETURN)
        return n > 0 ? n : 0;
    errno = error == SSL_ERROR_WANT_READ ? EAGAIN : errno ? errno : EPROTO;
    return -1;
}
