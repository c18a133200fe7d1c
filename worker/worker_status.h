/*
 * worker/worker_status.h - what sluice-worker shows to who watches it: its metrics, and whether it is ready.
 */
#ifndef WORKER_WORKER_STATUS_H
#define WORKER_WORKER_STATUS_H

#include "base/metrics.h"
#include "base/status.h"

struct cidr_list;
struct engine;
struct tls_paths;
struct worker_status;

/*
 * Serves at listen (http/status_server.h); NULL: *ret is NULL, which all functions take, and nothing is counted.
 */
struct status worker_status_create(const char *listen, const struct cidr_list *allowed,
                                   const struct tls_paths *server_tls,
                                   const struct tls_paths *client_tls, struct worker_status **ret)
    MUST_CHECK;

/* For all who count; borrowed until worker_status_destroy. */
struct metrics *worker_status_get_metrics(struct worker_status *status);

/* 0: nothing is served. */
int worker_status_get_port(const struct worker_status *status);

/* From now on the engine is asked, which is borrowed until worker_status_stop. Once. */
void worker_status_follow(struct worker_status *status, struct engine *engine);

/* The program is not ready any more. */
void worker_status_announce_stop(struct worker_status *status);

/* Serves no more. Blocks; comes before engine_destroy. */
void worker_status_stop(struct worker_status *status);

/* When nobody counts any more. */
void worker_status_destroy(struct worker_status *status);

#endif
