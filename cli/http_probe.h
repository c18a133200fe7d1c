/*
 * cli/http_probe.h - is an HTTP server ready? Just enough of HTTP/1.1 (RFC 9112) to learn a status.
 */
#ifndef CLI_HTTP_PROBE_H
#define CLI_HTTP_PROBE_H

#include <stdint.h>

#include "base/status.h"
#include "base/tls.h"

/*
 * Sends GET path to address, HOST:PORT, and reads the status of the answer; by TLS if tls, a client's, has a CA. Each step
 * has timeout_ms. INVALID_ARGUMENT: address is none. UNAVAILABLE: it does not answer in time, or no HTTP, or is not whom it
 * is to be. Else as the system refused, or an error of the files. Blocks.
 */
struct status http_probe_get(const char *address, const char *path, const struct tls_paths *tls,
                             int64_t timeout_ms, int *ret_status) MUST_CHECK;

#endif
