/*
 * spec/data_source_secrets.h - the secrets among a data source's parameters: shown as "***", and kept when "***" comes
 * back.
 */
#ifndef SPEC_DATA_SOURCE_SECRETS_H
#define SPEC_DATA_SOURCE_SECRETS_H

#include "base/buf.h"
#include "sluice/v1/data_source.pb-c.h"
#include "spec/violations.h"

/* Appends parameters_json with every secret as "***" (also a password inside an URL). */
void data_source_write_masked(Pb__DataSourceType type, const char *parameters_json,
                              struct buf *ret);

/*
 * Appends new_json, which is valid, with the secrets of old_json in the places of those that read "***"; old_json is
 * "{}" for a new data source. Adds to violations each "***" that stands for none, and each that stands for one while
 * new_json names another place to send it to: else who may update a data source, but not read its secrets, could have
 * them sent to a server of his own. The field is "data_source.parameters_json".
 */
void data_source_merge(Pb__DataSourceType type, const char *old_json, const char *new_json,
                       struct violations *violations, struct buf *ret);

#endif
