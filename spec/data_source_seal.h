/*
 * spec/data_source_seal.h - the secrets among a data source's parameters, as the database keeps them: each by itself sealed
 * (base/secret_keys.h), in its place. All else reads as it is, and what works on secrets by their places works on sealed
 * ones, too: they are masked, and kept, without being opened.
 *
 * A sealed secret is bound to the data source's name and type, to its parameter, and to the parameters that say where it is
 * sent to. So who can write to the database, but has no key, can neither move it to another data source nor have it sent
 * to another server.
 */
#ifndef SPEC_DATA_SOURCE_SEAL_H
#define SPEC_DATA_SOURCE_SEAL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "sluice/v1/data_source.pb-c.h"

struct secret_keys;

/*
 * Each appends the parameters of a data source, of which name, type and parameters_json count. Errors name it and the
 * parameter. FAILED_PRECONDITION: the key of a secret is not among keys, or the parameters are not right for the type.
 * DATA_LOSS: a sealed secret is damaged or not from here. INTERNAL: OpenSSL refuses. ret is then as it was.
 */

/* Seals what is plain; what is sealed stays as it is. keys may be NULL: all stays as it is. */
struct status data_source_seal(const Pb__DataSource *source, const struct secret_keys *keys,
                               struct buf *ret) MUST_CHECK;

/* Whether there may be anything to open: most data sources have no secret, and those who lease need not wait to learn it. */
bool data_source_has_sealed(const Pb__DataSource *source);

/* Opens what is sealed. keys may be NULL: that is an error if there is any. */
struct status data_source_open(const Pb__DataSource *source, const struct secret_keys *keys,
                               struct buf *ret) MUST_CHECK;

/* Seals under the first key what is plain or sealed under another. *ret_is_new: there was any. */
struct status data_source_reseal(const Pb__DataSource *source, const struct secret_keys *keys,
                                 bool *ret_is_new, struct buf *ret) MUST_CHECK;

#endif
