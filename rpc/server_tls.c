#include "rpc/server_tls.h"

#include <assert.h>
#include <pthread.h>

#include <grpc/grpc_security.h>

#include "base/mem.h"
#include "base/tls_files.h"

struct rpc_server_tls {
    pthread_mutex_t lock; /* core asks on any thread */
    struct tls_files *files;
    bool is_given; /* core has had one configuration */
    grpc_ssl_client_certificate_request_type request;
};

struct status rpc_server_tls_create(const struct tls_paths *paths, struct rpc_server_tls **ret)
{
    struct tls_files *files = NULL;
    struct status st = tls_files_open(TLS_SERVER, paths, &files);

    if (st.code != STATUS_OK)
        return st;
    struct rpc_server_tls *tls = mem_alloc(sizeof(*tls));
    (void)pthread_mutex_init(&tls->lock, NULL);
    tls->files = files;
    tls->request = paths->ca ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                             : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
    *ret = tls;
    return status_ok();
}

/* Core 1.51 takes no configuration without a CA, also where it asks for no certificate: any one serves then. */
static grpc_ssl_server_certificate_config *make_config(const struct tls_texts *texts)
{
    const char *ca = texts->ca ? texts->ca : texts->cert;
    const grpc_ssl_pem_key_cert_pair pair = {.private_key = texts->key, .cert_chain = texts->cert};

    return grpc_ssl_server_certificate_config_create(ca, &pair, 1);
}

/* Core asks at the start, and before each handshake; it takes ownership of *ret. */
static grpc_ssl_certificate_config_reload_status fetch(void *data,
                                                       grpc_ssl_server_certificate_config **ret)
{
    struct rpc_server_tls *tls = data;

    (void)pthread_mutex_lock(&tls->lock);
    bool is_new = tls_files_refresh(tls->files) || !tls->is_given;
    if (is_new)
        *ret = make_config(tls_files_get_texts(tls->files));
    tls->is_given = true;
    (void)pthread_mutex_unlock(&tls->lock);
    return is_new ? GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW
                  : GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
}

grpc_server_credentials *rpc_server_tls_make_credentials(struct rpc_server_tls *tls)
{
    grpc_server_credentials *credentials = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(tls->request, fetch, tls));

    assert(credentials); /* it is only refused without a function */
    return credentials;
}

void rpc_server_tls_destroy(struct rpc_server_tls *tls)
{
    if (!tls)
        return;
    tls_files_close(tls->files);
    (void)pthread_mutex_destroy(&tls->lock);
    mem_free(tls);
}
