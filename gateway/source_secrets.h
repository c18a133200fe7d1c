/*
 * gateway/source_secrets.h - the secrets of data sources on their way to the database and from it.
 */
#ifndef GATEWAY_SOURCE_SECRETS_H
#define GATEWAY_SOURCE_SECRETS_H

#include "base/status.h"
#include "sluice/v1/data_source.pb-c.h"

struct rpc_call;

/*
 * The parameters as the database is to have them, which live as long as the call: with the gateway's keys, if it has any.
 * Errors as spec/data_source_seal.h.
 */
struct status source_secrets_seal(struct rpc_call *call, const Pb__DataSource *source,
                                  const char **ret) MUST_CHECK;

/* Opens what the database has, in place. Errors as spec/data_source_seal.h; they have no secrets. */
struct status source_secrets_open(struct rpc_call *call, Pb__DataSource *source) MUST_CHECK;

#endif
