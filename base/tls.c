#include "base/tls.h"

#include <openssl/crypto.h>

#include "base/file.h"
#include "base/mem.h"

static const struct {
    const char *cert, *key, *ca;
} names[] = {
    [TLS_SERVER] = {"tls-cert", "tls-key", "tls-client-ca"},
    [TLS_CLIENT] = {"gateway-cert", "gateway-key", "gateway-ca"},
    [TLS_EXPORTER] = {.ca = "otlp-ca"},
};

/*
 * At the end of a process OpenSSL frees what all threads share, though threads of gRPC core, which nobody can wait for, may
 * still shake hands. Whoever calls it first decides, and libraries call it, too: so it is told before main.
 */
__attribute__((constructor)) static void keep_at_exit(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

const char *tls_name_cert(enum tls_side side)
{
    return names[side].cert;
}

const char *tls_name_key(enum tls_side side)
{
    return names[side].key;
}

const char *tls_name_ca(enum tls_side side)
{
    return names[side].ca;
}

bool tls_is_on(enum tls_side side, const struct tls_paths *paths)
{
    return side == TLS_SERVER ? paths->cert != NULL : paths->ca != NULL;
}

/* One of them makes no sense without the other. */
static void want(const char *missing, const char *given, struct buf *errors)
{
    buf_printf(errors, "%s: is missing beside --%s\n", missing, given);
}

void tls_validate(enum tls_side side, const struct tls_paths *paths, struct buf *errors)
{
    if (paths->cert && !paths->key)
        want(names[side].key, names[side].cert, errors);
    if (paths->key && !paths->cert)
        want(names[side].cert, names[side].key, errors);
    if (side == TLS_SERVER && paths->ca && !paths->cert)
        want(names[side].cert, names[side].ca, errors);
    if (side == TLS_CLIENT && paths->cert && !paths->ca)
        want(names[side].ca, names[side].cert, errors);
}

static struct status read_one(const char *name, const char *path, char **ret)
{
    return path ? file_read_text(name, path, TLS_FILE_MAX_BYTES, ret) : status_ok();
}

struct status tls_texts_read(enum tls_side side, const struct tls_paths *paths,
                             struct tls_texts *ret)
{
    struct tls_texts texts = {0};
    struct status st = read_one(names[side].cert, paths->cert, &texts.cert);

    if (st.code == STATUS_OK)
        st = read_one(names[side].key, paths->key, &texts.key);
    if (st.code == STATUS_OK)
        st = read_one(names[side].ca, paths->ca, &texts.ca);
    if (st.code == STATUS_OK)
        *ret = texts;
    else
        tls_texts_deinit(&texts);
    return st;
}

void tls_texts_deinit(struct tls_texts *texts)
{
    mem_free(texts->cert);
    mem_free_secret(texts->key);
    mem_free(texts->ca);
    *texts = (struct tls_texts){0};
}
