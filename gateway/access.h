/*
 * gateway/access.h - who makes a call, and what they may do. What is decided about callers is decided here, and nowhere else.
 *
 * A call comes from an allowed address, with a token that has the scope of its method, and its client has not too many of
 * them; each of the three is asked for only if it is configured. Nothing else says who calls: headers that proxies add are
 * not looked at.
 */
#ifndef GATEWAY_ACCESS_H
#define GATEWAY_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/exposure.h"
#include "base/limiter.h"
#include "base/options.h"
#include "base/status.h"

struct access;
struct rpc_call;
struct rpc_gate;
struct store;

struct access_settings {
    struct exposure_settings exposure;
    struct limiter_settings limits;
    bool requires_token;
    const char *certificate_scopes; /* NULL: a certificate stands in for no token */
};

#define ACCESS_ROWS(type, member) \
    {.name = "require-token", \
     .kind = OPTION_FLAG, \
     .field = offsetof(type, member.requires_token), \
     .help = "serve only calls that bring a token made by 'sluice token create'; health is open"}, \
        {.name = "certificate-scopes", \
         .kind = OPTION_TEXT, \
         .field = offsetof(type, member.certificate_scopes), \
         .value_name = "SCOPES", \
         .help = "what callers with a certificate of --tls-client-ca may do without a token: " \
                 "read, write, worker, admin, with commas between"}, \
        EXPOSURE_ROWS(type, member.exposure), LIMITER_ROWS(type, member.limits)

/* For a table's validate: appends what is wrong with them. */
void access_validate(const struct access_settings *settings, const char *listen,
                     const char *metrics_listen, bool has_client_ca, struct buf *errors);

/*
 * Owned by the caller, also on failure. store is borrowed until access_stop. Blocks until the tokens are read. UNAVAILABLE:
 * they cannot be. RESOURCE_EXHAUSTED: the system refused a thread.
 */
struct status access_create(const struct access_settings *settings, struct store *store,
                            struct access **ret) MUST_CHECK;

/* For rpc_server_options; NULL: there is nothing to ask. Borrowed until access_destroy. */
struct rpc_gate *access_get_gate(struct access *access);

/* Ends what runs by itself. All calls are gone; comes before store_destroy. NULL is allowed. */
void access_stop(struct access *access);

/* After access_stop; the store is gone. NULL is allowed. */
void access_destroy(struct access *access);

/*
 * Who makes the call, for the history of a task: the name of its token, else whom its certificate is for, else "client".
 * Lives as long as the call.
 */
const char *access_get_actor(struct rpc_call *call);

/* For what is to be found again who did it: writes a line to the log. what is a constant text, "data source created". */
void access_log_change(struct rpc_call *call, const char *what, const char *name);

#endif
