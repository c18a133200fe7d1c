/*
 * base/tls_expiry.h - shows for how long a program's certificate is good yet, as who connects next would see it.
 */
#ifndef BASE_TLS_EXPIRY_H
#define BASE_TLS_EXPIRY_H

#include "base/metrics.h"
#include "base/tls.h"

struct tls_expiry;

extern const struct metric_family tls_certificate_remaining_seconds;

#define TLS_METRIC_FAMILIES &tls_certificate_remaining_seconds

/*
 * Before the first metrics_write; paths and metrics are borrowed until the destruction. The files are read again whenever
 * metrics are written, for programs take up new ones. NULL if paths name no certificate. Blocks for as long as reading takes.
 */
struct tls_expiry *tls_expiry_create(struct metrics *metrics, enum tls_side side,
                                     const struct tls_paths *paths) MUST_CHECK;

/* When nobody writes metrics any more. NULL is allowed. */
void tls_expiry_destroy(struct tls_expiry *expiry);

#endif
