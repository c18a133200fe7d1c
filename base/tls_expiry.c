#include "base/tls_expiry.h"

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/tls_context.h"

enum { MICROSECONDS = 1000000, DAY_SECONDS = 86400 };

struct tls_expiry {
    struct metrics_source source;
    enum tls_side side;
    struct tls_paths paths;
    struct metric *remaining;
    atomic_int_least64_t end_us; /* since 1970; 0: not known yet */
};

const struct metric_family tls_certificate_remaining_seconds = {
    .name = "sluice_tls_certificate_remaining_seconds",
    .kind = METRIC_GAUGE,
    .parts = MICROSECONDS,
    .help =
        "For how long the certificate that the option names is good yet; less than 0: it has expired.",
    .labels = {"option"},
};

/* Files that could not be used change nothing: what was read before is still shown to peers. */
static void read_end(struct tls_expiry *expiry)
{
    struct tls_texts texts = {0};
    SSL_CTX *context = NULL;
    struct status st = tls_texts_read(expiry->side, &expiry->paths, &texts);
    int days = 0, seconds = 0;

    if (st.code == STATUS_OK)
        st = tls_context_create(expiry->side, &texts, &context);
    if (st.code == STATUS_OK &&
        ASN1_TIME_diff(&days, &seconds, NULL,
                       X509_get0_notAfter(SSL_CTX_get0_certificate(context))) == 1) {
        int64_t left_s = (int64_t)days * DAY_SECONDS + seconds;
        atomic_store(&expiry->end_us, clock_get_time_us() + left_s * MICROSECONDS);
    }
    SSL_CTX_free(context);
    tls_texts_deinit(&texts);
}

static void on_write(struct metrics_source *source)
{
    struct tls_expiry *expiry = container_of(source, struct tls_expiry, source);

    read_end(expiry);
    int64_t end_us = atomic_load(&expiry->end_us);
    if (end_us != 0)
        metric_set(expiry->remaining, end_us - clock_get_time_us());
}

struct tls_expiry *tls_expiry_create(struct metrics *metrics, enum tls_side side,
                                     const struct tls_paths *paths)
{
    const char *const option[] = {tls_name_cert(side)};

    if (!paths->cert)
        return NULL;
    struct tls_expiry *expiry = mem_alloc(sizeof(*expiry));
    expiry->source.on_write = on_write;
    expiry->side = side;
    expiry->paths = *paths;
    expiry->remaining = metrics_get(metrics, &tls_certificate_remaining_seconds, option);
    read_end(expiry);
    metrics_add_source(metrics, &expiry->source);
    return expiry;
}

void tls_expiry_destroy(struct tls_expiry *expiry)
{
    mem_free(expiry);
}
