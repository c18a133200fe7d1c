/*
 * rest-shim/rest_counts.h - what sluice-rest counts of its requests, and the listener that shows it.
 */
#ifndef REST_SHIM_REST_COUNTS_H
#define REST_SHIM_REST_COUNTS_H

#include <stdint.h>

#include "base/metrics.h"
#include "base/status.h"

struct cidr_list;
struct route;
struct status_server;
struct tls_paths;

/* Serves at listen (http/status_server.h); NULL: *ret is NULL, and nothing is counted. */
struct status rest_counts_serve(const char *listen, const struct cidr_list *allowed,
                                const struct tls_paths *server_tls,
                                const struct tls_paths *client_tls, struct status_server **ret)
    MUST_CHECK;

/* A request has come; metrics may be NULL, in all of these. */
void rest_counts_begin(struct metrics *metrics);

/* It was answered by that status, 0: its client was gone. route is NULL if none fits. */
void rest_counts_end(struct metrics *metrics, const struct route *route, int http_status,
                     int64_t took_us);

/* One that did not come so far was refused by that status. */
void rest_counts_refuse(struct metrics *metrics, int http_status);

#endif
