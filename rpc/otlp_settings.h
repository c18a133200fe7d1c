/*
 * rpc/otlp_settings.h - the settings of a program that exports spans, as rows of its table of options.
 */
#ifndef RPC_OTLP_SETTINGS_H
#define RPC_OTLP_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "base/options.h"
#include "base/status.h"

struct metrics;
struct otlp;
struct rpc_loop;

struct otlp_settings {
    const char *endpoint;
    const char *ca; /* of https:// */
    int64_t one_in; /* traces that begin here: so many for one that is sampled; 0: none is */
};

/* The default is where Debian keeps what the machine trusts. */
#define OTLP_OPTION_ROWS(type, member) \
    {.name = "otlp-endpoint", \
     .kind = OPTION_TEXT, \
     .field = offsetof(type, member.endpoint), \
     .value_name = "HOST:PORT", \
     .help = "where to send spans by OTLP over gRPC; https://HOST:PORT: by TLS; default is " \
             "nowhere"}, \
        {.name = "otlp-ca", \
         .kind = OPTION_TEXT, \
         .field = offsetof(type, member.ca), \
         .default_value = "/etc/ssl/certs/ca-certificates.crt", \
         .value_name = "FILE", \
         .help = "with https://: the CAs, in PEM, one of which has signed the collector's " \
                 "certificate; a new file is taken up without a restart"}, \
    { \
        .name = "trace-one-in", .kind = OPTION_NUMBER, .field = offsetof(type, member.one_in), \
        .default_value = "1", .min = 0, .max = 1000000, .value_name = "N", \
        .help = \
            "with --otlp-endpoint: one in N requests that come without a trace begins a sampled " \
            "one; 0: none", \
    }

/* For a table's validate: appends what is wrong with the endpoint. */
void otlp_settings_validate(const struct otlp_settings *settings, struct buf *errors);

/* As otlp_start, and as tls_files_open where the endpoint wants TLS. settings are borrowed until otlp_stop. */
struct status otlp_settings_start(const struct otlp_settings *settings, const char *service_name,
                                  struct rpc_loop *loop, struct metrics *metrics, struct otlp **ret)
    MUST_CHECK;

#endif
