/*
 * rest-shim/shim.h - answers HTTP requests by calls to the gateway, as the table of routes says.
 */
#ifndef REST_SHIM_SHIM_H
#define REST_SHIM_SHIM_H

#include <stdbool.h>

#include "base/status.h"
#include "rest-shim/lts.h"

struct http_handler;
struct limiter;
struct metrics;
struct rpc_channel;
struct shim;
struct tracer;

struct shim_options {
    struct rpc_channel *channel; /* to the gateway; borrowed until shim_destroy */
    struct tracer *tracer;       /* the same; NULL: there are no spans */
    unsigned timeout_ms;         /* of each call */
    struct limiter *limiter;     /* borrowed until shim_destroy; NULL: clients are not limited */
    int legacy_error_status;  /* what errors of the LTS API are sent with; 0: what fits the error */
    bool is_for_this_machine; /* names that could be anybody's are not answered to, but health */
    struct lts_settings lts;
    unsigned max_event_streams; /* at a time */
    const char *docs_dir;       /* as for assets_create; only looked at by shim_create */
    struct metrics *metrics;    /* borrowed until shim_destroy; NULL: nothing is counted */
};

struct shim *shim_create(const struct shim_options *options) MUST_CHECK;

/* For the HTTP server, which must be stopped before shim_destroy. */
struct http_handler *shim_get_handler(struct shim *shim);

/* NULL is allowed. */
void shim_destroy(struct shim *shim);

#endif
