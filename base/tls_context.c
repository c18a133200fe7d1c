#include "base/tls_context.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

/* Of TLS 1.2; all of TLS 1.3 are as good (RFC 9325, section 4.2). */
static const char CIPHERS[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* Makes an error of what OpenSSL has to say, which is in the thread's queue. */
static struct status refuse(const char *option, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    struct status st = status_error(STATUS_INVALID_ARGUMENT, "%s: %s%s%s%s", option, what,
                                    reason ? " (" : "", reason ? reason : "", reason ? ")" : "");

    ERR_clear_error();
    return st;
}

static BIO *open_text(const char *text)
{
    assert(strlen(text) <= INT_MAX);
    BIO *bio = BIO_new_mem_buf(text, -1);
    assert(bio); /* only memory can be missing */
    return bio;
}

/* OpenSSL would ask at the terminal. */
static int refuse_password(char *buf, int size, int is_writing, void *data)
{
    (void)buf;
    (void)size;
    (void)is_writing;
    (void)data;
    return -1;
}

/* Gives each certificate of a text to take, which returns 1 when it is fine; false: there is none, or one is bad. */
static bool read_certificates(const char *text, SSL_CTX *context,
                              int (*take)(SSL_CTX *context, X509 *cert, size_t number))
{
    BIO *bio = open_text(text);
    size_t ncerts = 0;
    bool is_fine = true;
    X509 *cert;

    while (is_fine && (cert = PEM_read_bio_X509(bio, NULL, refuse_password, NULL)) != NULL) {
        is_fine = take(context, cert, ncerts++) == 1;
        X509_free(cert);
    }
    BIO_free(bio);
    if (!is_fine || ncerts == 0)
        return false;
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return false; /* something else than the end of the text */
    ERR_clear_error();
    return true;
}

static int take_own(SSL_CTX *context, X509 *cert, size_t number)
{
    if (number == 0)
        return SSL_CTX_use_certificate(context, cert);
    return SSL_CTX_add1_chain_cert(context, cert) > 0;
}

static int take_ca(SSL_CTX *context, X509 *cert, size_t number)
{
    (void)number;
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(context), cert) == 1 &&
           SSL_CTX_add_client_CA(context, cert) == 1;
}

static struct status check_time(const char *option, const SSL_CTX *context)
{
    const X509 *cert = SSL_CTX_get0_certificate(context);

    if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
        return status_error(STATUS_INVALID_ARGUMENT, "%s: the certificate has expired", option);
    if (X509_cmp_current_time(X509_get0_notBefore(cert)) > 0)
        return status_error(STATUS_INVALID_ARGUMENT, "%s: the certificate is not valid yet",
                            option);
    return status_ok();
}

static struct status use_key(enum tls_side side, SSL_CTX *context, const char *text)
{
    BIO *bio = open_text(text);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, refuse_password, NULL);

    BIO_free(bio);
    if (!key)
        return refuse(tls_name_key(side), "is no private key in PEM without a password");
    int is_used = SSL_CTX_use_PrivateKey(context, key);
    EVP_PKEY_free(key);
    if (is_used != 1 || SSL_CTX_check_private_key(context) != 1)
        return refuse(tls_name_key(side), "does not belong to the certificate");
    return status_ok();
}

static struct status use_pair(enum tls_side side, SSL_CTX *context, const struct tls_texts *texts)
{
    if (!read_certificates(texts->cert, context, take_own))
        return refuse(tls_name_cert(side), "is no certificate in PEM that can be used");
    struct status st = check_time(tls_name_cert(side), context);
    return st.code == STATUS_OK ? use_key(side, context, texts->key) : st;
}

static struct status use_ca(enum tls_side side, SSL_CTX *context, const char *text)
{
    if (!read_certificates(text, context, take_ca))
        return refuse(tls_name_ca(side), "is no certificate in PEM that can be used");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return status_ok();
}

static SSL_CTX *create_plain(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_method());

    assert(context && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, CIPHERS) == 1 &&
           SSL_CTX_set_num_tickets(context, 0) == 1);
    (void)SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                           SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return context;
}

struct status tls_context_create(enum tls_side side, const struct tls_texts *texts, SSL_CTX **ret)
{
    SSL_CTX *context = create_plain();
    struct status st = status_ok();

    ERR_clear_error();
    if (texts->cert)
        st = use_pair(side, context, texts);
    if (st.code == STATUS_OK && texts->ca)
        st = use_ca(side, context, texts->ca);
    if (st.code == STATUS_OK)
        *ret = context;
    else
        SSL_CTX_free(context);
    return st;
}
