/*
 * gateway/gateway_status.h - what sluice-gateway shows to who watches it: its metrics, and whether it is ready.
 */
#ifndef GATEWAY_GATEWAY_STATUS_H
#define GATEWAY_GATEWAY_STATUS_H

#include "base/metrics.h"
#include "base/status.h"

struct cidr_list;
struct gateway_status;
struct pg_result;
struct store;
struct tls_paths;

/*
 * Serves at listen (http/status_server.h), before there is a database; NULL: *ret is NULL, which all functions take, and
 * nothing is counted.
 */
struct status gateway_status_create(const char *listen, const struct cidr_list *allowed,
                                    const struct tls_paths *tls, struct gateway_status **ret)
    MUST_CHECK;

/* For all who count; borrowed until gateway_status_destroy. */
struct metrics *gateway_status_get_metrics(struct gateway_status *status);

/* 0: nothing is served. */
int gateway_status_get_port(const struct gateway_status *status);

/* The program is ready from now on, whenever the store is, which is borrowed until gateway_status_stop. Once. */
void gateway_status_follow(struct gateway_status *status, struct store *store);

/* The program is not ready any more, whatever the store is. */
void gateway_status_announce_stop(struct gateway_status *status);

/* Serves no more. Blocks; comes before store_destroy. */
void gateway_status_stop(struct gateway_status *status);

/* When nobody counts any more. */
void gateway_status_destroy(struct gateway_status *status);

/* A job was leased; is_taken_over: from a worker whose lease had ended without a report. metrics may be NULL, as in all. */
void gateway_status_count_lease(struct metrics *metrics, const char *role, int attempt,
                                bool is_taken_over);

/* A job or a check was leased, but its secrets do not open here. */
void gateway_status_count_refusal(struct metrics *metrics);

/* A job has ended, and the database took it; is_given_up: it was to be tried again, and had been too often. */
void gateway_status_count_end(struct metrics *metrics, const char *outcome, bool is_given_up);

#endif
