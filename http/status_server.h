/*
 * http/status_server.h - a listener of its own for who watches a program: GET /metrics, /healthz and /readyz.
 *
 * It has nothing for anybody else, so that it can be kept inside a network. What it takes is limited as http/server.h
 * says.
 */
#ifndef HTTP_STATUS_SERVER_H
#define HTTP_STATUS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/options.h"
#include "base/status.h"
#include "base/tls.h"

struct cidr_list;
struct metric_family;
struct metrics;
struct metrics_source;
struct status_server;

/* Waits for figures; in a request's arena. */
struct status_wait {
    /* Any thread; must not block. */
    void (*on_fresh)(struct status_wait *wait);
    struct status_wait *next; /* the source's */
};

/* Embedded in what knows how a program is. */
struct status_source {
    /* Whether the program can do its work now; if not, *ret_why says why, and is constant. The server's thread. */
    bool (*is_ready)(struct status_source *source, const char **ret_why);
    /*
     * Brings metrics up to date that take a moment to find out: false when there is nothing to wait for, or on_fresh runs
     * later, once, in any case. Must not block. The server's thread. NULL: there are none.
     */
    bool (*refresh)(struct status_source *source, struct status_wait *wait);
};

/* The option that says where; member is a const char *. */
#define STATUS_SERVER_ROW(type, member) \
    {.name = "metrics-listen", \
     .kind = OPTION_TEXT, \
     .field = offsetof(type, member), \
     .value_name = "HOST:PORT", \
     .help = \
         "where to serve /metrics, /healthz and /readyz over HTTP, for who watches; port 0: any; " \
         "default is nowhere"}

struct status_server_options {
    const char *listen;              /* as for listener_open; NULL: there is to be no server */
    const struct cidr_list *allowed; /* as for http_server_create */
    const struct metric_family *const *families; /* families[0 .. nfamilies): what is counted */
    size_t nfamilies;
    /* Borrowed until status_server_stop, as families until the end. NULL: the program is ready as long as it runs. */
    struct status_source *source;
    struct metrics_source
        *figures; /* for metrics_add_source, borrowed likewise; NULL: there is none */
    /* What the program shows its peers, as a server and as a client; families then has TLS_METRIC_FAMILIES. */
    struct tls_paths server_tls;
    struct tls_paths client_tls;
};

/*
 * Listens and serves. Without an address *ret is NULL, which all functions take. Errors are those of listener_open, or of
 * starting a thread.
 */
struct status status_server_create(const struct status_server_options *options,
                                   struct status_server **ret) MUST_CHECK;

/* The port that is listened on; 0: there is none. */
int status_server_get_port(const struct status_server *server);

/* The registry of the families, for all who count; borrowed until status_server_destroy. NULL: nothing is counted. */
struct metrics *status_server_get_metrics(struct status_server *server);

/* From here on /readyz says that the program stops. Any thread. */
void status_server_announce_stop(struct status_server *server);

/* Ends serving; waits for figures that are awaited. Blocks. */
void status_server_stop(struct status_server *server);

/* When nobody counts any more. Stops if that was not done, and frees. */
void status_server_destroy(struct status_server *server);

#endif
